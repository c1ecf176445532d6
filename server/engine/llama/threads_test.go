package llama_test

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// A context computes the same on other threads than it was made with, in other
// groups.
func TestThreadsChange(t *testing.T) {
	model := llamatest.Load(t)
	want := generate(t, model, "Once upon a time", 6)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256, Threads: 1})
	for _, threads := range []int{2, 1, 2, 2, 1} {
		group, err := ggroup.Open("decode", ggroup.WithCompute(threads))
		if err != nil {
			t.Fatal(err)
		}
		c.(engine.ThreadedContext).SetThreads(engine.Threads{Threads: threads, BatchThreads: 1, Decoding: group})
		if l := c.Limits(); l.Threads != threads || l.BatchThreads != 1 {
			t.Errorf("limits %+v, want %d threads", l, threads)
		}
		if got := generateAll(t, model, c, []string{"Once upon a time"}, 6, ask.Sampling{})[0]; !slices.Equal(got, want) {
			t.Errorf("on %d threads %v, want %v", threads, got, want)
		}
		if n := group.Stats().Compute.Calls; (n > 0) != (len(group.Stats().NotInEffect) == 0) {
			t.Errorf("%d calls in the group", n)
		}
		c.(engine.ThreadedContext).SetThreads(engine.Threads{Threads: 1, BatchThreads: 1})
		if err := group.Close(); err != nil {
			t.Error(err)
		}
		c.RemoveSequence(0, 0, -1)
	}
}

// A decode counts its operations from 0, at least one for each layer, and as many for
// the same batch again.
func TestDecodesCountOperations(t *testing.T) {
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256})
	counting := c.(engine.CountingContext)
	var counts []uint32
	for at := range 2 {
		batch := engine.NewBatch(1)
		batch.Add(300, at, 0, true)
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		n, ok := counting.Progress()
		if !ok {
			t.Skip("not supported: the library has a GPU")
		}
		counts = append(counts, n)
	}
	if counts[0] < 10 || counts[0] != counts[1] {
		t.Errorf("operations of two tokens: %v", counts)
	}
	c.Abort()
	c.Resume()
	if n, _ := counting.Progress(); n != 0 {
		t.Errorf("%d operations after Resume", n)
	}
}
