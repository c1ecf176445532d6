package batch

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// wedged opens a loop whose decodes hang, deaf to Abort, from the one numbered
// first on, until free is called.
func wedged(t *testing.T, first int, ec engine.ContextConfig, cfg Config) (loop *Loop, model *enginetest.Model, free func()) {
	t.Helper()
	hold := make(chan struct{})
	cfg.Log = slog.New(slog.DiscardHandler)
	loop, model = open(t, enginetest.Options{Fault: func(step int, _ *engine.Batch) error {
		switch {
		case step >= first:
			<-hold
		case step == 0:
			<-time.After(lookEvery / 2) // until all have been submitted; between two looks
		}
		return nil
	}}, ec, cfg)
	free = sync.OnceFunc(func() { close(hold) })
	t.Cleanup(free)
	return loop, model, free
}

// isStuck reports whether an error says that the engine is stuck for seconds.
func isStuck(err error, what string) bool {
	f, ok := errors.AsType[*ask.Fault](err)
	return ok && f.Kind == ask.EngineStuck && f.What == what
}

// What waits and what runs ends with an error while the decode hangs, what comes is
// refused, and all is well once the decode returns.
func TestStuckDecodeEndsWhatWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, model, free := wedged(t, 2, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2})
		running, other, waiting := submit(t, loop, plain(1, 5, 0)), submit(t, loop, plain(2, 5, 0)), submit(t, loop, plain(3, 5, 0))
		synctest.Sleep(lookEvery/2 + defaultStuckAfter + lookEvery) // a look is late by one, and two tokens have their time
		if err := loop.Check(); err != nil || loop.Stats().Stuck != 0 || loop.Stats().Waiting != 1 {
			t.Errorf("within the limit: %v, %+v", err, loop.Stats())
		}
		synctest.Sleep(2 * lookEvery)
		for name, g := range map[string]*Generation{"running": running, "other": other, "waiting": waiting} {
			tokens, ended := ready(g, 64)
			if !ended || (len(tokens) > 0) == (g == waiting) {
				t.Fatalf("%s: %d tokens, ended %v", name, len(tokens), ended)
			}
			if f := g.Finish(); f.Reason != ask.FinishError || !isStuck(f.Err, "engine stuck for 31 s") || f.CompletionTokens != len(tokens) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if _, err := loop.Submit(plain(4, 5, 0)); !isStuck(err, "engine stuck for 33 s") || !isStuck(loop.Check(), "engine stuck for 33 s") {
			t.Errorf("Submit: %v; Check: %v", err, loop.Check())
		}
		if s := loop.Stats(); s.Active+s.Waiting != 0 || s.Finished[ask.FinishError] != 3 || s.StuckDecodes != 1 || s.Stuck != s.Decoding || s.Stuck < defaultStuckAfter {
			t.Errorf("stuck: %+v", s)
		}
		free()
		synctest.Wait()
		if err := loop.Check(); err != nil || model.CachedTokens() != 0 {
			t.Errorf("after its return: %v, %d tokens in the cache", err, model.CachedTokens())
		}
		r := plain(5, 5, 9)
		tokens, f := collect(submit(t, loop, r))
		if want, _ := enginetest.Reference(model, r.Prompt.Tokens, r.Sampling, 9); !slices.Equal(tokens, want) || f.Reason != ask.FinishLength {
			t.Errorf("after its return: %v, %+v, want %v", tokens, f, want)
		}
	})
}

// A request that was on its way into the queue when the engine was found stuck
// ends at the next look.
func TestLateSubmitToStuckEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _, _ := wedged(t, 0, engine.ContextConfig{ContextTokens: 128}, Config{})
		submit(t, loop, plain(1, 5, 0))
		synctest.Sleep(2 * defaultStuckAfter)
		if err := loop.Check(); err == nil {
			t.Fatal("not stuck")
		}
		late := loop.newGeneration(Job{Request: plain(2, 5, 0)})
		loop.enter(late)
		loop.inFlight.Add(1)
		loop.queue.Push(late)
		synctest.Sleep(lookEvery)
		if _, ended := ready(late, 1); !ended {
			t.Error("waits")
		}
	})
}

func TestLongBatchesHaveLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _, _ := wedged(t, 0, engine.ContextConfig{ContextTokens: 512}, Config{StuckAfter: 4 * time.Second})
		submit(t, loop, plain(1, 400, 0))
		limit := 4*time.Second + 400*stuckAfterToken
		synctest.Sleep(limit - lookEvery)
		if err := loop.Check(); err != nil {
			t.Errorf("before its limit: %v", err)
		}
		synctest.Sleep(3 * lookEvery)
		if err := loop.Check(); err == nil {
			t.Error("not stuck behind its limit")
		}
	})
}

// An engine that is busy for hours is not stuck, and one with nothing to do is not
// looked at.
func TestBusyIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := enginetest.Options{Delay: func(*engine.Batch) time.Duration { return defaultStuckAfter - time.Second }}
		loop, _ := open(t, opts, engine.ContextConfig{ContextTokens: 1024}, Config{})
		for range 2 { // the second finds the watch asleep
			if _, f := collect(submit(t, loop, plain(1, 5, 500))); f.Reason != ask.FinishLength || f.CompletionTokens != 500 {
				t.Errorf("%+v", f)
			}
			synctest.Sleep(2 * lookEvery)
			if loop.watch.armed.Load() {
				t.Error("the watch looks at an engine that sleeps")
			}
		}
		if n := loop.Stats().StuckDecodes; n != 0 {
			t.Errorf("%d stuck decodes", n)
		}
	})
}

// While the process was stopped, by a debugger or with its machine, its decode
// could not get on either.
func TestTimeOfAStoppedProcessDoesNotCount(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{})
	loop.counters.decodingSince.Store(1)
	loop.look()
	for range 10 {
		loop.watch.looked = time.Now().Add(-time.Hour)
		loop.look()
	}
	loop.watch.timer.Stop()
	if seen := loop.watch.seen; seen != 20*lookEvery {
		t.Errorf("seen for %v", seen)
	}
	loop.counters.decodingSince.Store(0)
}

// A look between the announcement of a park and its call-off finds the engine
// asleep, and disarms: the engine goroutine, which goes on, arms again.
func TestParkCalledOffIsWatched(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{})
	loop.watch.arm()
	loop.idle.Prepare()
	loop.look()
	loop.idle.Stop()
	if loop.watch.armed.Load() {
		t.Fatal("not disarmed")
	}
	submit(t, loop, plain(1, 5, 0))
	loop.park()
	armed := loop.watch.armed.Load()
	loop.watch.timer.Stop()
	if !armed {
		t.Error("the engine goroutine goes on, and nobody looks at its decodes")
	}
}

// EndAll does not wait for a decode that hangs, found stuck or not; Close does.
func TestEndAllDoesNotWait(t *testing.T) {
	for name, wait := range map[string]time.Duration{"not found yet": time.Second, "found": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, _, free := wedged(t, 1, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1})
				running, waiting := submit(t, loop, plain(1, 5, 0)), submit(t, loop, plain(2, 5, 0))
				synctest.Sleep(wait)
				loop.EndAll()
				for _, g := range []*Generation{running, waiting} {
					if _, ended := ready(g, 64); !ended {
						t.Fatal("not ended")
					}
					if f := g.Finish(); wait == time.Second && (f.Reason != ask.FinishAborted || f.Err != ErrClosed) {
						t.Errorf("%+v", f)
					}
				}
				if _, err := loop.Submit(plain(3, 5, 0)); err == nil {
					t.Error("a request is taken")
				}
				closed := make(chan error, 1)
				go func() { closed <- loop.Close() }()
				synctest.Sleep(24 * time.Hour)
				select {
				case <-closed:
					t.Error("Close returns while the engine has the context")
				default:
				}
				free()
				if err := <-closed; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
