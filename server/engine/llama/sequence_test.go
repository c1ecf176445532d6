package llama_test

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// What follows a copy is what follows the original, wherever it was cut, and neither
// feels the other; also a copy of a copy that no decode has come between.
func TestCopiesGoOnAlike(t *testing.T) {
	m := llamatest.Load(t)
	tokens := tokenize(t, m, "the river runs under an old stone bridge and past the mill")
	n := len(tokens) - 1
	c := openState(t, m, 5)
	fill(t, c, 0, 0, tokens[:n]...)
	if !c.CopySequence(2, 0, n) || !c.CopySequence(4, 2, n-3) || !c.CopySequence(1, 0, 2) {
		t.Fatal("no copies of a plain model's sequences")
	}
	if _, err := c.SaveSequence(2, n, make([]byte, c.StateBytes(2))); err == nil {
		t.Error("the state of a copy was saved before it was made")
	}
	if !c.RemoveSequence(3, 0, -1) {
		t.Error("an empty sequence was not removed")
	}
	want := goOn(t, c, 0, n, tokens[n], 20)
	if got := goOn(t, c, 2, n, tokens[n], 20); !slices.Equal(got, want) {
		t.Errorf("after a copy %v, want %v", got, want)
	}
	fill(t, c, 4, n-3, tokens[n-3:n]...)
	if got := goOn(t, c, 4, n, tokens[n], 20); !slices.Equal(got, want) {
		t.Errorf("after a part of a copy of a copy %v, want %v", got, want)
	}
	fill(t, c, 1, 2, tokens[2:n]...)
	if got := goOn(t, c, 1, n, tokens[n], 20); !slices.Equal(got, want) {
		t.Errorf("after two tokens of it %v, want %v", got, want)
	}
	save(t, c, 2, n+20)
}

// What the library would fail an assertion over is refused.
func TestCopiesThatAreNone(t *testing.T) {
	m := llamatest.Load(t)
	c := openState(t, m, 2)
	fill(t, c, 0, 0, tokenize(t, m, "once")...)
	for _, x := range []struct{ to, from, tokens int }{{1, 1, 1}, {2, 0, 1}, {-1, 0, 1}, {1, 2, 1}, {1, -1, 1}, {1, 0, 0}} {
		if c.CopySequence(engine.SequenceID(x.to), engine.SequenceID(x.from), x.tokens) {
			t.Errorf("%+v was copied", x)
		}
	}
}
