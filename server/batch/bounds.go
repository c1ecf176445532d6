package batch

import (
	"fmt"
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/queue"
)

// waitingAnswer is how many tokens of an answer count while its request waits, at
// most: answers end sooner than they might.
const waitingAnswer = 256

// bounds are those of the room for requests.
func (c Config) bounds() queue.Bounds {
	return queue.Bounds{Running: c.MaxSequences, Waiting: c.QueueLimit, Tokens: c.QueueTokens}
}

// enter takes room for a generation, and reports false if there is none. Any
// goroutine.
func (l *Loop) enter(g *Generation) bool {
	s := &g.seq
	s.roomTokens = s.prompt + min(s.limit-s.prompt, waitingAnswer)
	return l.room.Enter(g.ticket.Source, s.roomTokens)
}

// beginRoom gives back the room of a generation that waits no more.
func (l *Loop) beginRoom(g *Generation) {
	if s := &g.seq; s.roomTokens > 0 {
		l.room.Begin(g.ticket.Source, s.roomTokens)
		s.roomTokens = 0
	}
}

// leaveRoom gives back the room of a generation that has ended.
func (l *Loop) leaveRoom(g *Generation) {
	l.beginRoom(g)
	l.room.Leave(g.ticket.Source)
}

// queueFull is ErrQueueFull, and in how long there will be room by the tokens that
// wait and those that are computed in a second. Any goroutine.
func (l *Loop) queueFull() error {
	f := *ErrQueueFull
	f.Cause = ErrQueueFull // it still is
	if retry := l.room.Retry(math.Float64frombits(l.counters.tokensPerSecond.Load())); retry > 0 {
		f.RetryNs = retry.Nanoseconds()
		f.Remedy = fmt.Sprintf("try again in %d s", int(math.Ceil(retry.Seconds())))
	}
	return &f
}

// rateMemory is how many steps count for the tokens that are computed in a second.
const rateMemory = 64

// measure counts a step for the tokens that are computed in a second: what decodes
// take, and not the pauses between them, in which there was nothing to do.
func (l *Loop) measure(did *Step) {
	if did.Took <= 0 {
		return
	}
	l.tiers.rows += (float64(did.DecodeRows+did.PromptRows+did.Accepted) - l.tiers.rows) / rateMemory
	l.tiers.seconds += (did.Took.Seconds() - l.tiers.seconds) / rateMemory
	l.counters.tokensPerSecond.Store(math.Float64bits(l.tiers.rows / l.tiers.seconds))
}

// expire ends the generations whose time is over, before anything more is computed
// for them.
func (l *Loop) expire() {
	if len(l.deadlines) == 0 {
		return
	}
	for now := sinceStart(); len(l.deadlines) > 0 && now >= l.deadlines[0].seq.deadline; {
		l.finish(l.deadlines[0], ask.FinishAborted, ask.Late()) // and it leaves the list
		l.counters.expired.Add(1)
	}
	l.sweepLive()
}
