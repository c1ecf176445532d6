package batch

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// receive moves new requests out of the ring.
func (l *Loop) receive() {
	for g, ok := l.queue.Pop(); ok; g, ok = l.queue.Pop() {
		l.pacing.estimate.arriving.Add(-int64(g.seq.prompt))
		l.waiting = append(l.waiting, g)
	}
}

// dropCancelled ends the generations that were cancelled, waiting or live.
func (l *Loop) dropCancelled() {
	for _, list := range [][]*Generation{l.waiting, l.live} {
		for _, g := range list {
			if g.cancelled.Load() {
				l.finish(g, ask.FinishAborted, nil)
			}
		}
	}
	l.sweep()
}

// admit gives waiting requests the free sequences, as many as there is time for.
// After an eviction it waits until a sequence has ended, or until all that hold the
// cache are paused.
func (l *Loop) admit() {
	if l.hold && !l.anyRunnable() {
		l.hold = false
	}
	if len(l.waiting) == 0 || len(l.free) == 0 || l.hold {
		return
	}
	for n := l.admissible(); n > 0 && len(l.waiting) > 0 && len(l.free) > 0; {
		at, free := l.next()
		if free < 0 {
			return
		}
		if g := l.waiting[at]; l.occupy(g, free) {
			l.waiting = slices.Delete(l.waiting, at, at+1)
			l.admitOne(g)
			n--
		}
	}
}

// admitOne makes a generation that has its place live.
func (l *Loop) admitOne(g *Generation) {
	s := &g.seq
	first := s.admitted.IsZero()
	if first {
		s.admitted = time.Now()
	}
	if first {
		g.reused.Store(int32(s.cached))
		l.counters.asked.Add(uint64(s.prompt))
		if s.cached > 0 {
			l.counters.reused.Add(uint64(s.cached))
			l.counters.reusing.Add(1)
		}
		g.mark() // of those that come again the ring may be full
	}
	if s.keep {
		g.slot.Store(int32(s.id) + 1)
	}
	g.holdLikeliest()
	l.live = append(l.live, g)
	l.counters.active.Add(1)
}

// finish ends a generation, waiting or live, and publishes the end; what it holds
// of the context is freed by sweep. It reports false if it has ended before.
func (l *Loop) finish(g *Generation, reason ask.FinishReason, err error) bool {
	s := &g.seq
	if s.ended {
		return false
	}
	s.ended = true // the loop's own mark; readers see g.end below
	if err != nil {
		s.keep, s.stays = false, false // nobody knows what the cache has of it
		g.slot.Store(0)
	}
	f := Finish{Reason: reason, Err: err, PromptTokens: s.prompt, CompletionTokens: s.generated()}
	now := time.Now()
	s.times(&f, now)
	// Counted before the end is seen: who reads the statistics after io.EOF
	// finds this one in them and not at work, and a new request its place.
	if s.id >= 0 {
		l.pacing.estimate.left(now.Sub(s.admitted))
		l.counters.active.Add(-1)
	}
	l.counters.finished[reason].Add(1)
	l.inFlight.Add(-1)
	g.end(f)
	return true
}

// sweep takes ended generations out of waiting and live.
func (l *Loop) sweep() {
	l.waiting = slices.DeleteFunc(l.waiting, func(g *Generation) bool { return g.seq.ended })
	l.sweepLive()
}

// sweepLive takes ended generations out of live and frees their sequences.
func (l *Loop) sweepLive() {
	l.live = slices.DeleteFunc(l.live, func(g *Generation) bool {
		if !g.seq.ended {
			return false
		}
		l.release(&g.seq, true)
		l.hold = false
		return true
	})
}

// makeSpace acts on a full cache, so that the next batch is smaller; prompts
// is the prompt tokens of the batch that failed.
func (l *Loop) makeSpace(prompts int) {
	if l.kept > 0 && l.eraseOldest() {
		return
	}
	if prompts > 1 {
		l.promptLimit = prompts / 2
		return
	}
	if len(l.live) == 1 {
		l.endFull(l.live[0])
		return
	}
	l.evict(l.victim())
}

// victim chooses who is evicted: the paused sequence admitted last, or else
// the sequence admitted last.
func (l *Loop) victim() int {
	for i, g := range slices.Backward(l.live) {
		if g.seq.paused && g.seq.cached > 0 {
			return i
		}
	}
	return len(l.live) - 1
}

// evict takes live[i]'s cache away; it waits at the head of the queue.
func (l *Loop) evict(i int) {
	g := l.live[i]
	l.live = slices.Delete(l.live, i, i+1)
	l.release(&g.seq, false)
	l.counters.active.Add(-1)
	l.waiting = slices.Insert(l.waiting, 0, g)
	l.hold = true // or the next step admits it again, into the cache that was full
	l.counters.evictions.Add(1)
}

// endFull ends a sequence that is alone in the cache and cannot grow.
func (l *Loop) endFull(g *Generation) {
	if g.seq.generated() > 0 {
		l.finish(g, ask.FinishLength, nil)
	} else {
		l.finish(g, ask.FinishError, fmt.Errorf("batch: decode prompt of %d tokens: %w", g.seq.prompt, engine.ErrNoCacheSpace))
	}
	l.sweepLive()
}
