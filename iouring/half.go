package iouring

import (
	"net"
	"os"
	"sync"
	"time"
)

// half is one direction of a connection: who may go next, whether it is worth
// asking the kernel, and the deadline.
//
//	flag     set by                        cleared by
//	ready    poller (an edge), a reader    the claim before each system call, so
//	         that may have left data       that an edge during the call is seen
//	sticky   poller (hang-up, urgent       never: asking is always worth it, the
//	         data), unix sockets           kernel may send no further edge
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
	sticky  bool
	expired bool
	closed  bool

	deadline time.Time
	timer    *time.Timer
}

func (h *half) init(sticky bool) {
	h.cond.L = &h.mu
	h.sticky = sticky
}

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
	if h.sticky && h.err() == nil {
		h.ready = false
		return nil
	}
	return h.park()
}

// awaitEdge is await for a caller whose system call has just said EAGAIN: only
// an edge since its claim counts.
func (h *half) awaitEdge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.park()
}

func (h *half) park() error {
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
func (h *half) setReady(sticky bool) {
	h.mu.Lock()
	h.ready = true
	h.sticky = h.sticky || sticky
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
