package batch

import (
	"sync/atomic"

	"github.com/weirgo/weir/sched/mailbox"
)

// intake is what is asked of the engine goroutine beside generations: calls, each
// of which somebody waits for.
type intake[C any] struct {
	queue   *mailbox.Queue[C]
	count   atomic.Int32 // not ended, at most Config.QueueLimit
	waiting []C          // belongs to who holds Loop.own
}

// call is the end of one.
type call struct {
	ended bool
	err   error         // once done
	done  chan struct{} // closed at the end
}

// submit queues a call.
func (in *intake[C]) submit(l *Loop, c C) error {
	// As in SubmitJob: counted, looked, pushed.
	if int(in.count.Add(1)) > l.config.QueueLimit {
		in.count.Add(-1)
		l.counters.refused.Add(1)
		return ErrQueueFull
	}
	if l.closing.Load() {
		in.count.Add(-1)
		return ErrClosed
	}
	if !in.queue.Push(c) {
		panic("batch: ring smaller than the limit of calls")
	}
	l.wakeEngine()
	return nil
}

// collect takes in what has come.
func (in *intake[C]) collect() {
	for c, ok := in.queue.Pop(); ok; c, ok = in.queue.Pop() {
		in.waiting = append(in.waiting, c)
	}
}

// end ends a call, once.
func (in *intake[C]) end(c *call, err error) {
	if c.ended {
		return
	}
	c.ended, c.err = true, err
	in.count.Add(-1)
	close(c.done)
}
