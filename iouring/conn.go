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
// Where package net serves (see Listen), a Conn passes everything on to a
// connection of that package.
type Conn struct {
	descriptor
	in, out half
	poller  *poller
	token   pollToken

	network       string
	listener      *Listener // nil for a dialed connection
	local, remote atomic.Pointer[net.Addr]

	mode    sync.Mutex             // held while the next two change, and to close
	ringIO  atomic.Pointer[ringIO] // a ring's thread receives; nil: poller watches
	linger0 bool                   // Close is to reset: no FIN

	returned atomic.Bool // waits in the listener for its next request
	unread   []byte      // arrived before what Read gets from the kernel; guarded by in.turn
	inner    net.Conn
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if c.inner != nil {
		return c.inner.Read(p)
	}
	c.in.turn.Lock()
	defer c.in.turn.Unlock()
	n, err := c.read(p)
	if err != nil && err != io.EOF {
		err = c.opError("read", err)
	}
	return n, err
}

func (c *Conn) read(p []byte) (int, error) {
	if len(p) == 0 || len(c.unread) > 0 {
		if err := c.in.failed(); err != nil {
			return 0, err
		}
		n := copy(p, c.unread)
		if c.unread = c.unread[n:]; len(c.unread) == 0 {
			c.unread = nil
		}
		return n, nil
	}
	if x := c.ringIO.Load(); x != nil {
		return x.read(p)
	}
	err := c.in.await()
	for err == nil {
		if !c.acquire() {
			return 0, net.ErrClosed
		}
		n, errno := unix.Read(c.fd, p)
		c.release()
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			err = c.in.awaitEdge()
		case errno != nil:
			c.in.setReady(false)
			return 0, os.NewSyscallError("read", errno)
		case n == 0:
			c.in.setReady(true) // the end stays
			return 0, io.EOF
		default:
			if n == len(p) {
				c.in.setReady(false) // there may be more, and no edge for it
			}
			return n, nil
		}
	}
	return 0, err
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
			if err := c.awaitWritable(); err != nil {
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

func (c *Conn) awaitWritable() error {
	if x := c.ringIO.Load(); x != nil {
		return x.awaitWritable()
	}
	return c.out.await()
}

// readiness implements pollTarget.
func (c *Conn) readiness(events uint32) {
	hup := events&hupEvents != 0
	if hup || events&(unix.EPOLLIN|unix.EPOLLPRI) != 0 {
		c.in.setReady(hup || events&unix.EPOLLPRI != 0)
		c.begin()
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.out.setReady(false)
	}
}

// Close implements net.Conn. Blocked calls fail with net.ErrClosed. When it
// returns, FIN is on its way: nothing of ours holds the file.
func (c *Conn) Close() error {
	if c.inner != nil {
		return c.inner.Close()
	}
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
	x := c.ringIO.Load()
	if x == nil {
		c.poller.remove(c.fd, c.token)
	} else if !c.linger0 {
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	}
	c.mode.Unlock()
	if x == nil {
		c.release()
	}
	c.in.close()
	c.out.close()
	if x != nil {
		x.callOff(r)
		c.release()
	}
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
	}); ok {
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
	if c.inner != nil {
		return c.inner.SetDeadline(t)
	}
	err := c.in.setDeadline(t)
	if err == nil {
		err = c.out.setDeadline(t)
	}
	return c.deadlineError(err)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.inner != nil {
		return c.inner.SetReadDeadline(t)
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
