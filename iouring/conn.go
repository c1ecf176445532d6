package iouring

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a stream connection, TCP or unix. It implements net.Conn with the
// meaning package net gives it: methods may be called by any number of
// goroutines at once, a deadline in the past wakes a blocked Read or Write at
// once, Close fails what is blocked with net.ErrClosed and sends FIN before it
// returns.
//
//	inner   ringIO  who receives                   who sends
//	set     nil     the caller, package net        the caller
//	set     set     a ring, for a stream or while  the stream, on the ring
//	                it waits for its next request
//	nil     set     a ring, for the connection's   the caller's thread; the ring
//	                life (ReceiveMultishot)        waits for room
//
// Only a stream's beginning and the return to the listener move between the
// first two, when nobody reads or writes.
type Conn struct {
	descriptor
	in, out half // used while ringIO is set

	network       string
	listener      *Listener // nil for a dialed connection
	local, remote atomic.Pointer[net.Addr]

	mode    sync.Mutex             // held while ringIO and linger0 change, and to close
	ringIO  atomic.Pointer[ringIO] // a ring's thread receives
	linger0 bool                   // Close is to reset: no FIN

	begun  bool   // unread may hold something; set before the reader has the connection
	unread []byte // arrived before what Read gets from the kernel; guarded by in.turn
	inner  net.Conn
}

// newNetConn wraps a connection of package net.
func newNetConn(inner net.Conn, network string, l *Listener) *Conn {
	c := &Conn{inner: inner, network: network, listener: l}
	c.file = inner
	c.init(-1)
	c.in.init()
	c.out.init()
	return c
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if c.inner != nil && !c.begun {
		return c.inner.Read(p)
	}
	c.in.turn.Lock()
	if c.inner != nil && len(c.unread) == 0 {
		c.in.turn.Unlock()
		return c.inner.Read(p)
	}
	defer c.in.turn.Unlock()
	n, err := c.read(p)
	if err != nil && err != io.EOF {
		err = c.opError("read", err)
	}
	return n, err
}

// read gives what arrived early, then what the ring receives; in.turn is held.
func (c *Conn) read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		return c.ringIO.Load().read(p)
	}
	if err := c.in.failed(); err != nil {
		return 0, err
	}
	n := copy(p, c.unread)
	if c.unread = c.unread[n:]; len(c.unread) == 0 {
		c.unread = nil
	}
	return n, nil
}

// Write implements net.Conn. It goes to the kernel on the caller's own thread
// and waits only if the socket's buffer is full.
func (c *Conn) Write(p []byte) (int, error) {
	if c.inner != nil {
		return c.inner.Write(p)
	}
	c.out.turn.Lock()
	defer c.out.turn.Unlock()
	n, err := c.write(p)
	if err != nil {
		err = c.opError("write", err)
	}
	return n, err
}

// writeLimitBytes is the most one write asks for, as in package net: some
// systems fail above 1 GB.
const writeLimitBytes = 1 << 30

func (c *Conn) write(p []byte) (int, error) {
	done := 0
	for {
		if err := c.out.check(); err != nil {
			return done, err
		}
		if done == len(p) {
			return done, nil
		}
		if !c.acquire() {
			return done, net.ErrClosed
		}
		n, errno := unix.Write(c.fd, p[done:min(len(p), done+writeLimitBytes)])
		c.release()
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			if err := c.ringIO.Load().awaitWritable(); err != nil {
				return done, err
			}
		case errno != nil:
			return done, os.NewSyscallError("write", errno)
		case n == 0:
			return done, io.ErrUnexpectedEOF
		default:
			if done += n; done == len(p) {
				return done, nil
			}
		}
	}
}

// Close implements net.Conn. Blocked calls fail with net.ErrClosed. When it
// returns, FIN is on its way.
func (c *Conn) Close() error {
	if !c.shut(nil) {
		return c.opError("close", net.ErrClosed)
	}
	return nil
}

// shut closes the connection once and reports whether this call did; r is the
// connection's ring if its thread is the caller, else nil.
//
// A request in the kernel holds the file, so close(2) alone would send FIN only
// when the request is gone. Hence shutdown(2) first, which sends it at once;
// the file goes with the last completion.
func (c *Conn) shut(r *ring) bool {
	c.mode.Lock()
	if !c.seal() {
		c.mode.Unlock()
		return false
	}
	c.in.close() // first, so that nobody takes the shutdown for the peer's end
	c.out.close()
	x := c.ringIO.Load()
	if x != nil && !c.linger0 {
		x.ring.k.shutdown(c.fd)
	}
	c.mode.Unlock()
	if x != nil {
		x.callOff(r)
	}
	c.release()
	return true
}

// CloseRead shuts down the reading side (shutdown(2)).
func (c *Conn) CloseRead() error { return c.shutdown(unix.SHUT_RD) }

// CloseWrite shuts down the writing side: the peer reads io.EOF after all that
// was written, and can still send.
func (c *Conn) CloseWrite() error { return c.shutdown(unix.SHUT_WR) }

func (c *Conn) shutdown(how int) error {
	if h, ok := c.inner.(interface {
		CloseRead() error
		CloseWrite() error
	}); ok && c.ringIO.Load() == nil {
		if how == unix.SHUT_RD {
			return h.CloseRead()
		}
		return h.CloseWrite()
	}
	return c.control("shutdown", func(fd int) error { return unix.Shutdown(fd, how) })
}

// control runs f on the open descriptor.
func (c *Conn) control(op string, f func(fd int) error) error {
	if c.inner != nil {
		return c.opError(op, syscall.EOPNOTSUPP)
	}
	if !c.acquire() {
		return c.opError(op, net.ErrClosed)
	}
	err := f(c.fd)
	c.release()
	if err != nil {
		return c.opError(op, os.NewSyscallError(op, err))
	}
	return nil
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.inner != nil {
		if !c.begun {
			return c.inner.SetReadDeadline(t)
		}
		if err := c.inner.SetReadDeadline(t); err != nil {
			return err
		}
	}
	return c.deadlineError(c.in.setDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.inner != nil {
		return c.inner.SetWriteDeadline(t)
	}
	return c.deadlineError(c.out.setDeadline(t))
}

func (c *Conn) deadlineError(err error) error {
	if err != nil {
		return c.opError("set", err)
	}
	return nil
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.network, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
