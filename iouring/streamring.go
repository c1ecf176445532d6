package iouring

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// openRing attaches the stream to a connection that has left the HTTP server.
// pipelined is what the server had read of the next request.
func (s *Stream) openRing(c *Conn, pipelined []byte, keep bool) error {
	s.conn, s.keep = c, keep && c.listener != nil
	x, err := c.attach(s.fan.lane.ring, s)
	if err != nil {
		_ = c.Close() // it is out of the HTTP server's hands
		return err
	}
	s.ring = x.ring
	c.unread = append(pipelined, c.unread...)
	x.arm()
	return nil
}

// attachable reports whether a ring can take the connection over: it is ours to
// close, and a socket.
func (c *Conn) attachable() bool {
	_, socket := c.inner.(syscall.Conn)
	return c.inner == nil || socket
}

// attach puts the connection into a ring's care for a stream: the peer's end is
// noticed without a goroutine, and what it pipelines is kept.
func (c *Conn) attach(r *ring, s *Stream) (*ringIO, error) {
	c.mode.Lock()
	defer c.mode.Unlock()
	if !c.acquire() {
		return nil, ErrPeerGone
	}
	defer c.release()
	x := c.ringIO.Load()
	if x == nil {
		if err := c.borrowDescriptor(); err != nil {
			return nil, err
		}
		x = newRingIO(c, r)
		x.borrowed = true
		c.ringIO.Store(x)
	}
	c.in.mu.Lock()
	x.stream, x.ended = s, false
	c.in.mu.Unlock()
	return x, nil
}

// borrowDescriptor learns the number of package net's descriptor. It stays
// valid: only shut closes the connection, and not before the last request.
func (c *Conn) borrowDescriptor() error {
	raw, err := c.inner.(syscall.Conn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { c.fd = int(fd) })
	}
	return err
}

// releaseStream ends a stream's hold on the connection, which goes on receiving.
func (x *ringIO) releaseStream() {
	x.conn.in.mu.Lock()
	x.stream = nil
	x.conn.in.mu.Unlock()
}

// unborrow ends a ring's care for a connection of package net's; then runs on
// the ring's thread when the connection may be read again, with what has
// arrived in unread. The ring's thread calls it.
func (x *ringIO) unborrow(r *ring, then func(r *ring)) {
	c := x.conn
	off := func(r *ring) {
		c.in.mu.Lock()
		c.unread, x.data = append(c.unread, x.data...), nil
		c.begun = true
		c.in.mu.Unlock()
		c.mode.Lock()
		c.ringIO.Store(nil)
		c.mode.Unlock()
		x.leave()
		then(r)
	}
	c.in.mu.Lock()
	x.want = false
	armed := x.armed
	if armed {
		x.onOff = off
	}
	c.in.mu.Unlock()
	if armed {
		r.cancelNow(&x.recv)
		return
	}
	off(r)
}

// sendOnRing sends what is pending, on the ring's thread.
func (s *Stream) sendOnRing(r *ring) {
	s.mu.Lock()
	begin, finished := s.beginSend()
	s.mu.Unlock()
	switch {
	case finished:
		s.finish(r)
	case begin && r.closing.Load():
		s.sendFailed(r, syscall.ECANCELED)
	case begin && !s.conn.acquire():
		s.sendFailed(r, syscall.ECONNRESET)
	case begin:
		r.restart(&s.send)
	}
}

// takeDirty is sendOnRing for a stream that was marked.
func (s *Stream) takeDirty(r *ring) {
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
			s.rest()
			return false, s.finishing
		}
		s.sending, s.pending, s.sent = s.pending, s.sending[:0], 0
	}
	s.inflight = true
	return true, false
}

// rest leaves a stream that has caught up with one buffer: the second is for
// frames that come while the first is on its way. mu is held.
func (s *Stream) rest() {
	done := s.fan.spares.kept(s.sending)
	s.sending, s.sent = nil, 0
	if cap(s.pending) == 0 {
		s.pending = done
		return
	}
	s.fan.spares.give(done)
	s.pending = s.fan.spares.kept(s.pending)
}

// prepare implements opOwner.
func (s *Stream) prepare(_ *op, e *sys.SQE) {
	rest := s.sending[s.sent:]
	e.Send(s.conn.fd, unsafe.Pointer(&rest[0]), len(rest), unix.MSG_NOSIGNAL)
}

// complete implements opOwner.
func (s *Stream) complete(r *ring, _ *op, res int32, _ uint32, _ bool) {
	s.conn.release()
	s.mu.Lock()
	s.inflight = false
	switch errno := syscall.Errno(-res); {
	case res > 0:
		if s.sent += int(res); s.sent < len(s.sending) {
			r.stats.shortSends.Add(1)
		}
	case errno == unix.EINTR, errno == unix.EAGAIN, errno == unix.ENOBUFS:
	default:
		s.mu.Unlock()
		s.sendFailed(r, errno)
		return
	}
	ready := s.took(int(max(res, 0)))
	s.mu.Unlock()
	s.sendOnRing(r)
	if ready {
		s.fan.config.OnReady(s)
	}
}

func (s *Stream) sendFailed(r *ring, errno syscall.Errno) {
	s.mu.Lock()
	s.inflight = false
	s.mu.Unlock()
	switch errno {
	case unix.EPIPE, unix.ECONNRESET:
		s.end(r, ErrPeerGone)
	default:
		s.end(r, os.NewSyscallError("send", errno))
	}
}

// finish ends a stream all of whose bytes the kernel has.
func (s *Stream) finish(r *ring) {
	if s.keep {
		s.conn.ringIO.Load().releaseStream()
		s.conn.listener.giveBack(r, s.conn)
	} else {
		s.conn.shut(r)
	}
	s.end(r, nil)
}

// peerEnded is told once, on the ring's thread, that the peer has ended the
// connection or broken it.
func (s *Stream) peerEnded(r *ring) { s.end(r, ErrPeerGone) }

// breakOff closes the connection under a stream that ended badly.
func (s *Stream) breakOff(r *ring, inflight bool) {
	switch {
	case s.conn != nil:
		s.conn.shut(r)
		if !inflight {
			return
		}
		if r != nil {
			r.cancelNow(&s.send)
			return
		}
		_ = s.ring.cancel(&s.send)
	case s.foreign != nil:
		_ = s.foreign.Close()
	}
}

// sendDirect sends what is pending with one system call on the caller's thread
// and leaves to the ring what the socket does not take.
func (s *Stream) sendDirect() {
	s.mu.Lock()
	s.dirty = false
	if s.ended || s.inflight || s.sent < len(s.sending) || !s.conn.acquire() {
		s.mu.Unlock()
		return
	}
	n := 0
	if len(s.pending) > 0 {
		var err error
		n, err = s.ring.k.write(s.conn.fd, s.pending)
		n = max(n, 0)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			s.mu.Unlock()
			s.conn.release()
			s.sendFailed(nil, err.(syscall.Errno))
			return
		}
	}
	s.conn.release()
	rest := n < len(s.pending)
	if rest {
		s.sending, s.pending, s.sent = s.pending, s.sending[:0], n
	} else {
		s.pending = s.fan.spares.kept(s.pending)
	}
	ready := s.took(n)
	toRing := rest || s.finishing
	if toRing {
		s.dirty = true
	}
	s.mu.Unlock()
	if toRing {
		_ = s.ring.post((*streamTask)(s))
	}
	if ready {
		s.fan.config.OnReady(s)
	}
}

// streamTask is a stream seen as the task of sending what it has.
type streamTask Stream

func (s *streamTask) onRing(r *ring) { (*Stream)(s).takeDirty(r) }
