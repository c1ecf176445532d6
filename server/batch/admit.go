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
		l.pacing.estimate.of(g).arriving.Add(-int64(g.seq.prompt))
		l.arrive(g)
		if g.cancelled.Load() { // dropCancelled may have met it before it was here
			l.finish(g, ask.FinishAborted, nil)
		}
	}
}

// dropCancelled ends the generations that were cancelled, waiting or live.
func (l *Loop) dropCancelled() {
	if l.cancels.Load() == nil {
		return
	}
	for g := l.cancels.Swap(nil); g != nil; {
		before := g.cancelledBefore
		g.cancelledBefore = nil
		if g.seq.arrived { // else receive ends it
			l.finish(g, ask.FinishAborted, nil)
		}
		g = before
	}
	l.sweepLive()
}

// admit gives waiting requests the free sequences, as many as there is time for.
// After an eviction it waits until a sequence has ended, or until all that hold the
// cache are paused.
func (l *Loop) admit() {
	l.collectStored()
	if l.hold && !l.anyRunnable() {
		l.hold = false
	}
	if l.waiting.Len() == 0 {
		return
	}
	for n := l.admissible(); n > 0 && l.waiting.Len() > 0 && len(l.free) > 0 && !l.hold; {
		g, free := l.next(n)
		if free < 0 {
			break
		}
		if l.copied && l.isRestored(&g.seq) {
			break // after the next decode
		}
		if l.occupy(g, free) {
			l.admitOne(g)
			n--
		}
	}
	l.preempt()
	l.takeTurns()
}

// admitOne makes a generation that has its place live.
func (l *Loop) admitOne(g *Generation) {
	s := &g.seq
	l.waiting.Take(&g.ticket, s.cached)
	first := s.admitted == 0
	if first {
		s.admitted = sinceStart()
		s.account.mark = s.admitted
		l.beginRoom(g)
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
	s.turn = s.length()
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
	f.ContextFull = reason == ask.FinishLength && s.full
	f.Drafted, f.Accepted = int(g.drafted.Load()), int(g.accepted.Load())
	now := sinceStart()
	s.times(&f, now)
	s.account.close(now, l.counters.steps.Load(), &s.spent, s.first != 0)
	f.Spent = s.spent
	// Counted before the end is seen: who reads the statistics after io.EOF
	// finds this one in them and not at work, and a new request its place.
	if s.id >= 0 {
		l.pacing.estimate.left(time.Duration(now - s.admitted))
		l.counters.active.Add(-1)
	}
	l.counters.finished[reason].Add(1)
	l.waiting.Leave(&g.ticket)
	l.deadlines.drop(g)
	s.awaited = nil
	l.dropSaved(s)
	l.endFetch(s)
	l.leaveRoom(g)
	l.pacing.estimate.of(g).requests.Add(-1)
	l.inFlight.Add(-1)
	g.end(f)
	return true
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
	if l.kept > 0 && l.eraseOldest() > 0 {
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

// victim chooses who is evicted, of those of the lowest tier: the paused sequence
// admitted last, or else the sequence admitted last.
func (l *Loop) victim() int {
	lowest, last := l.lowest(), -1
	for i, g := range slices.Backward(l.live) {
		switch {
		case g.ticket.Source.Tier != lowest:
		case g.seq.paused && g.seq.cached > 0:
			return i
		case last < 0:
			last = i
		}
	}
	return last
}

// evict takes live[i]'s cache away; it waits at the head of its flow.
func (l *Loop) evict(i int) {
	l.putBack(i)
	l.hold = true // or the next step admits it again, into the cache that was full
	l.counters.evictions.Add(1)
}

// putBack takes live[i] out of the batch and has it wait at the head of its flow.
func (l *Loop) putBack(i int) {
	g := l.live[i]
	l.live = slices.Delete(l.live, i, i+1)
	l.release(&g.seq, false)
	l.counters.active.Add(-1)
	if g.ticket.Ahead = 0; g.seq.saved == nil {
		g.ticket.Ahead = g.seq.pending()
	}
	l.waiting.Return(&g.ticket)
}

// endFull ends a sequence that is alone in the cache and cannot grow.
func (l *Loop) endFull(g *Generation) {
	if g.seq.generated() > 0 {
		g.seq.full = true
		l.finish(g, ask.FinishLength, nil)
	} else {
		l.finish(g, ask.FinishError, fmt.Errorf("batch: decode prompt of %d tokens: %w", g.seq.prompt, engine.ErrNoCacheSpace))
	}
	l.sweepLive()
}
