package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/kvstore"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// asking is a plain request for tokens.
func asking(tokens []engine.Token, limit int) *ask.Request {
	return &ask.Request{Prompt: ask.Prompt{Tokens: tokens}, MaxTokens: limit, TopLogprobs: -1}
}

// Each request begins with what is computed of it, whoever computed it: in its place
// where it goes on from what is left, and as a copy where it goes on otherwise.
func TestPrefixesAreReused(t *testing.T) {
	system := prompt(1, 50)
	one, two := slices.Concat(system, prompt(2, 10)), slices.Concat(system, prompt(3, 10))
	for name, test := range map[string]struct {
		opts   enginetest.Options
		cached []int
		copies uint64
	}{
		"": {cached: []int{0, 59, 50, 64, 64, 0, 50, 59}, copies: 2},
		// Only what goes on from all that is left.
		"whole":     {opts: enginetest.Options{NoPartialRemoval: true}, cached: []int{0, 0, 0, 64, 64, 0, 0, 0}},
		"no copies": {opts: enginetest.Options{NoCopies: true}, cached: []int{0, 59, 0, 64, 64, 0, 0, 59}},
		"no states": {opts: enginetest.Options{NoState: true}, cached: []int{0, 59, 50, 64, 64, 0, 50, 59}, copies: 2},
	} {
		t.Run(name, func(t *testing.T) {
			loop, model := stepped(t, test.opts, engine.ContextConfig{ContextTokens: 4 * 128}, Config{MaxSequences: 4})
			var said [2][]engine.Token
			for i, r := range []*ask.Request{
				asking(one, 5), asking(one, 5), asking(two, 5),
				nil, nil, // both go on
				asking(prompt(9, 40), 5), asking(slices.Concat(system, prompt(4, 10)), 5),
				asking(two, 5),
			} {
				switch i {
				case 3:
					r = asking(slices.Concat(one, said[0], prompt(5, 7)), 5)
				case 4:
					r = asking(slices.Concat(two, said[1], prompt(6, 7)), 5)
				}
				tokens, g := answered(t, loop, model, r)
				if g.Cached() != test.cached[i] {
					t.Errorf("request %d: %d tokens were computed already, want %d", i, g.Cached(), test.cached[i])
				}
				if i == 1 || i == 2 {
					said[i-1] = tokens
				}
				if g.Slot() != -1 {
					t.Errorf("request %d was told its place", i)
				}
			}
			if s := loop.Stats(); s.Copies != test.copies || s.KVTokens != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// What a request that runs has computed of its prompt is there for others.
func TestLivePrefixesAreCopied(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 3 * 128, BatchTokens: 40}, Config{MaxSequences: 3})
	tokens := prompt(1, 60)
	first := submit(t, loop, asking(tokens, 30))
	loop.step()
	second := submit(t, loop, asking(tokens, 5))
	loop.step()
	if second.Cached() != 40 {
		t.Errorf("%d tokens were computed already", second.Cached())
	}
	for _, r := range []struct {
		g     *Generation
		limit int
	}{{first, 30}, {second, 5}} {
		checkOutput(t, model, loop.Limits(), asking(tokens, r.limit), finishAll(t, loop, []*Generation{r.g})[0], r.g.Finish())
	}
}

// Who is to be kept apart is, and who wants nothing reused gets that.
func TestPrefixesAreKeptApart(t *testing.T) {
	tokens := prompt(1, 60)
	with := func(change func(*ask.Request)) *ask.Request {
		r := asking(tokens, 3)
		change(r)
		return r
	}
	tenant := func(name, salt string) *ask.Request {
		return with(func(r *ask.Request) { r.Tenant.Name, r.CacheSalt = name, salt })
	}
	for name, test := range map[string]struct {
		cfg      Config
		requests []*ask.Request
		cached   []int
	}{
		"all share":     {Config{}, []*ask.Request{tenant("a", ""), tenant("b", ""), tenant("", "")}, []int{0, 59, 59}},
		"by tenant":     {Config{PrefixPerTenant: true}, []*ask.Request{tenant("a", ""), tenant("b", ""), tenant("", ""), tenant("a", "")}, []int{0, 0, 0, 59}},
		"by salt":       {Config{}, []*ask.Request{tenant("a", "x"), tenant("a", ""), tenant("b", "x")}, []int{0, 0, 59}},
		"tenant,salt":   {Config{PrefixPerTenant: true}, []*ask.Request{tenant("a", "b"), tenant("ab", ""), tenant("a", "b")}, []int{0, 0, 59}},
		"anew":          {Config{}, []*ask.Request{asking(tokens, 3), with(func(r *ask.Request) { r.Reuse = ask.ReuseNever }), asking(tokens, 3)}, []int{0, 0, 59}},
		"off":           {Config{NoPrefixCache: true}, []*ask.Request{asking(tokens, 3), asking(tokens, 3)}, []int{0, 0}},
		"off, but kept": {Config{NoPrefixCache: true}, []*ask.Request{keeping(0, tokens, 3), asking(tokens, 3), keeping(0, tokens, 3)}, []int{0, 0, 59}},
		"scores":        {Config{}, []*ask.Request{asking(tokens, 3), with(func(r *ask.Request) { r.Echo, r.TopLogprobs = true, 0 }), asking(tokens, 3)}, []int{0, 0, 59}},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.MaxSequences = 4
			loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 4 * 128}, test.cfg)
			for i, r := range test.requests {
				if _, g := answered(t, loop, model, r); g.Cached() != test.cached[i] {
					t.Errorf("request %d: %d tokens were computed already, want %d", i, g.Cached(), test.cached[i])
				}
			}
			if test.cfg.NoPrefixCache && name == "off" && loop.kept != 0 {
				t.Error("something was left")
			}
		})
	}
}

// The place used longest ago goes first.
func TestOldestPlaceGoesFirst(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	for i, step := range []struct{ seed, cached int }{{1, 0}, {2, 0}, {1, 19}, {3, 0}, {1, 19}, {2, 0}, {3, 0}} {
		if _, g := answered(t, loop, model, asking(prompt(step.seed, 20), 2)); g.Cached() != step.cached {
			t.Errorf("step %d: %d tokens were computed already, want %d", i, g.Cached(), step.cached)
		}
	}
}

// A place that a client was told keeps what is in it while others have anywhere to go.
func TestToldPlacesAreLeftAlone(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 3 * 128}, Config{MaxSequences: 3})
	tokens := prompt(1, 60)
	answered(t, loop, model, keeping(2, tokens, 3))
	if _, g := answered(t, loop, model, asking(tokens, 3)); g.Cached() != 59 || loop.Stats().Copies != 1 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
	if p := loop.places[1]; !p.fixed || len(p.tokens) != 62 {
		t.Errorf("%+v", p)
	}
	if _, g := answered(t, loop, model, keeping(2, tokens, 3)); g.Cached() != 59 || g.Slot() != 1 {
		t.Errorf("%d tokens were computed already, in place %d", g.Cached(), g.Slot())
	}
}

// Greedy answers are the same alone, batched, and with whatever is reused; and each
// token that is said to be reused was not decoded.
func TestReuseChangesNothing(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	var all Stats
	for seed := range seeds {
		s := reuseSchedule(t, seed)
		all.ReusedTokens += s.ReusedTokens
		all.Copies += s.Copies
		all.Moves += s.Moves
		all.RAMHits += s.RAMHits
	}
	if all.ReusedTokens == 0 || all.Copies == 0 || all.Moves == 0 || all.RAMHits == 0 {
		t.Errorf("nothing was ever reused, copied, moved or restored: %+v", all)
	}
}

// conversation is one client's turns so far.
type conversation struct {
	tokens []engine.Token
	g      *Generation
	asked  *ask.Request
	answer []engine.Token
}

// reuseSchedule has clients with one system prompt or another ask, and ask on, in
// random order.
func reuseSchedule(t *testing.T, seed uint64) Stats {
	random := rand.New(rand.NewPCG(seed, 7))
	decoded := 0
	opts := enginetest.Options{EndEvery: random.IntN(40), NoState: random.IntN(3) == 0, Fault: func(_ int, b *engine.Batch) error {
		decoded += b.Len()
		return nil
	}}
	sequences := 1 + random.IntN(6)
	loop, model := stepped(t, opts, engine.ContextConfig{ContextTokens: sequences * 256, BatchTokens: 16 + random.IntN(100)},
		Config{MaxSequences: sequences, PrefillTokens: 1 + random.IntN(60), CacheBytes: random.IntN(3) * 2000})
	loop.stored.faster = func(int, kvstore.Found) bool { return true }
	systems := [][]engine.Token{prompt(1, 33+random.IntN(40)), prompt(2, 33+random.IntN(40))}
	clients := make([]*conversation, 1+random.IntN(10))
	for i := range clients {
		clients[i] = &conversation{tokens: systems[random.IntN(2)]}
	}
	want := 0
	for range 400 {
		if c := clients[random.IntN(len(clients))]; c.g == nil && random.IntN(3) == 0 {
			c.ask(t, loop, random)
		}
		loop.step()
		for _, c := range clients {
			if c.g == nil {
				continue
			}
			tokens, ended := ready(c.g, 8)
			if c.answer = append(c.answer, tokens...); !ended {
				continue
			}
			f := c.g.Finish()
			checkOutput(t, model, loop.Limits(), c.asked, c.answer, f)
			want += f.PromptTokens - c.g.Cached() + f.CompletionTokens
			if f.Reason == ask.FinishLength {
				want-- // the last token of the answer
			}
			if c.g.Cached() >= f.PromptTokens {
				t.Errorf("seed %d: %d of %d tokens were computed already", seed, c.g.Cached(), f.PromptTokens)
			}
			c.g, c.tokens = nil, append(c.asked.Prompt.Tokens, c.answer...)
		}
	}
	for _, c := range clients { // those that still run are not counted
		if c.g != nil {
			c.g.Cancel()
			want += c.g.seq.cached - c.g.Cached()
		}
	}
	if decoded != want {
		t.Errorf("seed %d: %d tokens were decoded, by what was said to be reused it were %d", seed, decoded, want)
	}
	return loop.Stats()
}

// ask sends the conversation with another turn, or begins another one.
func (c *conversation) ask(t *testing.T, loop *Loop, random *rand.Rand) {
	if len(c.tokens) > 180 {
		c.tokens = c.tokens[:33]
	}
	c.asked = asking(slices.Concat(c.tokens, prompt(random.IntN(100), 1+random.IntN(20))), 1+random.IntN(30))
	c.g, c.answer = submit(t, loop, c.asked), nil
}

// Who is admitted is computed beside who runs, and finds there what was left
// elsewhere.
func TestLivePlacesAreGathered(t *testing.T) {
	for _, opts := range []enginetest.Options{{}, {NoState: true}} {
		t.Run(fmt.Sprint(opts.NoState), func(t *testing.T) {
			loop, model := stepped(t, opts, engine.ContextConfig{ContextTokens: 6 * 64}, Config{MaxSequences: 6})
			var all []*Generation
			for seed := range 6 {
				all = append(all, submit(t, loop, asking(prompt(seed, 20), 2+seed%2)))
			}
			finishAll(t, loop, all)
			if loop.kept != 6 {
				t.Fatalf("%d places with something in them", loop.kept)
			}
			last := loop.places[5].tokens[:20]
			first := submit(t, loop, asking(loop.places[1].tokens[:20], 30))
			loop.step()
			again := submit(t, loop, asking(last, 5))
			loop.step()
			// In the lower of the places beside the first, with what was there in its own.
			place := engine.SequenceID(0)
			if opts.NoState {
				place = 5
			}
			if again.seq.id != place || again.Cached() != 19 {
				t.Errorf("in place %d, %d tokens were computed already", again.seq.id, again.Cached())
			}
			if moves := loop.Stats().Moves; (moves == 0) != opts.NoState {
				t.Errorf("%d moves", moves)
			}
			fresh := submit(t, loop, asking(prompt(9, 20), 5))
			loop.step()
			if fresh.seq.id != 2 && !opts.NoState || loop.beside(fresh.seq.id) == 0 {
				t.Errorf("a new prompt is in place %d", fresh.seq.id)
			}
			for _, g := range []*Generation{first, again, fresh} {
				r := asking(g.seq.tokens[:20], g.seq.limit-20)
				checkOutput(t, model, loop.Limits(), r, finishAll(t, loop, []*Generation{g})[0], g.Finish())
			}
			for id, p := range loop.places {
				if p.tokens != nil && loop.prefixes.Len(id) != len(p.tokens) {
					t.Errorf("place %d: the tree has %d tokens of %d", id, loop.prefixes.Len(id), len(p.tokens))
				}
			}
		})
	}
}
