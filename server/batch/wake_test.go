package batch

import (
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// returns checks, in a bubble, that call does not block for good: everybody
// else has come to rest, too.
func returns(t *testing.T, call func()) {
	t.Helper()
	var done atomic.Bool
	go func() { call(); done.Store(true) }()
	if synctest.Wait(); !done.Load() {
		t.Fatal("parked, and nobody is left to wake it")
	}
}

// TestParkSeesInputs checks that the engine goroutine does not park on an
// input that came while it was not parked, and so woke nobody.
func TestParkSeesInputs(t *testing.T) {
	for name, input := range map[string]func(*testing.T, *Loop){
		"request": func(t *testing.T, l *Loop) { submit(t, l, plain(1, 5, 0)) },
		"cancel": func(t *testing.T, l *Loop) {
			g := submit(t, l, plain(1, 5, 0))
			for l.step(); g.space() > 0; l.step() {
			}
			g.Cancel()
		},
		"room": func(t *testing.T, l *Loop) {
			g := submit(t, l, plain(1, 5, 0))
			for l.step(); g.space() > 0; l.step() {
			}
			l.step() // pauses
			ready(g, 2)
		},
		"close": func(t *testing.T, l *Loop) { l.closing.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1, RingTokens: 4})
				input(t, loop)
				returns(t, loop.park)
			})
		})
	}
}

// TestParkIsWoken is the same with an engine goroutine that is parked.
func TestParkIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1, RingTokens: 4})
		parked := func() {
			t.Helper()
			if synctest.Wait(); !loop.idle.Asleep() {
				t.Fatal("not parked")
			}
		}
		parked()
		g := submit(t, loop, plain(1, 5, 20)) // wakes it
		for range 2 {
			parked() // the ring is full
			returns(t, func() { ready(g, 4) })
		}
		parked()
		g.Cancel()
		returns(t, func() { collect(g) })
		parked()
	})
}

// TestLastResult races a reader, from its Announce on, against the last result
// and the end that follows it at once: neither must be lost.
func TestLastResult(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	// The engine's side is at hand when a round begins, on another processor.
	var next atomic.Pointer[Generation]
	var producer sync.WaitGroup
	defer producer.Wait()
	producer.Go(func() {
		for range rounds {
			for next.Load() == nil {
				if t.Failed() {
					return
				}
				runtime.Gosched()
			}
			g := next.Swap(nil)
			g.results.set(g.next(0), 7)
			g.put(1)
			g.end(Finish{Reason: ask.FinishLength})
			loop.wakeFeeds()
		}
	})
	for range rounds {
		g := loop.newGeneration(Job{Request: plain(1, 1, 1)})
		next.Store(g)
		read := Follow(g)
		var dst [2]Result
		if n, err := read(dst[:]); n != 1 || err != nil || dst[0].Token != 7 {
			t.Fatalf("read %d, %v", n, err)
		}
		if n, err := read(dst[:]); n != 0 || err != io.EOF {
			t.Fatalf("then %d, %v", n, err)
		}
	}
}

// TestEndsComeBeforeTheDecode checks that who ends without a decode is told
// before that of the others, which may take long.
func TestEndsComeBeforeTheDecode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReader(t)
		var told []int // wake-ups so far, at each decode
		loop, _ := stepped(t, enginetest.Options{Fault: func(int, *engine.Batch) error {
			synctest.Wait()
			told = append(told, len(r.taken))
			return nil
		}}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
		submit(t, loop, plain(2, 5, 0))
		loop.step()
		announced(t, loop, r.feed, 1, 0).Cancel()
		if loop.step(); !slices.Equal(told, []int{0, 1}) {
			t.Errorf("woken %v times before the decodes, want 0 and 1", told)
		}
	})
}

// TestDrainWaitsForSubmit closes a loop between a Submit's count and its push.
func TestDrainWaitsForSubmit(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	loop.inFlight.Add(1)
	g := loop.newGeneration(Job{Request: plain(1, 5, 0)})
	loop.enter(g)
	closed := make(chan error)
	go func() { closed <- loop.Close() }()
	<-loop.torndown
	for range 1000 {
		select {
		case err := <-closed:
			t.Fatalf("closed with a request on its way: %v", err)
		default:
			runtime.Gosched()
		}
	}
	loop.queue.Push(g)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, f := collect(g); f.Reason != ask.FinishAborted || f.Err != ErrClosed {
		t.Errorf("finish %+v", f)
	}
}
