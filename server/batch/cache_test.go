package batch

import (
	"errors"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// finishAll steps until all generations have ended and returns their tokens.
func finishAll(t *testing.T, loop *Loop, generations []*Generation) [][]engine.Token {
	t.Helper()
	all := make([][]engine.Token, len(generations))
	for range 100_000 {
		loop.step()
		ended := 0
		for i, g := range generations {
			tokens, end := ready(g, 64)
			all[i] = append(all[i], tokens...)
			if end {
				ended++
			}
		}
		if ended == len(generations) {
			return all
		}
	}
	t.Fatal("no end in sight")
	return nil
}

// TestCacheFull checks that a cache too small for all sequences makes them
// take turns and changes nothing about their tokens.
func TestCacheFull(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 150}, engine.ContextConfig{ContextTokens: 8 * 128}, Config{MaxSequences: 8})
	var generations []*Generation
	var requests []*ask.Request
	for i := range 20 {
		r := plain(i, 10+i*3, 30)
		r.Sampling = ask.Sampling{Temperature: 1, Seed: uint32(i)}
		requests = append(requests, r)
		generations = append(generations, submit(t, loop, r))
	}
	all := finishAll(t, loop, generations)
	for i, g := range generations {
		checkOutput(t, model, loop.Limits(), requests[i], all[i], g.Finish())
	}
	if s := loop.Stats(); s.Evictions == 0 || s.NoCacheSpace == 0 {
		t.Errorf("the cache was never full: %+v", s)
	}
}

// TestCacheFullAlone checks how a sequence ends that no eviction can help.
func TestCacheFullAlone(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 20}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 2})
	long, short := submit(t, loop, plain(1, 30, 0)), submit(t, loop, plain(2, 10, 0))
	all := finishAll(t, loop, []*Generation{long, short})
	if f := long.Finish(); f.Reason != ask.FinishError || !errors.Is(f.Err, engine.ErrNoCacheSpace) || len(all[0]) != 0 {
		t.Errorf("prompt larger than the cache: %+v", f)
	}
	// Ten tokens of the prompt, ten generated; the eleventh is not cached.
	r := plain(2, 10, 11)
	checkOutput(t, model, loop.Limits(), r, all[1], short.Finish())
}

// TestPausedAreEvictedFirst checks that sequences whose readers do not read
// make room for those whose do.
func TestPausedAreEvictedFirst(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 64}, engine.ContextConfig{ContextTokens: 4 * 64}, Config{MaxSequences: 4, RingTokens: 4})
	stuck := []*Generation{submit(t, loop, plain(1, 25, 20)), submit(t, loop, plain(2, 25, 20))}
	for range 6 {
		loop.step()
	}
	if s := loop.Stats(); s.Paused != 2 {
		t.Fatalf("%d paused", s.Paused)
	}
	third := submit(t, loop, plain(3, 30, 20))
	all := finishAll(t, loop, []*Generation{third})
	checkOutput(t, model, loop.Limits(), plain(3, 30, 20), all[0], third.Finish())
	all = finishAll(t, loop, stuck)
	for i, g := range stuck {
		checkOutput(t, model, loop.Limits(), plain(i+1, 25, 20), all[i], g.Finish())
	}
}

// TestPromptShrinks checks that a batch too large for what is left of the
// cache is made smaller before anybody is evicted.
func TestPromptShrinks(t *testing.T) {
	var sizes []int
	loop, _ := stepped(t, enginetest.Options{CacheTokens: 40, Fault: func(_ int, b *engine.Batch) error {
		sizes = append(sizes, b.Len())
		if b.Len() > 10 {
			return engine.ErrNoCacheSpace
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 2})
	g := submit(t, loop, plain(1, 32, 4))
	finishAll(t, loop, []*Generation{g})
	if f := g.Finish(); f.Reason != ask.FinishLength || f.CompletionTokens != 4 {
		t.Errorf("finish %+v", f)
	}
	// After a batch that fits, twice its size is tried again.
	if want := []int{32, 16, 8, 16, 8}; len(sizes) < len(want) || !slices.Equal(sizes[:len(want)], want) {
		t.Errorf("batches %v, want them to begin %v", sizes, want)
	}
	if s := loop.Stats(); s.Evictions != 0 {
		t.Errorf("%d evictions", s.Evictions)
	}
}

// evictThird starts three sequences in a cache that gets too small, and steps
// until the third is evicted. The readers of none have read.
func evictThird(t *testing.T, first *ask.Request, ring int) (loop *Loop, model *enginetest.Model, g [3]*Generation) {
	t.Helper()
	loop, model = stepped(t, enginetest.Options{CacheTokens: 40}, engine.ContextConfig{ContextTokens: 3 * 64}, Config{MaxSequences: 3, RingTokens: ring})
	g = [3]*Generation{submit(t, loop, first), submit(t, loop, plain(2, 10, 20)), submit(t, loop, plain(3, 10, 20))}
	for loop.Stats().Evictions == 0 {
		loop.step()
	}
	if !slices.Equal(loop.live, g[:2]) || g[2].seq.cached != 0 {
		t.Fatalf("%d live, the youngest has %d tokens cached", len(loop.live), g[2].seq.cached)
	}
	return loop, model, g
}

// TestEvictedComeBackAfterAnEnd checks that an evicted sequence is admitted
// again once another has ended, and not before.
func TestEvictedComeBackAfterAnEnd(t *testing.T) {
	loop, model, g := evictThird(t, plain(1, 10, 8), 32)
	for !g[0].seq.ended {
		if slices.Contains(loop.live, g[2]) {
			t.Fatal("admitted while the others run")
		}
		loop.step()
	}
	loop.step()
	if !slices.Equal(loop.live, g[1:]) {
		t.Fatal("not admitted after the end of another")
	}
	all := finishAll(t, loop, g[:])
	for i, limit := range []int{8, 20, 20} {
		checkOutput(t, model, loop.Limits(), plain(i+1, 10, limit), all[i], g[i].Finish())
	}
}

// TestEvictedComeBackBesidePaused checks that an evicted sequence goes on when
// nobody reads what the others generate, and that they lose nothing by it.
func TestEvictedComeBackBesidePaused(t *testing.T) {
	loop, model, g := evictThird(t, plain(1, 10, 20), 8)
	third := finishAll(t, loop, g[2:])
	others := finishAll(t, loop, g[:2])
	for i, tokens := range append(others, third...) {
		checkOutput(t, model, loop.Limits(), plain(i+1, 10, 20), tokens, g[i].Finish())
	}
}
