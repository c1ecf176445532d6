package batch

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// states are what a generation may be at.
var states = []struct {
	name  string
	reach func(t *testing.T, loop *Loop) *Generation // in the state
}{
	{"on its way", func(t *testing.T, loop *Loop) *Generation {
		return submit(t, loop, plain(1, 5, 0))
	}},
	{"queued", func(t *testing.T, loop *Loop) *Generation {
		submit(t, loop, plain(3, 5, 0))
		g := submit(t, loop, plain(1, 5, 0))
		loop.step()
		if !g.ticket.Waiting() {
			t.Fatal("not queued")
		}
		return g
	}},
	{"in mid-prompt", func(t *testing.T, loop *Loop) *Generation {
		g := submit(t, loop, plain(1, 60, 0))
		loop.step()
		if s := &g.seq; s.cached == 0 || s.pending() < 2 {
			t.Fatalf("%d tokens cached, %d to come", s.cached, s.pending())
		}
		return g
	}},
	{"in mid-prompt, of which it scores tokens", func(t *testing.T, loop *Loop) *Generation {
		r := plain(1, 60, 0)
		r.Echo, r.TopLogprobs = true, 2
		g := submit(t, loop, r)
		loop.step()
		if s := &g.seq; s.cached == 0 || s.pending() < 2 {
			t.Fatalf("%d tokens cached, %d to come", s.cached, s.pending())
		}
		return g
	}},
	{"decoding", func(t *testing.T, loop *Loop) *Generation {
		g := submit(t, loop, plain(1, 5, 0))
		for g.seq.generated() < 3 {
			loop.step()
		}
		return g
	}},
	{"unread, so that it waits", func(t *testing.T, loop *Loop) *Generation {
		g := submit(t, loop, plain(1, 5, 0))
		for !g.seq.paused {
			loop.step()
		}
		return g
	}},
	{"evicted", func(t *testing.T, loop *Loop) *Generation {
		g := submit(t, loop, plain(1, 5, 0))
		loop.step()
		loop.evict(slices.Index(loop.live, g))
		return g
	}},
}

// Whatever a generation is at, the step after its Cancel is without it: its sequence,
// what it has in the cache and its place in the queue are others' by then.
func TestCancelTakesOneStepInEveryState(t *testing.T) {
	for _, c := range states {
		t.Run(c.name, func(t *testing.T) {
			loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 256, BatchTokens: 16},
				Config{MaxSequences: 2, RingTokens: 8, NoPrefixCache: true})
			other := submit(t, loop, plain(2, 5, 0))
			loop.step()
			read := func() { // the other one's reader keeps up
				ready(other, 64)
			}
			g := c.reach(t, loop)
			read()
			g.Cancel()
			loop.step()
			if _, ended := ready(g, 1000); !ended {
				t.Fatal("a step later it has not ended")
			}
			if f := g.Finish(); f.Reason != ask.FinishAborted || f.Err != nil {
				t.Errorf("finish %+v", f)
			}
			cached := 0
			for _, live := range loop.live {
				cached += live.seq.cached
			}
			if slices.Contains(loop.live, g) || g.ticket.Waiting() || model.CachedTokens() != cached || len(loop.free)+len(loop.live) != 2 {
				t.Errorf("it has something left: live %v, waiting %v, %d tokens cached of %d, %d free sequences",
					slices.Contains(loop.live, g), g.ticket.Waiting(), model.CachedTokens(), cached, len(loop.free))
			}
			if n := int(loop.inFlight.Load()); n != len(loop.live)+loop.waiting.Len() {
				t.Errorf("%d places are taken, of %d generations", n, len(loop.live)+loop.waiting.Len())
			}
		})
	}
}
