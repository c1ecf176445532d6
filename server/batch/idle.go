package batch

import "sync/atomic"

// idle parks the engine goroutine and lets any goroutine wake it.
//
//	parked 0→1  engine, in prepare; it then looks at its inputs once more
//	       1→0  who wakes it, having made its input visible before, or the
//	            engine itself in stop. Who wins sends on token.
//
// So there is at most one token, and no input is missed.
type idle struct {
	parked atomic.Uint32
	token  chan struct{}
}

func newIdle() idle { return idle{token: make(chan struct{}, 1)} }

// prepare announces that the engine goroutine is about to park. It is followed
// by wait or stop.
func (i *idle) prepare() { i.parked.Store(1) }

// stop takes prepare back.
func (i *idle) stop() {
	if !i.parked.CompareAndSwap(1, 0) {
		<-i.token
	}
}

// wait parks until wake, which may have been called since prepare.
func (i *idle) wait() { <-i.token }

// wake ends a wait.
func (i *idle) wake() {
	if i.parked.Load() == 1 && i.parked.CompareAndSwap(1, 0) {
		i.token <- struct{}{}
	}
}
