package batch

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// within gives a request some time.
func within(r *ask.Request, d time.Duration) *ask.Request {
	r.TimeoutNs = d.Nanoseconds()
	return r
}

// A request whose time is over while it waits is never decoded; one that runs gets no
// token more.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, 10*time.Millisecond, 0, Config{MaxSequences: 1})
		running := submit(t, loop, within(plain(1, 5, 0), 95*time.Millisecond))
		waits, patient := submit(t, loop, within(plain(2, 7, 5), 50*time.Millisecond)), submit(t, loop, within(plain(3, 9, 5), time.Second))
		round(loop, 20, running)
		for name, g := range map[string]*Generation{"running": running, "waiting": waits} {
			if !g.ended.Load() {
				t.Fatalf("%s has not ended", name)
			}
			var fault *ask.Fault
			if f := g.Finish(); f.Reason != ask.FinishAborted || !errors.As(f.Err, &fault) || fault.Kind != ask.DeadlineExceeded || fault.Remedy == "" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if n := running.Finish().CompletionTokens; n != 10 {
			t.Errorf("%d tokens in 95 ms of 10 each", n)
		}
		if f := waits.Finish(); f.CompletionTokens != 0 || f.Queue != 50*time.Millisecond || f.Prefill != 0 {
			t.Errorf("%+v", f)
		}
		all := finishAll(t, loop, []*Generation{patient})
		if s := loop.Stats(); len(all[0]) != 5 || s.Expired != 2 || s.PromptTokens != 5+9 {
			t.Errorf("%d tokens, %+v", len(all[0]), s)
		}
	})
}

// A time that is over before it begins.
func TestDeadlineAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, time.Millisecond, 0, Config{MaxSequences: 1})
		g := submit(t, loop, within(plain(1, 5, 0), 1))
		synctest.Sleep(1)
		loop.step()
		if !g.ended.Load() || len(*steps) != 0 {
			t.Errorf("ended %v after %d steps", g.ended.Load(), len(*steps))
		}
	})
}

// A full queue says when there will be room, by what waits and how fast that is
// computed.
func TestQueueFullSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, 100*time.Millisecond, 0, Config{MaxSequences: 1, QueueLimit: 10})
		g := submit(t, loop, plain(1, 1, 0))
		for range 10 {
			submit(t, loop, plain(1, 100, 100))
		}
		_, err := loop.Submit(plain(1, 1, 1))
		var fault *ask.Fault
		if !errors.As(err, &fault) || !errors.Is(err, ErrQueueFull) || fault.Kind != ask.QueueFull || fault.RetryNs != 0 {
			t.Fatalf("before anything is known: %#v", err)
		}
		round(loop, 100, g)
		_, err = loop.Submit(plain(1, 1, 1))
		if !errors.As(err, &fault) || !errors.Is(err, ErrQueueFull) || fault.Remedy != "try again in 100 s" {
			t.Fatalf("2000 tokens wait, 10 are computed in a second: %#v", err)
		}
		if s := loop.Stats(); s.Refused != 2 {
			t.Errorf("%+v", s)
		}
		// Another key, and another tier, find room.
		submit(t, loop, of(plain(1, 1, 1), ask.TierStandard, "other", 1))
		submit(t, loop, of(plain(1, 1, 1), ask.TierPriority, "", 1))
	})
}

// Tokens are a bound, too.
func TestQueueIsBoundedByTokens(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 1024}, Config{MaxSequences: 1, QueueTokens: 1000})
	running := submit(t, loop, plain(1, 900, 90))
	loop.step() // it does not wait any more
	var waiting []*Generation
	for range 3 {
		waiting = append(waiting, submit(t, loop, plain(1, 100, 200)))
	}
	if _, err := loop.Submit(plain(1, 100, 200)); !errors.Is(err, ErrQueueFull) {
		t.Fatalf("1200 tokens would wait: %v", err)
	}
	waiting = append(waiting, submit(t, loop, plain(1, 50, 50)))
	finishAll(t, loop, append(waiting, running))
	if n := loop.room.Tokens(); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
}
