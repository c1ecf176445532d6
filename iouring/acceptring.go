package iouring

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// acceptedLimit is how many accepted connections may wait for Accept before
// the multishot accept is called off; the kernel's backlog holds the others.
const acceptedLimit = 1024

// A listener with ReceiveMultishot: one request accepts all connections, and
// each is received for from the moment it is there.

// armAccept starts accepting, from any goroutine but the ring's own.
func (l *Listener) armAccept() error {
	if !l.acquire() {
		return os.ErrClosed
	}
	if err := l.ring.submit(&l.accepts); err != nil {
		l.release()
		return err
	}
	return nil
}

// prepare implements opOwner.
func (l *Listener) prepare(_ *op, e *sys.SQE) {
	e.Accept(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// complete implements opOwner.
func (l *Listener) complete(r *ring, o *op, res int32, _ uint32, more bool) {
	var err error
	if res >= 0 {
		l.accepted(r, int(res))
	} else {
		switch errno := syscall.Errno(-res); errno {
		case unix.ECANCELED, unix.ECONNABORTED, unix.EINTR, unix.EAGAIN:
		default:
			err = os.NewSyscallError("accept", errno)
		}
	}
	t := &l.returned
	t.mu.Lock()
	if err != nil {
		l.failed, l.want = err, false
	}
	full := len(t.queue) >= acceptedLimit && l.want
	if full || t.closed || r.closing.Load() {
		l.want = false
	}
	again := !more && l.want
	if !more && !again {
		l.armed = false
	}
	t.mu.Unlock()
	switch {
	case again:
		r.restart(o)
	case !more:
		l.release()
	case full:
		r.cancelNow(o)
	}
	l.in.setReady()
}

func (l *Listener) accepted(r *ring, fd int) {
	c := &Conn{network: l.network, listener: l}
	c.init(fd)
	c.in.init()
	c.out.init()
	x := newRingIO(c, r)
	c.ringIO.Store(x)
	t := &l.returned
	t.mu.Lock()
	closed := t.closed
	if !closed {
		t.queue = append(t.queue, c)
	}
	t.mu.Unlock()
	if closed {
		c.shut(r)
		return
	}
	x.armOnRing(r)
}

// resumeAccept takes a failure, once, and starts an accept that was called off.
func (l *Listener) resumeAccept() error {
	t := &l.returned
	t.mu.Lock()
	err := l.failed
	l.failed = nil
	arm := false
	if err == nil && !l.want && len(t.queue) < acceptedLimit/2 && !t.closed {
		l.want = true
		arm = !l.armed
		l.armed = true
	}
	t.mu.Unlock()
	if arm {
		if armErr := l.armAccept(); armErr != nil {
			return armErr
		}
	}
	return err
}
