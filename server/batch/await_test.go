package batch

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// awaiting makes a loop of four places whose steps take a millisecond and 50 µs a row,
// and knows that.
func awaiting(t *testing.T, opts enginetest.Options) (*Loop, *enginetest.Model) {
	opts.Delay = func(b *engine.Batch) time.Duration {
		return time.Millisecond + time.Duration(b.Len())*50*time.Microsecond
	}
	loop, model := stepped(t, opts, engine.ContextConfig{ContextTokens: 4 * 1024, BatchTokens: 128}, Config{MaxSequences: 4})
	for _, r := range []*ask.Request{plain(90, 300, 20), plain(91, 5, 40)} {
		r.Reuse = ask.ReuseNever
		finishAll(t, loop, []*Generation{submit(t, loop, r)})
	}
	for id := range loop.places {
		loop.erase(engine.SequenceID(id))
	}
	return loop, model
}

// prompted is how many tokens of prompts a function has computed.
func prompted(l *Loop, do func()) uint64 {
	before := l.Stats().PromptTokens
	do()
	return l.Stats().PromptTokens - before
}

// Of prompts that come together and begin alike the beginning is computed once, where
// it takes longer than a step.
func TestOnePromptIsComputedOnce(t *testing.T) {
	long, short := prompt(1, 500), prompt(2, 12)
	begun := func(n int) []engine.Token { return slices.Concat(long[:400], prompt(n, 30)) }
	for name, test := range map[string]struct {
		opts    enginetest.Options
		prompts [][]engine.Token
		want    uint64
	}{
		"the same":          {prompts: [][]engine.Token{long, long, long, long}, want: 500},
		"one beginning":     {prompts: [][]engine.Token{begun(3), begun(4), begun(5)}, want: 400 + 3*30},
		"two of each":       {prompts: [][]engine.Token{long, prompt(6, 500), long, prompt(6, 500)}, want: 2 * 500},
		"short":             {prompts: [][]engine.Token{short, short, short}, want: 3 * 12},
		"nothing in common": {prompts: [][]engine.Token{prompt(7, 200), prompt(8, 200)}, want: 2 * 200},
		"no copies":         {opts: enginetest.Options{NoCopies: true}, prompts: [][]engine.Token{long, long}, want: 2 * 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, model := awaiting(t, test.opts)
				var all []*Generation
				for _, tokens := range test.prompts {
					all = append(all, submit(t, loop, asking(tokens, 8)))
				}
				var outputs [][]engine.Token
				got := prompted(loop, func() { outputs = finishAll(t, loop, all) })
				// A copy leaves the last token, and where two part by chance a token later, less.
				if got < test.want-uint64(8*len(all)) || got > test.want+uint64(len(all)) {
					t.Errorf("%d tokens of prompts were computed, want about %d", got, test.want)
				}
				for i, g := range all {
					checkOutput(t, model, loop.Limits(), asking(test.prompts[i], 8), outputs[i], g.Finish())
				}
			})
		})
	}
}

// Who awaits another's prompt goes on when that one is gone, and has a place.
func TestWhoIsAwaitedMayGo(t *testing.T) {
	for name, leave := range map[string]func(*Loop, *Generation){
		"cancelled": func(_ *Loop, g *Generation) { g.Cancel() },
		"evicted":   func(l *Loop, g *Generation) { l.putBack(slices.Index(l.live, g)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, model := awaiting(t, enginetest.Options{})
				tokens := prompt(1, 500)
				all := []*Generation{submit(t, loop, asking(tokens, 8)), submit(t, loop, asking(tokens, 8))}
				// Others fill the places but for the one that is kept.
				for i := range 6 {
					all = append(all, submit(t, loop, asking(prompt(20+i, 8), 400)))
				}
				loop.step()
				if len(loop.live) != 3 || !all[1].ticket.Waiting() {
					t.Fatalf("%d are live, the second waits: %v", len(loop.live), all[1].ticket.Waiting())
				}
				leave(loop, all[0])
				loop.step()
				if back := all[0].seq.id >= 0; all[1].ticket.Waiting() != back || back && all[1].seq.awaited != all[0] {
					t.Errorf("the first is back: %v; the second waits: %v", back, all[1].ticket.Waiting())
				}
				outputs := finishAll(t, loop, all)
				for i, g := range all[1:2] {
					checkOutput(t, model, loop.Limits(), asking(tokens, 8), outputs[i+1], g.Finish())
				}
			})
		})
	}
}

// Whose prompt does not get on is not awaited, and neither is one of a lower tier.
func TestOnlyWhoGetsOnIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := awaiting(t, enginetest.Options{})
		tokens := prompt(1, 500)
		first := submit(t, loop, of(asking(tokens, 8), ask.TierBackground, "", 0))
		loop.step()
		higher := submit(t, loop, of(asking(tokens, 8), ask.TierStandard, "", 0))
		loop.step()
		if higher.ticket.Waiting() {
			t.Error("a higher tier awaits a lower one")
		}
		finishAll(t, loop, []*Generation{first, higher})

		again := asking(prompt(2, 1000), 1)
		again.Progress = true
		marked := submit(t, loop, again) // unread: its ring is full of marks
		for !marked.seq.paused {
			loop.step()
		}
		if marked.seq.pending() <= 1 {
			t.Fatal("its prompt is computed")
		}
		other := submit(t, loop, asking(prompt(2, 1000), 1))
		loop.step()
		if other.ticket.Waiting() {
			t.Error("somebody awaits one that is paused")
		}
		finishAll(t, loop, []*Generation{marked, other})
	})
}
