package llama_test

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// Where a token of each of some sequences is computed beside one of a far longer one,
// they are computed apart: the highest come first, so the library does not join them.
func TestPasses(t *testing.T) {
	type rows struct {
		seq     engine.SequenceID
		at, len int // position of the first, how many
	}
	for _, c := range []struct {
		name   string
		places int
		rows   []rows
		want   []engine.SequenceID
	}{
		{"all alike", 1000, []rows{{0, 90, 1}, {1, 70, 1}, {2, 200, 1}}, []engine.SequenceID{0, 1, 2}},
		{"a gap", 1000, []rows{{2, 90, 1}, {0, 70, 1}}, []engine.SequenceID{2, 0}},
		{"one far longer at the end", 1000, []rows{{0, 90, 1}, {1, 70, 1}, {2, 4000, 1}}, []engine.SequenceID{2, 0, 1}},
		{"and at the beginning", 1000, []rows{{0, 4000, 1}, {1, 70, 1}, {2, 90, 1}}, []engine.SequenceID{1, 2, 0}},
		{"and between", 1000, []rows{{0, 90, 1}, {1, 4000, 1}, {2, 80, 1}}, []engine.SequenceID{2, 1, 0}},
		{"a pass is dearer", 10_000, []rows{{0, 90, 1}, {1, 4000, 1}, {2, 80, 1}}, []engine.SequenceID{0, 1, 2}},
		{"never", 0, []rows{{0, 90, 1}, {1, 400_000, 1}}, []engine.SequenceID{0, 1}},
		{"what all have counts", 10_000, []rows{{0, 90, 3}, {1, 4000, 4}}, []engine.SequenceID{1, 1, 1, 1, 0, 0, 0}},
		{"rows that one has alone do not", 10_000, []rows{{0, 90, 1}, {1, 4000, 4}}, []engine.SequenceID{0, 1, 1, 1, 1}},
		{"half as long", 1000, []rows{{0, 900, 1}, {1, 1500, 1}}, []engine.SequenceID{0, 1}},
	} {
		batch := engine.NewBatch(16)
		for _, r := range c.rows {
			for i := range r.len {
				batch.Add(5, r.at+i, r.seq, false)
			}
		}
		if got := llama.Arranged(batch, 4, c.places); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// 4.2 MB of weights; three layers with two heads of 32, keys and values in halves.
	if got, want := llama.PassPlaces(llamatest.Load(t)), 4_200_000/(3*2*32*2*2*8); got < want*9/10 || got > want*11/10 {
		t.Errorf("%d places cost as much as a pass, want about %d", got, want)
	}
}
