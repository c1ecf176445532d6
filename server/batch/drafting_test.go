package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// priced is a policy that knows beforehand what drafts cost: a row so much of a step.
type priced struct {
	pace.Learned
	row float64
}

func (p *priced) Drafts(d pace.Demand, _ int, _ float64) pace.Drafts {
	return pace.Drafts{StepSeconds: 1, RowSeconds: p.row, Rows: 1 << 20}
}

// cheap is a policy for which every draft is worth its rows.
func cheap() pace.Policy { return &priced{row: 1e-4} }

var lookup = draft.Config{Lookup: true}

// repeats is a model that mostly says what it said ten tokens ago.
func repeats(tokens []engine.Token) engine.Token {
	if n := len(tokens); n > 12 && n%9 != 0 {
		return tokens[n-10]
	}
	return -1
}

// simulatedDrafts makes half of the simulations guess, of a model that often says the
// same again, and some of them with a draft model that knows it well and fails as it does.
func simulatedDrafts(random *rand.Rand, opts *enginetest.Options) (c draft.Config, drafts engine.Model, p pace.Policy) {
	if random.IntN(2) == 0 {
		return c, nil, nil
	}
	opts.Next = repeats
	c = draft.Config{Lookup: true, Match: 1 + random.IntN(4)}
	if random.IntN(2) == 0 {
		c.Lookup = random.IntN(2) == 0
		drafts = enginetest.New(enginetest.Options{Next: repeats, Fault: opts.Fault})
	}
	return c, drafts, cheap()
}

// draftedRequests differ in all that is sampled by.
func draftedRequests(n int) (all []*ask.Request) {
	for i := range n {
		r := plain(i, 5+i%40, 20+7*(i%10))
		r.Sampling = ask.Sampling{Temperature: float32(i % 3), Seed: uint32(i)}
		if i%5 == 1 {
			r.Sampling.Penalties = ask.Penalties{LastTokens: 30, Repeat: 1.5, Frequency: 0.5}
			r.Sampling.DRY = ask.DRY{Multiplier: 2, Base: 1.5, AllowedLength: 1, LastTokens: -1}
		}
		r.TopLogprobs = i%4 - 1
		r.Echo = i%7 == 0
		all = append(all, r)
	}
	return all
}

// results steps a loop until nothing is to be done, and reads what generations give on
// the way.
func results(l *Loop, generations []*Generation) [][]Result {
	all := make([][]Result, len(generations))
	dst := make([]Result, 16)
	for open := true; open; {
		open = l.step()
		for i, g := range generations {
			n, _ := g.Poll(dst)
			for _, r := range dst[:n] {
				r.Top = slices.Clone(r.Top)
				all[i] = append(all[i], r)
			}
			open = open || n > 0
		}
	}
	return all
}

// TestDraftsChangeNothing: tokens, log-probabilities and ends of requests of all kinds
// are the same with drafts and without, together and with helpers, and come in fewer
// steps.
func TestDraftsChangeNothing(t *testing.T) {
	var want [][]Result
	var finishes []Finish
	var steps uint64
	for _, c := range []struct {
		config draft.Config
		worth  int
	}{{draft.Config{}, worthNs}, {lookup, worthNs}, {lookup, 0}, {draft.Config{Lookup: true, Match: 1, Most: 3, Least: 2}, worthNs}} {
		loop, _ := stepped(t, enginetest.Options{EndEvery: 200, Next: repeats}, engine.ContextConfig{ContextTokens: 6 * 256, BatchTokens: 80},
			Config{MaxSequences: 6, PrefillTokens: 20, Draft: c.config, Pacing: cheap()})
		loop.share.worthNs, loop.share.helpers = c.worth, 2
		var generations []*Generation
		for _, r := range draftedRequests(40) {
			generations = append(generations, submit(t, loop, r))
		}
		got := results(loop, generations)
		s := loop.Stats()
		if want == nil {
			want, steps = got, s.Steps
			for _, g := range generations {
				finishes = append(finishes, g.Finish())
			}
			if s.DraftTokens != 0 {
				t.Errorf("drafts although there are to be none: %+v", s)
			}
			continue
		}
		drafted, accepted := 0, 0
		for i, g := range generations {
			if !slices.EqualFunc(got[i], want[i], sameResult) {
				t.Errorf("%+v, request %d: %v, without drafts %v", c, i, got[i], want[i])
			}
			f := g.Finish()
			if f.Reason != finishes[i].Reason || f.CompletionTokens != finishes[i].CompletionTokens {
				t.Errorf("%+v, request %d: %+v, without drafts %+v", c, i, f, finishes[i])
			}
			drafted, accepted = drafted+f.Drafted, accepted+f.Accepted
		}
		if uint64(drafted) != s.DraftTokens || uint64(accepted) != s.AcceptedTokens || accepted == 0 || accepted == drafted || s.Drafts == 0 {
			t.Errorf("%+v: %d of %d tokens were right, by the statistics %+v", c, accepted, drafted, s)
		}
		if s.Steps >= steps {
			t.Errorf("%+v: %d steps, without drafts %d", c, s.Steps, steps)
		}
		loop.share.running.Wait()
	}
}

func sameResult(a, b Result) bool {
	return a.Token == b.Token && a.Prompt == b.Prompt && a.Logprob == b.Logprob && slices.Equal(a.Top, b.Top)
}

// TestDraftsOfARequest: it says whether there are any, and how long they are.
func TestDraftsOfARequest(t *testing.T) {
	for _, c := range []struct {
		config      draft.Config
		most, least int
		shortest    int // of a draft; 0: there is none
		longest     int
	}{
		{draft.Config{}, 8, 0, 0, 0},
		{lookup, 0, 0, 1, 32},
		{lookup, -1, 0, 0, 0},
		{lookup, 4, 0, 1, 4},
		{draft.Config{Lookup: true, Most: -1}, 0, 0, 0, 0},
		{draft.Config{Lookup: true, Most: -1}, 5, 0, 1, 5},
		{lookup, 6, 6, 6, 6},
		{draft.Config{Lookup: true, Most: 9, Least: 9}, 0, 0, 9, 9},
	} {
		var steps []Step
		loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 512},
			Config{MaxSequences: 1, Draft: c.config, Pacing: cheap(), Observe: func(s Step) { steps = append(steps, s) }})
		r := plain(3, 40, 200)
		r.MostDraft, r.LeastDraft = c.most, c.least
		g := submit(t, loop, r)
		var tokens []engine.Token
		for _, result := range results(loop, []*Generation{g})[0] {
			tokens = append(tokens, result.Token)
		}
		checkOutput(t, model, loop.Limits(), r, tokens, g.Finish())
		drafts := 0
		for _, s := range steps {
			if s.DraftRows > 0 {
				drafts++
				if s.DraftRows < c.shortest || s.DraftRows > c.longest || s.Accepted > s.DraftRows {
					t.Errorf("%+v: %+v", c, s)
				}
			}
		}
		if drafts > 0 != (c.shortest > 0) {
			t.Errorf("%+v: %d drafts", c, drafts)
		}
	}
}

// TestLengthWithinADraft: an answer has as many tokens as it may, wherever in a draft
// that is, and so does one up to the end of the context.
func TestLengthWithinADraft(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 128},
		Config{MaxSequences: 1, Draft: lookup, Pacing: cheap(), NoPrefixCache: true})
	for limit := range 100 { // 0: up to the end of the context
		r := plain(1, 30, limit)
		g := submit(t, loop, r)
		var tokens []engine.Token
		for _, result := range results(loop, []*Generation{g})[0] {
			tokens = append(tokens, result.Token)
		}
		checkOutput(t, model, loop.Limits(), r, tokens, g.Finish())
	}
	if s := loop.Stats(); s.AcceptedTokens < s.CompletionTokens/2 {
		t.Errorf("%+v", s)
	}
}

// TestRingBoundsDrafts: a reader that is behind gets no more than its ring holds, and all
// that it would have had.
func TestRingBoundsDrafts(t *testing.T) {
	for _, ring := range []int{2, 4, 16} {
		loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 512},
			Config{MaxSequences: 1, RingTokens: ring, Draft: lookup, Pacing: cheap()})
		r := plain(1, 30, 200)
		g := submit(t, loop, r)
		var tokens []engine.Token
		for i := 0; ; i++ {
			for loop.step() {
			}
			if unread := ring - g.space(); unread > ring {
				t.Fatalf("%d unread tokens in a ring of %d", unread, ring)
			}
			some, ended := ready(g, 1+i%ring)
			if tokens = append(tokens, some...); ended {
				break
			}
		}
		checkOutput(t, model, loop.Limits(), r, tokens, g.Finish())
		if loop.Stats().AcceptedTokens == 0 {
			t.Errorf("ring of %d: nothing was drafted", ring)
		}
	}
}

// TestDraftsLeaveRoom: a batch that is full of the sequences' own tokens has no drafts,
// and one with room for some has those.
func TestDraftsLeaveRoom(t *testing.T) {
	for _, room := range []int{0, 1, 5} {
		var steps []Step
		loop, _ := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 4 * 256, BatchTokens: 4 + room},
			Config{MaxSequences: 4, Draft: lookup, Pacing: cheap(), Observe: func(s Step) { steps = append(steps, s) }})
		var generations []*Generation
		for i := range 4 {
			generations = append(generations, submit(t, loop, plain(i, 30, 100)))
		}
		results(loop, generations)
		most := 0
		for _, s := range steps {
			if s.DecodeRows+s.PromptRows+s.DraftRows > 4+room {
				t.Fatalf("%+v", s)
			}
			if s.DecodeRows == 4 {
				most = max(most, s.DraftRows)
			}
		}
		if room == 0 && most > 0 || room > 0 && most == 0 {
			t.Errorf("room for %d: %d drafted", room, most)
		}
	}
}

// TestDraftsOfTheHighestTierAlone: who waits for a higher tier is not guessed for beside
// it, and a step that is to be short has no drafts.
func TestDraftsOfTheHighestTierAlone(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 2 * 512},
		Config{MaxSequences: 2, Draft: lookup, Pacing: cheap()})
	low, high := plain(1, 30, 300), plain(2, 30, 60)
	low.Tenant.Tier, high.Tenant.Tier = ask.TierBackground, ask.TierPriority
	g := submit(t, loop, low)
	round(loop, 5, g)
	if before := g.drafted.Load(); before == 0 {
		t.Error("nothing is drafted before anybody else is there")
	}
	h := submit(t, loop, high)
	loop.step()
	before := g.drafted.Load()
	results(loop, []*Generation{h, g})
	if g.drafted.Load() != before || h.drafted.Load() == 0 {
		t.Errorf("%d tokens drafted for the lower tier, %d for the higher", g.drafted.Load()-before, h.drafted.Load())
	}
}

// TestDraftsCancelled: a generation is gone after the step under way, and its place is
// another's.
func TestDraftsCancelled(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 512},
		Config{MaxSequences: 1, Draft: lookup, Pacing: cheap()})
	for n := range 12 {
		g := submit(t, loop, plain(1, 30, 300))
		round(loop, 3+n, g)
		g.Cancel()
		next := plain(2, 20+n, 50)
		other := submit(t, loop, next)
		loop.step()
		if _, ended := ready(g, 300); !ended || g.Finish().Reason != ask.FinishAborted || len(loop.live) != 1 || loop.live[0] != other {
			t.Fatalf("after %d steps: it is still there", n)
		}
		var tokens []engine.Token
		for _, result := range results(loop, []*Generation{other})[0] {
			tokens = append(tokens, result.Token)
		}
		checkOutput(t, model, loop.Limits(), next, tokens, other.Finish())
	}
	if loop.Stats().AcceptedTokens == 0 {
		t.Error("nothing was drafted")
	}
}

// TestFullCacheDropsDrafts: where the cache has no room for a draft nobody is evicted
// for it, and nothing that is left is erased.
func TestFullCacheDropsDrafts(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{Next: repeats, CacheTokens: 80}, engine.ContextConfig{ContextTokens: 256},
		Config{MaxSequences: 1, Draft: lookup, Pacing: cheap()})
	r := plain(1, 30, 50)
	g := submit(t, loop, r)
	var tokens []engine.Token
	for _, result := range results(loop, []*Generation{g})[0] {
		tokens = append(tokens, result.Token)
	}
	checkOutput(t, model, loop.Limits(), r, tokens, g.Finish())
	if s := loop.Stats(); s.Evictions != 0 || s.AcceptedTokens == 0 {
		t.Errorf("%+v", s)
	}
}

// TestDraftsAreWorthTheirTime: by what the steps before took, drafts make an engine fast
// whose rows are cheap, and are left alone by one whose rows are as dear as steps; and by
// one that many share.
func TestDraftsAreWorthTheirTime(t *testing.T) {
	for _, c := range []struct {
		base, row time.Duration
		sequences int
		pays      bool
	}{
		{10 * time.Millisecond, 100 * time.Microsecond, 1, true},
		{10 * time.Millisecond, 10 * time.Millisecond, 1, false},
		{time.Millisecond, time.Millisecond, 32, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took := map[bool]time.Duration{}
				for _, drafted := range []bool{false, true} {
					loop, _ := stepped(t, enginetest.Options{Next: repeats, Delay: func(b *engine.Batch) time.Duration { return c.base + time.Duration(b.Len())*c.row }},
						engine.ContextConfig{ContextTokens: c.sequences * 1024}, Config{MaxSequences: c.sequences, Draft: draft.Config{Lookup: drafted}})
					var generations []*Generation
					for i := range c.sequences {
						generations = append(generations, submit(t, loop, plain(i, 20, 900)))
					}
					begin := time.Now()
					results(loop, generations)
					took[drafted] = time.Since(begin)
				}
				t.Logf("%v with drafts, %v without", took[true], took[false])
				if c.pays && took[true] > took[false]/2 || !c.pays && took[true] > took[false]*105/100 {
					t.Errorf("%v with drafts, %v without", took[true], took[false])
				}
			})
		})
	}
}
