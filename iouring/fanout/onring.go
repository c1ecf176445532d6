package fanout

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// carrier is a connection around the one that was accepted, which it names by
// Carries: it only looks at what it passes on, and holds nothing.
type carrier interface {
	Carries(*iouring.Conn) bool
}

// openRing begins the response, takes it out of the HTTP server and lends its
// connection to the ring. rest says that there is more of the request's body.
func (s *Stream) openRing(c *iouring.Conn, w http.ResponseWriter, r *http.Request, limit time.Time, rest bool) error {
	keep := s.keeps(w, r, rest)
	rc := http.NewResponseController(w)
	if err := s.begin(w, rc, limit); err != nil {
		return err
	}
	left, err := s.leave(c, rc, keep, rest)
	if err == nil && !left {
		s.goOrdinary(w, rc, r)
	}
	return err
}

// openLater takes the response out of the HTTP server, if that can be, and leaves its
// beginning to the first frame.
func (s *Stream) openLater(c *iouring.Conn, w http.ResponseWriter, r *http.Request) error {
	rest, err := s.discardRest(w, r, time.Now().Add(s.fan.config.DropAfter))
	if err != nil {
		return err
	}
	s.header.Del("Content-Length")
	_, err = s.leave(c, http.NewResponseController(w), s.keeps(w, r, rest), rest)
	return err
}

// keeps reports whether the connection is for another request.
func (s *Stream) keeps(w http.ResponseWriter, r *http.Request, rest bool) bool {
	return !rest && !r.Close && !slices.Contains(w.Header().Values("Connection"), "close")
}

// leave takes a response out of the HTTP server; it reports false if the writer is one
// that none leaves.
func (s *Stream) leave(c *iouring.Conn, rc *http.ResponseController, keep, rest bool) (left bool, err error) {
	conn, rw, err := rc.Hijack()
	if errors.Is(err, errors.ErrUnsupported) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if around, ok := conn.(carrier); conn != c && !(ok && around.Carries(c)) {
		_ = conn.Close()
		return false, errors.New("fanout: the request's connection is wrapped: it must be hijacked as it was accepted")
	}
	var ahead []byte // of its own, or none: an idle stream holds no buffer of the server's
	if n := rw.Reader.Buffered(); n > 0 && !rest {
		b, _ := rw.Reader.Peek(n)
		ahead = bytes.Clone(b)
	}
	return true, s.lend(c, ahead, keep, rest)
}

// lend has the ring watch the connection; ahead is what the server had read of
// the next request, rest that it is still the body of this one.
func (s *Stream) lend(c *iouring.Conn, ahead []byte, keep, rest bool) error {
	_ = c.SetDeadline(time.Time{}) // of the header
	loan, err := c.Lend(s.fan.lane.ring, s, ahead)
	if err != nil {
		_ = c.Close() // it is out of the HTTP server's hands
		return err
	}
	s.send.Owner = s
	s.conn, s.loan, s.fd = c, loan, loan.Fd()
	s.ring, s.keep, s.rest, s.digits = s.fan.lane.ring, keep, rest, 2
	loan.Receive(rest) // last: the peer's end ends the stream
	return nil
}

// sendOnRing sends what is pending, on the ring's thread.
func (s *Stream) sendOnRing(r *ring.Ring) {
	s.mu.Lock()
	begin, finished := s.beginSend()
	s.mu.Unlock()
	switch {
	case finished:
		s.end(r, nil, false)
	case begin && r.Closing():
		s.notSent(r, syscall.ECANCELED)
	case begin && !s.conn.Acquire():
		s.notSent(r, syscall.ECONNRESET)
	case begin:
		r.Restart(&s.send)
	}
}

// OnRing implements ring.Task: it sends for a stream that was marked. dirty falls
// first: what is committed from here on is seen, or marks again.
func (s *Stream) OnRing(r *ring.Ring) {
	s.mu.Lock()
	s.dirty = false
	s.mu.Unlock()
	s.sendOnRing(r)
}

// beginSend swaps the buffers if there is something to send and nothing in
// flight; finished says that all was sent and Close was called. mu is held.
func (s *Stream) beginSend() (begin, finished bool) {
	if s.ended || s.inflight {
		return false, false
	}
	if s.sent == len(s.sending) {
		if len(s.pending) == 0 {
			s.settle()
			return false, s.complete()
		}
		s.sending, s.pending, s.sent = s.pending, s.sending[:0], 0
	}
	s.inflight = true
	return true, false
}

// settle leaves a stream that has caught up without a buffer. mu is held.
func (s *Stream) settle() {
	s.fan.spares.give(s.sending)
	s.fan.spares.give(s.pending) // none while it is out
	s.sending, s.pending, s.sent = nil, nil, 0
}

// Prepare implements ring.Owner.
func (s *Stream) Prepare(_ *ring.Op, e *sys.SQE) {
	rest := s.sending[s.sent:]
	e.Send(s.fd, unsafe.Pointer(&rest[0]), len(rest), unix.MSG_NOSIGNAL)
}

// Complete implements ring.Owner.
func (s *Stream) Complete(r *ring.Ring, _ *ring.Op, res int32, _ uint32, _ bool) {
	s.conn.Release()
	s.mu.Lock()
	s.inflight = false // with what was sent, under one lock: sendDirect goes by both
	switch errno := syscall.Errno(-res); {
	case res > 0:
		if s.sent += int(res); s.sent < len(s.sending) {
			r.CountShortSend()
		}
	case passes(errno):
	default:
		s.mu.Unlock()
		s.sendFailed(r, errno)
		return
	}
	ready := s.took(int(max(res, 0)))
	s.mu.Unlock()
	s.sendOnRing(r)
	if ready {
		s.tell()
	}
}

// passes reports whether a send that failed so is to be tried again.
func passes(errno syscall.Errno) bool {
	return errno == unix.EINTR || errno == unix.EAGAIN || errno == unix.ENOBUFS
}

// notSent takes beginSend back, and ends the stream.
func (s *Stream) notSent(r *ring.Ring, errno syscall.Errno) {
	s.mu.Lock()
	s.inflight = false
	s.mu.Unlock()
	s.sendFailed(r, errno)
}

// sendFailed ends a stream. It leaves inflight alone: when a write on the
// caller's thread has failed, the ring may have begun to send meanwhile.
func (s *Stream) sendFailed(r *ring.Ring, errno syscall.Errno) {
	switch broken := s.ring.Broken(); {
	case broken != nil:
		s.end(r, broken, false)
	case errno == unix.EPIPE, errno == unix.ECONNRESET:
		s.end(r, ErrPeerGone, false)
	default:
		s.end(r, os.NewSyscallError("send", errno), false)
	}
}

// letGo is a good end: the kernel has all bytes, and nothing of the connection is
// the stream's any more. On the ring's thread; the ordinary path has none.
func (s *Stream) letGo(r *ring.Ring) {
	switch {
	case s.loan == nil:
	case s.keep:
		s.loan.GiveBack(r)
	case s.rest:
		s.loan.Linger(r)
	default:
		s.loan.Close(r)
	}
}

// PeerEnded implements iouring.Borrower. A client that has the whole response may
// go before the ring's thread comes to finish it; its next request may be there.
func (s *Stream) PeerEnded(r *ring.Ring) {
	s.mu.Lock()
	whole := s.complete() && s.buffered() == 0
	s.mu.Unlock() // what is complete stays so
	switch broken := r.Broken(); {
	case whole:
		s.end(r, nil, false)
	case broken != nil:
		s.end(r, broken, false) // the client may well be there
	case len(s.probe) > 0 && s.loan.HalfClosed():
		go s.doubt()
	default:
		s.end(r, ErrPeerGone, false)
	}
}

// sendDirect sends what is pending with one system call on the caller's thread
// and leaves to the ring what the socket does not take.
func (s *Stream) sendDirect() {
	s.mu.Lock()
	s.dirty = false // under the lock that pending is read under, or a Commit gets lost
	if s.ended || s.inflight || s.sent < len(s.sending) {
		s.mu.Unlock()
		return
	}
	if !s.conn.Acquire() { // closed by who knew it, and the ring may have nothing to tell
		s.mu.Unlock()
		s.sendFailed(nil, unix.ECONNRESET)
		return
	}
	n := 0
	if len(s.pending) > 0 {
		var err error
		n, err = s.ring.Write(s.fd, s.pending)
		n = max(n, 0)
		if errno, _ := err.(syscall.Errno); errno != 0 && !passes(errno) {
			s.mu.Unlock()
			s.conn.Release()
			s.sendFailed(nil, errno)
			return
		}
	}
	s.conn.Release()
	rest := n < len(s.pending)
	if rest {
		s.sending, s.pending, s.sent = s.pending, s.sending[:0], n
	} else {
		s.settle()
	}
	ready := s.took(n)
	toRing := rest || s.complete()
	if toRing {
		s.dirty = true // stands for the task until it runs
	}
	s.mu.Unlock()
	if toRing {
		_ = s.ring.Post(s)
	}
	if ready {
		s.tell()
	}
}
