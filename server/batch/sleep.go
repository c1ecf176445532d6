package batch

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/engine"
)

// rest is how the loop goes without its engine contexts while there is nothing to do.
type rest struct {
	asking sync.Mutex // one call at a time
	asked  atomic.Pointer[restCall]
	worked atomic.Int64 // when there was something to do, Unix ns

	asleep bool // belongs to who holds own
}

// restCall is something that the engine goroutine does between two steps.
type restCall struct {
	do   func() error
	err  error
	done chan struct{}
}

// ErrBusy: Sleep has found something to do.
var ErrBusy = errors.New("batch: sleep: there is something to do")

// Idle reports whether there is nothing to do, and since when.
func (l *Loop) Idle() (since time.Time, idle bool) {
	idle = l.inFlight.Load() == 0 && l.embeddings.count.Load() == 0 && l.slots.count.Load() == 0
	return time.Unix(0, l.rest.worked.Load()), idle
}

// Sleep frees the engine's contexts, with all that is left in places and not kept in the
// store, or fails with
// ErrBusy. Until Wake the caller keeps everybody from submitting anything, and from
// asking for Pooling.
func (l *Loop) Sleep() error { return l.betweenSteps(l.fallAsleep) }

// Wake makes the context again, on the threads that were asked for last. Where that
// fails it may be tried again.
func (l *Loop) Wake() error { return l.betweenSteps(l.wakeUp) }

// betweenSteps has the engine goroutine do something, and waits until it has.
func (l *Loop) betweenSteps(do func() error) error {
	l.rest.asking.Lock()
	defer l.rest.asking.Unlock()
	c := &restCall{do: do, done: make(chan struct{})}
	l.rest.asked.Store(c)
	l.wakeEngine()
	select {
	case <-c.done:
		return c.err
	case <-l.done:
	}
	select {
	case <-c.done: // just before it ended
		return c.err
	default:
		return ErrClosed
	}
}

// serveRest does what betweenSteps asks for. Engine goroutine.
func (l *Loop) serveRest() {
	if c := l.rest.asked.Swap(nil); c != nil {
		c.err = c.do()
		close(c.done)
	}
}

// fallAsleep is Sleep. Engine goroutine.
func (l *Loop) fallAsleep() error {
	if l.rest.asleep {
		return nil
	}
	l.receive()
	if _, idle := l.Idle(); !idle || len(l.live) > 0 {
		return ErrBusy
	}
	for l.eraseOldest() > 0 {
	}
	if err := l.closeContexts(); err != nil {
		return err
	}
	l.rest.asleep = true
	l.publish()
	return nil
}

// wakeUp is Wake. Engine goroutine.
func (l *Loop) wakeUp() error {
	if !l.rest.asleep {
		return nil
	}
	threads, size := l.compute.force.Load(), l.size
	size.Threads, size.BatchThreads, size.Decoding = threads.Threads, threads.BatchThreads, threads.Decoding
	l.own.Unlock() // it may take long, and there is nothing that anybody could end
	c, err := l.model.NewContext(size)
	l.own.Lock()
	if err != nil {
		return fmt.Errorf("batch: make engine context: %w", err)
	}
	if err := l.checkSame(c); err != nil {
		return errors.Join(err, c.Close())
	}
	l.context = c
	l.shared.Store(&c)
	l.free = l.free[:0]
	for i := range l.places {
		l.places[i] = place{}
		l.giveBack(engine.SequenceID(i))
	}
	l.scout.wake(size)
	l.hold, l.copied, l.promptLimit = false, false, l.limits.BatchTokens
	l.rest.asleep = false
	l.rest.worked.Store(time.Now().UnixNano())
	l.publish()
	return nil
}

// checkSame refuses a context that is not what the loop's was.
func (l *Loop) checkSame(c engine.Context) error {
	limits := c.Limits()
	limits.Threads, limits.BatchThreads = l.limits.Threads, l.limits.BatchThreads
	identity := ""
	if c, ok := c.(engine.StateContext); ok {
		identity = c.StateIdentity()
	}
	if limits != l.limits || identity != l.stateIdentity {
		return fmt.Errorf("batch: make engine context: it has %+v, and had %+v", limits, l.limits)
	}
	return nil
}
