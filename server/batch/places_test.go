package batch

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// keeping is a request that keeps, in a place counted from 1, or in any.
func keeping(slot int, tokens []engine.Token, limit int) *ask.Request {
	return &ask.Request{Prompt: ask.Prompt{Tokens: tokens}, MaxTokens: limit, TopLogprobs: -1, Keep: true, Slot: slot}
}

// answered runs a request to its end and checks what it got.
func answered(t *testing.T, loop *Loop, model *enginetest.Model, r *ask.Request) ([]engine.Token, *Generation) {
	t.Helper()
	g := submit(t, loop, r)
	tokens := finishAll(t, loop, []*Generation{g})[0]
	checkOutput(t, model, loop.Limits(), r, tokens, g.Finish())
	return tokens, g
}

// What is left in a place is what the next request there begins with, as far as
// both agree, and but for its last token.
func TestPlacesAreReused(t *testing.T) {
	first := prompt(1, 20)
	other := slices.Concat(first[:12], prompt(9, 10))
	for name, opts := range map[string]enginetest.Options{"": {}, "whole": {NoPartialRemoval: true}} {
		t.Run(name, func(t *testing.T) {
			part := func(n int) int {
				if opts.NoPartialRemoval {
					return 0
				}
				return n
			}
			loop, model := stepped(t, opts, engine.ContextConfig{ContextTokens: 3 * 64}, Config{MaxSequences: 3, NoPrefixCache: true})
			said, g := answered(t, loop, model, keeping(2, first, 5))
			if g.Cached() != 0 || g.Slot() != 1 || loop.Stats().KVTokens != 0 || len(loop.places[1].tokens) != 24 {
				t.Errorf("%+v, %+v", g.Finish(), loop.places)
			}
			for i, step := range []struct {
				request *ask.Request
				cached  int
			}{
				{keeping(2, slices.Concat(first, said, prompt(3, 4)), 2), 24}, // the answer's last token was not computed
				{keeping(2, first, 3), part(19)},
				{keeping(2, first, 3), part(19)},
				{keeping(0, other, 3), 0}, // leaves the place alone that begins alike
				{keeping(0, first, 3), part(19)},
				{keeping(1, other, 3), part(21)},
				{keeping(3, prompt(7, 10), 3), 0},
			} {
				if _, g := answered(t, loop, model, step.request); g.Cached() != step.cached {
					t.Errorf("step %d: %d tokens were there, want %d", i, g.Cached(), step.cached)
				}
			}
			if loop.kept != 3 {
				t.Fatalf("%d places with something in them", loop.kept)
			}
			// Who does not keep gets the place used longest ago, and leaves nothing.
			answered(t, loop, model, plain(5, 10, 2))
			if loop.kept != 2 || loop.places[1].tokens != nil {
				t.Errorf("%d places with something in them: %+v", loop.kept, loop.places)
			}
			if answered(t, loop, model, plain(6, 10, 2)); loop.kept != 2 {
				t.Errorf("an empty place was free: %+v", loop.places)
			}
		})
	}
}

// Scores of a prompt's tokens need their rows.
func TestScoresAreComputedAgain(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1})
	finishAll(t, loop, []*Generation{submit(t, loop, keeping(1, prompt(1, 20), 2))})
	r := keeping(1, prompt(1, 20), 2)
	r.Echo, r.TopLogprobs = true, 0
	g := submit(t, loop, r)
	if finishAll(t, loop, []*Generation{g}); g.Cached() != 0 || g.echoed != 19 {
		t.Errorf("%+v, %d scores", g.Finish(), g.echoed)
	}
}

// Who waits for a place holds nobody up, and comes before who asks for it later.
func TestPlacesAreWaitedFor(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	long := submit(t, loop, keeping(1, prompt(1, 10), 20))
	loop.step()
	named, later, any := submit(t, loop, keeping(1, prompt(2, 10), 4)), submit(t, loop, keeping(1, prompt(3, 10), 4)), submit(t, loop, plain(4, 10, 4))
	loop.step()
	if !slices.Equal(loop.live, []*Generation{long, any}) {
		t.Fatalf("%d live", len(loop.live))
	}
	all := finishAll(t, loop, []*Generation{long, named, later, any})
	checkOutput(t, model, loop.Limits(), plain(2, 10, 4), all[1], named.Finish())
	if !slices.Equal(loop.places[0].tokens[:10], prompt(3, 10)) {
		t.Errorf("place 0 has %v", loop.places[0].tokens)
	}
	if _, err := loop.Submit(keeping(3, prompt(1, 10), 4)); err == nil {
		t.Error("there is no third place")
	}
}

// A cache that is full is emptied of what nobody runs before anybody is evicted.
func TestFullCacheForgets(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 40}, engine.ContextConfig{ContextTokens: 3 * 64}, Config{MaxSequences: 3})
	answered(t, loop, model, keeping(1, prompt(1, 15), 2))
	answered(t, loop, model, keeping(2, prompt(2, 15), 2))
	answered(t, loop, model, keeping(3, prompt(3, 20), 5))
	if s := loop.Stats(); s.Evictions != 0 || loop.places[0].tokens != nil || loop.places[2].tokens == nil {
		t.Errorf("%+v, %+v", s, loop.places)
	}
}

// What a decode that failed has left is not kept; what is elsewhere stays.
func TestFailuresAreNotKept(t *testing.T) {
	broken := false
	loop, model := stepped(t, enginetest.Options{Fault: func(int, *engine.Batch) error {
		if broken {
			return errInjected
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	answered(t, loop, model, keeping(1, prompt(1, 10), 2))
	answered(t, loop, model, keeping(2, prompt(2, 10), 2))
	broken = true
	g := submit(t, loop, keeping(2, prompt(2, 11), 2))
	finishAll(t, loop, []*Generation{g})
	if f := g.Finish(); f.Reason != ask.FinishError || g.Slot() != -1 || loop.kept != 1 || loop.places[0].tokens == nil {
		t.Errorf("%+v, %+v", f, loop.places)
	}
	broken = false
	if _, g := answered(t, loop, model, keeping(1, prompt(1, 10), 2)); g.Cached() != 9 {
		t.Errorf("%d tokens were there", g.Cached())
	}
}

// A client that has gone leaves what was computed.
func TestCancelledAreKept(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64, BatchTokens: 8}, Config{MaxSequences: 1})
	g := submit(t, loop, keeping(1, prompt(1, 20), 2))
	loop.step()
	g.Cancel()
	finishAll(t, loop, []*Generation{g})
	if f := g.Finish(); f.Reason != ask.FinishAborted || g.Slot() != 0 {
		t.Errorf("%+v", f)
	}
	if _, g := answered(t, loop, model, keeping(1, prompt(1, 20), 2)); g.Cached() != 8 {
		t.Errorf("%d tokens were there", g.Cached())
	}
}
