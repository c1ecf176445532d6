package batch

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// of is a request of a tenant.
func of(r *ask.Request, tier ask.Tier, key string, weight int) *ask.Request {
	r.Tenant = ask.Tenant{Name: key, Tier: tier, Weight: weight}
	return r
}

// seeded has a request's tokens drawn by chance.
func seeded(r *ask.Request, seed int) *ask.Request {
	r.Sampling = ask.Sampling{Temperature: 1, Seed: uint32(seed)}
	return r
}

// Who is preempted goes on as if nothing had been, whether its state is saved or not.
func TestPreemptionChangesNoOutput(t *testing.T) {
	for name, c := range map[string]struct {
		opts     enginetest.Options
		config   Config
		restored uint64
	}{
		"saved":         {enginetest.Options{EndEvery: 200}, Config{}, 2},
		"no states":     {enginetest.Options{EndEvery: 200, NoState: true}, Config{}, 0},
		"no room":       {enginetest.Options{EndEvery: 200}, Config{SavedBytes: 1}, 0},
		"a small cache": {enginetest.Options{CacheTokens: 100}, Config{}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.MaxSequences = 2
			loop, model := stepped(t, c.opts, engine.ContextConfig{ContextTokens: 2 * 256}, c.config)
			requests := []*ask.Request{
				seeded(of(plain(1, 20, 50), ask.TierBackground, "", 0), 1), of(plain(2, 20, 50), ask.TierBackground, "", 0),
				seeded(of(plain(3, 20, 50), ask.TierBackground, "", 0), 3),
			}
			var generations []*Generation
			for _, r := range requests {
				generations = append(generations, submit(t, loop, r))
			}
			for range 8 {
				loop.step()
			}
			for i := range 2 {
				r := seeded(of(plain(10+i, 10, 20), ask.TierStandard, "", 0), 7)
				requests, generations = append(requests, r), append(generations, submit(t, loop, r))
			}
			loop.step()
			if !slices.Equal(loop.live, generations[3:]) {
				t.Fatalf("%d live, not those of the higher tier", len(loop.live))
			}
			if loop.savedBytes != 4*2*27*int(c.restored)/2 {
				t.Errorf("%d bytes are saved", loop.savedBytes)
			}
			all := finishAll(t, loop, generations)
			for i, g := range generations {
				checkOutput(t, model, loop.Limits(), requests[i], all[i], g.Finish())
			}
			if s := loop.Stats(); s.Preempted != 2 || s.Restored != c.restored || loop.savedBytes != 0 {
				t.Errorf("%+v, %d bytes saved", s, loop.savedBytes)
			}
		})
	}
}

// Those that wait for a place of their own do not take another's, and those of one
// tier none of each other's.
func TestNotPreempted(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2})
	running := []*Generation{submit(t, loop, of(plain(1, 5, 30), ask.TierStandard, "a", 1)), submit(t, loop, of(plain(2, 5, 30), ask.TierBackground, "b", 1))}
	loop.step()
	named := of(plain(3, 5, 5), ask.TierPriority, "c", 1)
	named.Slot = 1
	requests := []*ask.Request{plain(1, 5, 30), plain(2, 5, 30), named, of(plain(4, 5, 5), ask.TierBackground, "d", 9)}
	all := append(running, submit(t, loop, named), submit(t, loop, requests[3]))
	loop.step()
	if !slices.Equal(loop.live, running) {
		t.Fatalf("%d live, others than before", len(loop.live))
	}
	for i, tokens := range finishAll(t, loop, all) {
		checkOutput(t, model, loop.Limits(), requests[i], tokens, all[i].Finish())
	}
	if s := loop.Stats(); s.Preempted != 0 {
		t.Errorf("%+v", s)
	}
}

// A preempted generation that is cancelled leaves nothing behind.
func TestPreemptedCancelled(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1})
	low := submit(t, loop, of(plain(1, 5, 30), ask.TierBackground, "", 0))
	loop.step()
	high := submit(t, loop, of(plain(2, 5, 5), ask.TierPriority, "", 0))
	loop.step()
	if loop.savedBytes == 0 || loop.waiting.Len() != 1 {
		t.Fatalf("%d bytes saved, %d wait", loop.savedBytes, loop.waiting.Len())
	}
	low.Cancel()
	loop.step()
	if loop.savedBytes != 0 || loop.waiting.Len() != 0 {
		t.Errorf("%d bytes saved, %d wait", loop.savedBytes, loop.waiting.Len())
	}
	finishAll(t, loop, []*Generation{low, high})
}

// A full cache is emptied of the lowest tier first.
func TestLowestTierIsEvicted(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 40}, engine.ContextConfig{ContextTokens: 3 * 64}, Config{MaxSequences: 3})
	requests := []*ask.Request{
		of(plain(1, 10, 20), ask.TierStandard, "", 0), of(plain(2, 10, 20), ask.TierBackground, "", 0), of(plain(3, 10, 20), ask.TierStandard, "", 0),
	}
	var generations []*Generation
	for _, r := range requests {
		generations = append(generations, submit(t, loop, r))
	}
	for loop.Stats().Evictions == 0 {
		loop.step()
	}
	if slices.Contains(loop.live, generations[1]) {
		t.Error("the lowest tier was not evicted")
	}
	for i, tokens := range finishAll(t, loop, generations) {
		checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
	}
}

// flooder keeps so many requests in a loop.
type flooder struct {
	make     func(n int) *ask.Request
	inFlight int
	open     []*Generation
	sent     int
	tokens   int // of prompts and answers of those that have ended, and what was read
}

func (f *flooder) turn(t *testing.T, l *Loop) {
	f.open = slices.DeleteFunc(f.open, func(g *Generation) bool {
		tokens, ended := ready(g, 256)
		f.tokens += len(tokens)
		if ended {
			f.tokens += g.Finish().PromptTokens
			if e := g.Finish(); e.Reason != ask.FinishLength {
				t.Fatalf("lost: %+v", e)
			}
		}
		return ended
	})
	for len(f.open) < f.inFlight {
		f.open = append(f.open, submit(t, l, f.make(f.sent)))
		f.sent++
	}
}

// Keys share what is computed by their weights, also where one floods and answers
// differ in length.
func TestKeysShareByWeight(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 8 * 256, BatchTokens: 128}, Config{MaxSequences: 8})
	a := &flooder{inFlight: 16, make: func(n int) *ask.Request { return of(plain(n, 20+n%20, 20+n*7%40), ask.TierStandard, "a", 3) }}
	b := &flooder{inFlight: 200, make: func(n int) *ask.Request { return of(plain(n, 60, 60+n*13%60), ask.TierStandard, "b", 1) }}
	for range 5_000 {
		a.turn(t, loop)
		b.turn(t, loop)
		loop.step()
	}
	if ratio := float64(a.tokens) / float64(b.tokens); math.Abs(ratio-3) > 0.15 {
		t.Errorf("%d and %d tokens: %.3f to 1", a.tokens, b.tokens, ratio)
	}
}

// Where a higher tier takes all there is, a lower one keeps a twentieth, also with
// more sequences than a twentieth is of.
func TestLowerTiersKeepTheirPart(t *testing.T) {
	for _, sequences := range []int{2, 24} {
		loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: sequences * 256, BatchTokens: 128}, Config{MaxSequences: sequences})
		high := &flooder{inFlight: 2 * sequences, make: func(n int) *ask.Request { return of(plain(n, 200, 40+n%20), ask.TierPriority, "a", 1) }}
		low := &flooder{inFlight: 60, make: func(n int) *ask.Request { return of(plain(n, 60, 20), ask.TierBackground, "b", 1) }}
		for range 120_000 / sequences {
			high.turn(t, loop)
			low.turn(t, loop)
			loop.step()
		}
		if part := float64(low.tokens) / float64(low.tokens+high.tokens); part < 0.045 || part > 0.25 {
			t.Errorf("%d sequences: the lower tier has %.3f of the tokens", sequences, part)
		}
	}
}

// Steps of a higher tier are little longer beside a flood of a lower one, from the
// first token on.
func TestHigherTiersKeepTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, time.Millisecond, 100*time.Microsecond, Config{MaxSequences: 8})
		low := &flooder{inFlight: 50, make: func(n int) *ask.Request { return of(plain(n, 300, 40), ask.TierBackground, "b", 1) }}
		turn := func() {
			low.turn(t, loop)
			loop.step()
		}
		for range 300 {
			turn()
		}
		first := submit(t, loop, of(plain(1, 30, 300), ask.TierPriority, "a", 1))
		for n := 0; n < 300; {
			turn()
			tokens, _ := ready(first, 64)
			n += len(tokens)
		}
		*steps = nil
		second := submit(t, loop, of(plain(2, 30, 200), ask.TierPriority, "a", 1))
		for n, at := 0, 0; n < 200; at++ {
			turn()
			tokens, _ := ready(second, 64)
			n += len(tokens)
			alone := 1100 * time.Microsecond // a row
			if at == 0 {
				alone = 4 * time.Millisecond // its prompt
			}
			if s := (*steps)[at]; s.Duration > alone*13/10 || at == 0 && n != 1 {
				t.Errorf("step %d: %+v, %d tokens", at, s, n)
			}
		}
		before := low.tokens
		for range 1000 {
			turn()
		}
		if low.tokens == before {
			t.Error("the lower tier does not go on")
		}
		// Who may come soon does not find a long step under way.
		for i, s := range (*steps)[len(*steps)-500:] {
			if s.PromptRows > defaultPrefillTokens/yieldingPart {
				t.Fatalf("step %d: %+v", i, s)
			}
		}
	})
}

// Long answers of one key, or of one flow of it, do not keep others out; those of nobody
// are served as they come.
func TestKeysTakeTurns(t *testing.T) {
	for name, c := range map[string]struct {
		a, b   ask.Tenant
		before bool // b's answer comes before the end of a's
	}{
		"keys":       {ask.Tenant{Name: "a", Weight: 9}, ask.Tenant{Name: "b"}, true},
		"flows":      {ask.Tenant{Name: "a", Flow: "x"}, ask.Tenant{Name: "a", Flow: "y"}, true},
		"nobody's":   {ask.Tenant{}, ask.Tenant{}, false},
		"lower tier": {ask.Tenant{Name: "a", Tier: ask.TierPriority}, ask.Tenant{Name: "b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 1024}, Config{MaxSequences: 2})
			var generations []*Generation
			var requests []*ask.Request
			for i := range 4 {
				r := seeded(plain(i, 10, 500), i)
				r.Tenant = c.a
				requests, generations = append(requests, r), append(generations, submit(t, loop, r))
			}
			for range 50 {
				loop.step()
			}
			r := plain(9, 10, 50)
			r.Tenant = c.b
			requests, generations = append(requests, r), append(generations, submit(t, loop, r))
			all := make([][]engine.Token, len(generations))
			order := []int(nil)
			for range 5000 {
				loop.step()
				for i, g := range generations {
					tokens, ended := ready(g, 64)
					all[i] = append(all[i], tokens...)
					if ended && !slices.Contains(order, i) {
						order = append(order, i)
					}
				}
			}
			if len(order) != 5 || (order[0] == 4) != c.before {
				t.Fatalf("they ended in the order %v", order)
			}
			for i, g := range generations {
				checkOutput(t, model, loop.Limits(), requests[i], all[i], g.Finish())
			}
			if s := loop.Stats(); (s.Preempted > 0) != c.before {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Of one flow, what is due first comes first; without wishes it is the order of
// arrival.
func TestDueFirst(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1})
	running := submit(t, loop, plain(1, 5, 5))
	loop.step()
	late, urgent, next := plain(2, 5, 1), plain(3, 5, 1), plain(4, 5, 1)
	late.TTFTNs, urgent.TTFTNs = 60e9, 1e6
	generations := []*Generation{running, submit(t, loop, late), submit(t, loop, next), submit(t, loop, urgent)}
	finishAll(t, loop, generations)
	order := slices.SortedFunc(slices.Values(generations), func(a, b *Generation) int { return cmp.Compare(a.seq.admitted, b.seq.admitted) })
	if !slices.Equal(order, []*Generation{running, generations[3], generations[2], generations[1]}) {
		t.Error("not in the order in which they are due")
	}
}

// Who is preempted is restored although others have left what it begins with, and others
// begin with what it was restored with.
func TestRestoredBesideThePrefixCache(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2})
	requests := []*ask.Request{plain(1, 60, 1)} // leaves what the next begins with
	generations := []*Generation{submit(t, loop, requests[0])}
	all := finishAll(t, loop, generations)
	for i := range 2 {
		requests = append(requests, of(plain(1+i, 60, 30), ask.TierBackground, "", 0))
		generations = append(generations, submit(t, loop, requests[1+i]))
	}
	for range 4 {
		loop.step()
	}
	for i := range 2 {
		requests = append(requests, of(plain(3+i, 40, 4), ask.TierPriority, "", 0))
		generations = append(generations, submit(t, loop, requests[3+i]))
	}
	loop.step()
	if s := loop.Stats(); s.Preempted != 2 {
		t.Fatalf("%+v", s)
	}
	requests = append(requests, of(plain(2, 60, 10), ask.TierBackground, "", 0))
	generations = append(generations, submit(t, loop, requests[5]))
	all = append(all, finishAll(t, loop, generations[1:])...)
	for i, tokens := range all {
		checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
	}
	// Computed are four prompts: one begins with what the first has left, and the last
	// one with what was restored.
	if s := loop.Stats(); s.Restored != 2 || s.Reusing != 2 || s.PromptTokens != 60+60+40+40 || loop.savedBytes != 0 {
		t.Errorf("%+v", s)
	}
}

// Where the cache has no room for a state, what is left in other places goes for it.
func TestRestoredInsteadOfWhatIsLeft(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 140}, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2})
	requests := []*ask.Request{
		of(plain(1, 100, 8), ask.TierBackground, "", 0), of(plain(2, 10, 8), ask.TierBackground, "", 0),
		of(plain(3, 40, 4), ask.TierPriority, "", 0), of(plain(4, 90, 4), ask.TierPriority, "", 0),
	}
	var generations []*Generation
	for i, r := range requests {
		generations = append(generations, submit(t, loop, r))
		if i%2 > 0 {
			loop.step()
		}
	}
	for i, tokens := range finishAll(t, loop, generations) {
		checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
	}
	if s := loop.Stats(); s.Preempted != 2 || s.Restored != 2 || s.PromptTokens != 100+10+40+90 || s.NoCacheSpace != 0 {
		t.Errorf("%+v", s)
	}
}
