package batch

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

const waitingPlaces = 4 // of a crowd

// crowd makes a loop whose places are taken by streams, and before which n wait: all
// of one key, or each of its own, and each with a time within which it wants an answer.
func crowd(tb testing.TB, n int, keys bool) (step func(), running []*Generation) {
	const tokens = 1 << 20
	model := enginetest.New(enginetest.Options{})
	loop, err := newLoop(model, engine.ContextConfig{ContextTokens: waitingPlaces * tokens},
		Config{MaxSequences: waitingPlaces, QueueLimit: n, QueueTokens: 1 << 30, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		loop.closing.Store(true)
		if err := loop.drain(); err != nil {
			tb.Error(err)
		}
	})
	for i := range waitingPlaces + n {
		r := plain(i, 8, 0)
		r.Tenant.Name = "crowd"
		if keys {
			r.Tenant.Name = fmt.Sprint("key ", i)
		}
		r.TimeoutNs = int64(time.Hour + time.Duration(n-i)*time.Second)
		g, err := loop.Submit(r)
		if err != nil {
			tb.Fatal(err)
		}
		if i < waitingPlaces {
			loop.step()
			running = append(running, g)
		}
	}
	step = func() {
		loop.step()
		var dst [4]Result
		for _, g := range running {
			g.Poll(dst[:])
		}
	}
	for range 4 * leastTurn { // those that run have had their turn
		step()
	}
	if got := loop.waiting.Len(); got != n {
		tb.Fatalf("%d wait, want %d", got, n)
	}
	return step, running
}

// A step allocates nothing, however many wait.
func TestWaitingAllocatesNothing(t *testing.T) {
	for _, keys := range []bool{false, true} {
		for _, n := range []int{10, 1000} {
			step, _ := crowd(t, n, keys)
			// What streams generate moves to larger memory once in a while.
			if got := testing.AllocsPerRun(300, step); got != 0 {
				t.Errorf("%d wait, of a key each: %v: a step allocates %v times", n, keys, got)
			}
		}
	}
}

// BenchmarkWaiting is a step of four streams before which so many wait.
func BenchmarkWaiting(b *testing.B) {
	for _, keys := range []bool{false, true} {
		for _, n := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("keys=%v/waiting=%d", keys, n), func(b *testing.B) {
				step, _ := crowd(b, n, keys)
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}

// The deadlines pass in their order, whoever has left before.
func TestDeadlinesPassInOrder(t *testing.T) {
	var d deadlines
	var all []*Generation
	for _, at := range []int{5, 2, 8, 0, 1, 9, 3, 7, 4, 6} {
		g := &Generation{seq: sequence{deadline: int64(10 + at)}}
		all = append(all, g)
		d.add(g)
	}
	none := new(Generation)
	d.add(none)
	d.drop(none)
	for _, i := range []int{2, 3, 9} { // 8, 0 and 6
		d.drop(all[i])
		d.drop(all[i])
	}
	for _, want := range []int{1, 2, 3, 4, 5, 7, 9} {
		if got := int(d[0].seq.deadline) - 10; got != want {
			t.Errorf("%d passes, want %d", got, want)
		}
		d.drop(d[0])
	}
	if len(d) != 0 {
		t.Errorf("%d are left", len(d))
	}
}

// Who is cancelled before the engine has received it ends all the same, also where the
// engine meets it among the cancelled first.
func TestCancelledBeforeItArrives(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	g := submit(t, loop, plain(1, 5, 0))
	g.Cancel()
	loop.dropCancelled()
	if g.ended.Load() {
		t.Fatal("it has ended before it was received")
	}
	loop.step()
	if _, ended := ready(g, 1); !ended || g.Finish().Reason != ask.FinishAborted {
		t.Error("it goes on")
	}
}
