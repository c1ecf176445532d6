package fanout

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// errWouldBlock is what the simulated package net returns where the real one
// would wait: the simulation has one goroutine.
var errWouldBlock = errors.New("would block")

// simConn is a connection of package net on a simulated socket. It refuses what
// the real one would not survive: a reader beside the ring's receive, a
// descriptor closed under a request.
type simConn struct {
	k     *simKernel
	fd    int32
	rng   *rand.Rand
	wrong func(format string, args ...any)
	lent  func() // what happens elsewhere while the connection is lent, or taken back
}

func (c *simConn) socket() *simSocket { return c.k.sockets[c.fd] }

func (c *simConn) Read(p []byte) (int, error) {
	s := c.socket()
	if c.k.holds(c.fd, sys.OpRecv) {
		c.wrong("descriptor %d is read beside the ring's receive", c.fd)
	}
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case s.reset:
		return 0, syscall.ECONNRESET
	case len(s.arriving) > 0:
		n := copy(p, s.arriving[:1+c.rng.Intn(len(s.arriving))])
		s.arriving = s.arriving[n:]
		return n, nil
	case s.eof:
		return 0, io.EOF
	}
	return 0, errWouldBlock
}

func (c *simConn) Write(p []byte) (int, error) { return c.k.Write(int(c.fd), p) }

func (c *simConn) Close() error {
	c.k.timers.Lock()
	defer c.k.timers.Unlock()
	s := c.socket()
	if s.closed {
		c.wrong("descriptor %d is closed twice", c.fd)
	}
	if c.k.holds(c.fd, sys.OpRecv) || c.k.holds(c.fd, sys.OpSend) {
		c.wrong("descriptor %d is closed under a request", c.fd)
	}
	s.closed, s.fin = true, true
	return nil
}

func (c *simConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *simConn) RemoteAddr() net.Addr             { return &net.TCPAddr{Port: int(c.fd)} }
func (c *simConn) SetDeadline(time.Time) error      { return nil }
func (c *simConn) SetReadDeadline(time.Time) error  { c.lent(); return nil }
func (c *simConn) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn implements syscall.Conn: it lends the descriptor's number.
func (c *simConn) SyscallConn() (syscall.RawConn, error) { return simRaw{c}, nil }

type simRaw struct{ c *simConn }

func (r simRaw) Control(f func(fd uintptr)) error {
	if r.c.socket().closed {
		return net.ErrClosed
	}
	f(uintptr(r.c.fd))
	return nil
}

func (r simRaw) Read(func(uintptr) bool) error  { return unix.EOPNOTSUPP }
func (r simRaw) Write(func(uintptr) bool) error { return unix.EOPNOTSUPP }

// simListener is a listener of package net. during is what happens elsewhere
// while somebody is on his way into Accept.
type simListener struct {
	incoming []net.Conn
	deadline time.Time
	closed   bool
	during   func()
}

// returns reports whether a blocked Accept would return: a deadline in the past
// wakes it, and comes before a connection, as in package net.
func (l *simListener) returns() bool { return l.closed || l.expired() || len(l.incoming) > 0 }

func (l *simListener) expired() bool {
	return !l.deadline.IsZero() && l.deadline.Before(time.Now())
}

func (l *simListener) Accept() (net.Conn, error) {
	l.during()
	switch {
	case l.closed:
		return nil, net.ErrClosed
	case l.expired():
		return nil, fmt.Errorf("accept: %w", os.ErrDeadlineExceeded)
	case len(l.incoming) == 0:
		return nil, errWouldBlock
	}
	c := l.incoming[0]
	l.incoming = l.incoming[1:]
	return c, nil
}

func (l *simListener) Close() error                  { l.closed = true; return nil }
func (l *simListener) Addr() net.Addr                { return &net.TCPAddr{} }
func (l *simListener) SetDeadline(t time.Time) error { l.deadline = t; return nil }

// simWriter is what net/http gives a handler for a request on a simulated
// connection: a header that goes nowhere, and the hijack.
type simWriter struct {
	header http.Header
	conn   net.Conn
	ahead  []byte // read from the connection, of the next request
}

func (w *simWriter) Header() http.Header         { return w.header }
func (w *simWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *simWriter) WriteHeader(int)             {}
func (w *simWriter) FlushError() error           { return nil }

func (w *simWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r := bufio.NewReader(bytes.NewReader(w.ahead))
	_, _ = r.Peek(len(w.ahead)) // as the server has them in its buffer
	return w.conn, bufio.NewReadWriter(r, nil), nil
}
