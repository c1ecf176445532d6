package llama_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
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

// logitsAfter decodes a token and returns its logits.
func logitsAfter(t *testing.T, c engine.Context, seq engine.SequenceID, at int, token engine.Token) []float32 {
	t.Helper()
	fill(t, c, seq, at, token)
	logits, err := c.Logits(0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(logits)
}

// Where a shift drops the beginning, all distances between tokens stay: what follows is
// what follows without a shift where the beginning is forgotten. Neither the neighbours'
// keys nor their values change by a bit.
func TestShiftTurnsKeys(t *testing.T) {
	m := llamatest.Load(t)
	tokens := tokenize(t, m, strings.Repeat("the river runs under an old stone bridge ", 4))
	n, dropped := len(tokens)-1, len(tokens)/2
	c := openState(t, m, 3)
	shifting := c.(engine.ShiftingContext)
	if !shifting.CanShift() {
		t.Fatal("the tiny model's cache cannot be shifted")
	}
	for seq := range engine.SequenceID(3) {
		fill(t, c, seq, 0, tokens[:n]...)
	}
	beside := save(t, c, 2, n)
	if !c.RemoveSequence(0, 0, dropped) || !shifting.ShiftSequence(1, 0, dropped) {
		t.Fatal("nothing was dropped")
	}
	if _, err := c.SaveSequence(1, n-dropped, make([]byte, c.StateBytes(1))); err == nil {
		t.Error("the state of a shifted sequence was saved before its keys were turned")
	}
	want, got := logitsAfter(t, c, 0, n, tokens[n]), logitsAfter(t, c, 1, n-dropped, tokens[n])
	for i := range want {
		if math.Abs(float64(want[i]-got[i])) > 0.02 {
			t.Fatalf("logit %d is %v after a shift, %v without", i, got[i], want[i])
		}
	}
	if whole := logitsAfter(t, c, 2, n, tokens[n]); slices.Equal(whole, want) {
		t.Error("to drop half of the tokens changed nothing")
	}
	if !c.RemoveSequence(2, n, -1) || !bytes.Equal(save(t, c, 2, n), beside) {
		t.Error("the shift of a sequence has changed its neighbour")
	}
}

// A shift in the middle leaves the first tokens where they are, also one after another;
// what is none is refused.
func TestShiftKeepsPositions(t *testing.T) {
	m := llamatest.Load(t)
	tokens := tokenize(t, m, strings.Repeat("the old mill by the river ", 8))
	n := len(tokens) - 1
	c := newContext(t, m, engine.ContextConfig{ContextTokens: 2 * 256, MaxSequences: 2}).(engine.ShiftingContext)
	fill(t, c, 0, 0, tokens[:n]...)
	for _, x := range []struct{ seq, from, to int }{{0, -1, 2}, {0, 3, 3}, {0, 4, 3}, {2, 0, 1}, {-1, 0, 1}} {
		if c.ShiftSequence(engine.SequenceID(x.seq), x.from, x.to) {
			t.Errorf("%+v was a shift", x)
		}
	}
	at := n
	for range 3 {
		if !c.ShiftSequence(0, 4, 4+5) {
			t.Fatal("nothing was dropped")
		}
		at -= 5
		goOn(t, c, 0, at, tokens[n], 5)
		at += 5
	}
	if !c.RemoveSequence(0, 4, -1) {
		t.Fatal("the rest was not removed")
	}
	fill(t, c, 1, 0, tokens[:4]...)
	if want, got := logitsAfter(t, c, 1, 4, tokens[4]), logitsAfter(t, c, 0, 4, tokens[4]); !slices.Equal(want, got) {
		t.Error("the first tokens were not left alone")
	}
}
