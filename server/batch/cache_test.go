package batch

import (
	"errors"
	"testing"

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
			tokens, end := ready(t, g, 64)
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
	var requests []Request
	for i := range 20 {
		r := plain(i, 10+i*3, 30)
		r.Sampler = engine.SamplerConfig{Temperature: 1, Seed: uint32(i)}
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
	if f := long.Finish(); f.Reason != FinishError || !errors.Is(f.Err, engine.ErrNoCacheSpace) || len(all[0]) != 0 {
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
	if f := g.Finish(); f.Reason != FinishLength || f.CompletionTokens != 4 {
		t.Errorf("finish %+v", f)
	}
	if want := []int{32, 16, 8}; len(sizes) < 3 || sizes[0] != want[0] || sizes[1] != want[1] || sizes[2] != want[2] {
		t.Errorf("batches %v, want them to begin %v", sizes, want)
	}
	if s := loop.Stats(); s.Evictions != 0 {
		t.Errorf("%d evictions", s.Evictions)
	}
}
