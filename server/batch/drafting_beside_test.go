package batch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestDraftsAndShifts: what shifted sequences generate, and when they shift, is the same
// with drafts and without: none goes beyond the place of the shift.
func TestDraftsAndShifts(t *testing.T) {
	target := enginetest.Options{Next: repeats}
	shifts := []ask.Shift{{}, {Keep: -1}, {Keep: 16}, {Keep: 999}, {Discard: 1}, {Discard: 999}}
	var want [][]Result
	var without Stats
	for _, c := range []struct {
		config draft.Config
		drafts engine.Model
	}{{}, {config: lookup}, {drafts: enginetest.New(target)}, {config: lookup, drafts: enginetest.New(enginetest.Options{Next: halfRight})}} {
		loop, _ := stepped(t, target, engine.ContextConfig{ContextTokens: 3 * 64, BatchTokens: 40},
			Config{MaxSequences: 3, ContextShift: true, Draft: c.config, DraftModel: c.drafts, Pacing: cheap()})
		var generations []*Generation
		for i, r := range draftedRequests(30) {
			r.Shift, r.MaxTokens = shifts[i%len(shifts)], 40+20*(i%7)
			generations = append(generations, submit(t, loop, r))
		}
		got := results(loop, generations)
		s := loop.Stats()
		if want == nil {
			want, without = got, s
			continue
		}
		for i := range got {
			if !slices.EqualFunc(got[i], want[i], sameResult) {
				t.Errorf("%+v, request %d: %v, without drafts %v", c.config, i, got[i], want[i])
			}
		}
		if s.Shifts == 0 || s.Shifts != without.Shifts || s.AcceptedTokens == 0 || s.Steps >= without.Steps {
			t.Errorf("%+v: %d shifts, %d tokens were right, %d steps; without drafts %d shifts, %d steps",
				c.config, s.Shifts, s.AcceptedTokens, s.Steps, without.Shifts, without.Steps)
		}
	}
}

// TestDraftsEndWhereTheContextDoes: a sequence that is almost full has a draft of what it
// has room for, and a full one none.
func TestDraftsEndWhereTheContextDoes(t *testing.T) {
	for _, shift := range []bool{false, true} {
		var loop *Loop
		longest := 0
		opts := enginetest.Options{Next: func([]engine.Token) engine.Token { return 'a' }, Fault: func(_ int, b *engine.Batch) error {
			if g := loop.live[0]; len(g.seq.guesses.tokens) > 0 {
				longest = max(longest, len(g.seq.tokens)+len(g.seq.guesses.tokens))
			}
			return nil
		}}
		loop, _ = stepped(t, opts, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1, ContextShift: shift, Draft: lookup, Pacing: cheap()})
		g := submit(t, loop, plain(1, 20, 200))
		results(loop, []*Generation{g})
		f := g.Finish()
		if longest != 63 || f.Accepted == 0 || f.ContextFull == shift || shift && f.CompletionTokens != 200 {
			t.Errorf("shifts %v: drafts up to token %d of 64, %+v", shift, longest, f)
		}
	}
}

// TestNoDraftsInAFixedShape: both are refused, and who asks for drafts has none.
func TestNoDraftsInAFixedShape(t *testing.T) {
	fixed := engine.ContextConfig{ContextTokens: 256, FixedShape: true}
	for _, cfg := range []Config{{Draft: lookup}, {DraftModel: enginetest.New(enginetest.Options{})}} {
		model := enginetest.New(enginetest.Options{})
		_, err := New(model, fixed, cfg)
		if err == nil || !strings.Contains(err.Error(), "leave --fixed-shape out, or --spec-type and -md") || model.Open() != 0 {
			t.Errorf("%v, %d contexts are open", err, model.Open())
		}
	}
	loop, _ := stepped(t, enginetest.Options{Next: repeats}, fixed, Config{MaxSequences: 1, Pacing: cheap()})
	r := plain(1, 30, 90)
	r.MostDraft, r.LeastDraft = 8, 1
	g := submit(t, loop, r)
	results(loop, []*Generation{g})
	if s := loop.Stats(); s.DraftTokens != 0 || s.CompletionTokens != 90 {
		t.Errorf("%+v", s)
	}
}

// TestOddsWithDrafts: each token of a draft comes with the odds that it was drawn with.
func TestOddsWithDrafts(t *testing.T) {
	var want [][]Result
	for _, config := range []draft.Config{{}, lookup} {
		loop, _ := stepped(t, enginetest.Options{EndEvery: 200, Next: repeats}, engine.ContextConfig{ContextTokens: 4 * 256},
			Config{MaxSequences: 4, RingTokens: 16, Draft: config, Pacing: cheap()})
		var generations []*Generation
		for i, r := range draftedRequests(24) {
			r.PostSampling, r.TopLogprobs, r.Sampling.TopK, r.Sampling.Temperature = true, i%4, 40, 0.3+float32(i%3)/2
			generations = append(generations, submit(t, loop, r))
		}
		got := results(loop, generations)
		if want == nil {
			want = got
			continue
		}
		for i := range got {
			if !slices.EqualFunc(got[i], want[i], sameResult) {
				t.Errorf("request %d: %v, without drafts %v", i, got[i], want[i])
			}
		}
		if s := loop.Stats(); s.AcceptedTokens == 0 || s.AcceptedTokens == s.DraftTokens {
			t.Errorf("%+v", s)
		}
	}
}

// TestDraftsBesideWhoWaits: who begins like a prompt that is being computed beside drafts
// waits for it, and begins with it.
func TestDraftsBesideWhoWaits(t *testing.T) {
	for _, config := range []draft.Config{{}, lookup} {
		t.Run(fmt.Sprint(config.Lookup), func(t *testing.T) {
			loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 3 * 1024},
				Config{MaxSequences: 3, PrefillTokens: 16, Draft: config, Pacing: cheap()})
			requests := []*ask.Request{plain(1, 40, 600), asking(prompt(2, 600), 20), asking(slices.Concat(prompt(2, 600), prompt(3, 10)), 20)}
			generations := []*Generation{submit(t, loop, requests[0])}
			for generations[0].seq.generated() < 30 {
				loop.step()
			}
			before, _ := ready(generations[0], 1000)
			generations = append(generations, submit(t, loop, requests[1]), submit(t, loop, requests[2]))
			all := finishAll(t, loop, generations)
			all[0] = append(before, all[0]...)
			for i, tokens := range all {
				checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
			}
			if cached := generations[2].Cached(); cached < 590 {
				t.Errorf("begins with %d tokens", cached)
			}
			if accepted := loop.Stats().AcceptedTokens; accepted > 0 != config.Lookup {
				t.Errorf("%d tokens were right", accepted)
			}
		})
	}
}
