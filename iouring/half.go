package iouring

import (
	"net"
	"os"
	"sync"
	"time"
)

// half is one direction of a connection in a ring's care, or of a listener: who
// may go next, whether there is something to go for, and the deadline.
//
//	flag     set by                        cleared by
//	ready    the ring's thread (an edge)   the claim before each attempt, so that
//	                                       an edge during it is seen
//	expired  timer, setDeadline (past)     setDeadline (zero or future)
//	closed   close                         never
//
// All are guarded by mu. turn is held by the one Read (or Write) that goes, for
// as long as it takes, so that two writes never interleave; hence at most one
// goroutine waits in cond.
type half struct {
	turn sync.Mutex

	mu      sync.Mutex
	cond    sync.Cond
	waiting bool
	ready   bool
	expired bool
	closed  bool

	deadline time.Time
	timer    *time.Timer
}

func (h *half) init() { h.cond.L = &h.mu }

// check returns the error that keeps any operation from starting, and clears
// readiness, so that an edge after it is seen.
func (h *half) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = false
	return h.err()
}

// failed is check without touching readiness.
func (h *half) failed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err()
}

// await waits until the direction is ready and claims it, or returns
// net.ErrClosed or os.ErrDeadlineExceeded.
func (h *half) await() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := h.err(); err != nil {
			return err
		}
		if h.ready {
			h.ready = false
			return nil
		}
		h.waiting = true
		h.cond.Wait()
	}
}

func (h *half) err() error {
	switch {
	case h.closed:
		return net.ErrClosed
	case h.expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// setReady notes readiness and wakes the goroutine that waits for it.
func (h *half) setReady() {
	h.mu.Lock()
	h.ready = true
	h.wake()
	h.mu.Unlock()
}

func (h *half) wake() {
	if h.waiting {
		h.waiting = false
		h.cond.Broadcast()
	}
}

func (h *half) close() {
	h.mu.Lock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	h.wake()
	h.mu.Unlock()
}

// setDeadline moves the deadline; one in the past wakes the waiter at once.
func (h *half) setDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return net.ErrClosed
	}
	h.deadline = t
	h.expired = false
	if t.IsZero() {
		if h.timer != nil {
			h.timer.Stop()
		}
		return nil
	}
	left := time.Until(t)
	if left <= 0 {
		h.expired = true
		h.wake()
		return nil
	}
	if h.timer == nil {
		h.timer = time.AfterFunc(left, h.expire)
	} else {
		h.timer.Reset(left)
	}
	return nil
}

// expire runs on the timer. A deadline that has been moved meanwhile has reset
// the timer, which then comes again.
func (h *half) expire() {
	h.mu.Lock()
	if !h.closed && !h.deadline.IsZero() && !time.Now().Before(h.deadline) {
		h.expired = true
		h.wake()
	}
	h.mu.Unlock()
}
