package iouring

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/weirgo/weir/iouring/internal/ring"
)

// Conn is a stream connection, TCP or unix, that a [Listener] has accepted. It
// implements net.Conn through package net, on whose netpoller its readers and
// writers wait.
//
// While it is lent (see [Conn.Lend]) nobody may read or write it; the ring
// notices the peer's end and keeps what the peer sends. Close works at any time
// and sends FIN before it returns. After it everything fails with net.ErrClosed,
// another Close too; on the zero Conn, with syscall.EINVAL.
type Conn struct {
	descriptor
	listener *Listener

	mode sync.Mutex // held while loan changes, and to close
	loan *Loan      // guarded by mode; nil: package net's

	begun    bool       // was lent once: unread may hold something; set before a reader has it
	reading  sync.Mutex // guards the next two
	unread   []byte     // arrived while lent: comes before what the kernel has
	deadline time.Time  // of Read, for unread
}

func newConn(inner net.Conn, l *Listener) *Conn {
	c := &Conn{listener: l}
	c.inner = inner
	c.refs.Store(1)
	return c
}

// check is why nothing can be done with the connection, nil while something can.
// What the ring still holds of a closed one is open to package net.
func (c *Conn) check(op string) error {
	switch {
	case c == nil || c.inner == nil:
		return syscall.EINVAL
	case c.refs.Load()&closedBit != 0:
		return c.opError(op, net.ErrClosed)
	}
	return nil
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.check("read"); err != nil {
		return 0, err
	}
	if !c.begun {
		return c.read(p)
	}
	c.reading.Lock()
	if len(c.unread) == 0 {
		c.reading.Unlock() // not held while waiting: SetReadDeadline takes it
		return c.read(p)
	}
	defer c.reading.Unlock()
	switch {
	case c.refs.Load()&closedBit != 0:
		return 0, c.opError("read", net.ErrClosed)
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return 0, c.opError("read", os.ErrDeadlineExceeded)
	}
	n := copy(p, c.unread)
	if c.unread = c.unread[n:]; len(c.unread) == 0 {
		c.unread = nil // an idle connection holds no buffer
	}
	return n, nil
}

// read is package net's.
func (c *Conn) read(p []byte) (int, error) {
	n, err := c.inner.Read(p)
	if err != nil && c.check("read") != nil { // what shutdown(2) says for us
		err = c.check("read")
	}
	return n, err
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.check("write"); err != nil {
		return 0, err
	}
	n, err := c.inner.Write(p)
	if err != nil && c.check("write") != nil {
		err = c.check("write")
	}
	return n, err
}

// Close implements net.Conn. Blocked calls fail with net.ErrClosed. When it
// returns, FIN is on its way.
func (c *Conn) Close() error {
	if err := c.check("close"); err != nil {
		return err
	}
	if !c.shut(nil) {
		return c.opError("close", net.ErrClosed)
	}
	return nil
}

// shut closes the connection once and reports whether this call did; r is the
// ring that has it if its thread is the caller, else nil.
//
// A request in the kernel holds the file, so close(2) alone would send FIN only
// when the request is gone. Hence shutdown(2) first, which sends it at once;
// the file goes with the last completion.
func (c *Conn) shut(r *ring.Ring) bool {
	c.mode.Lock() // no loan begins or ends between the seal and the shutdown
	if !c.seal() {
		c.mode.Unlock()
		return false
	}
	l := c.loan
	if l != nil {
		l.ring.Shutdown(c.fd)
	}
	c.mode.Unlock()
	if l != nil {
		l.callOff(r)
	}
	c.Release()
	return true
}

type halfCloser interface {
	CloseRead() error
	CloseWrite() error
}

// CloseRead shuts down the reading side (shutdown(2)).
func (c *Conn) CloseRead() error {
	if err := c.check("close"); err != nil {
		return err
	}
	if h, ok := c.inner.(halfCloser); ok {
		return h.CloseRead()
	}
	return c.opError("shutdown", syscall.EOPNOTSUPP)
}

// CloseWrite shuts down the writing side: the peer reads io.EOF after all that
// was written, and can still send.
func (c *Conn) CloseWrite() error {
	if err := c.check("close"); err != nil {
		return err
	}
	if h, ok := c.inner.(halfCloser); ok {
		return h.CloseWrite()
	}
	return c.opError("shutdown", syscall.EOPNOTSUPP)
}

// SetLinger sets what Close does with what is not sent, as net.TCPConn does: with 0
// the peer sees a reset.
func (c *Conn) SetLinger(sec int) error {
	if err := c.check("set"); err != nil {
		return err
	}
	if l, ok := c.inner.(interface{ SetLinger(sec int) error }); ok {
		return l.SetLinger(sec)
	}
	return c.opError("set", syscall.EOPNOTSUPP)
}

// LocalAddr implements net.Conn; nil for the zero Conn.
func (c *Conn) LocalAddr() net.Addr {
	if c == nil || c.inner == nil {
		return nil
	}
	return c.inner.LocalAddr()
}

// RemoteAddr implements net.Conn; nil for the zero Conn.
func (c *Conn) RemoteAddr() net.Addr {
	if c == nil || c.inner == nil {
		return nil
	}
	return c.inner.RemoteAddr()
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
	if err := c.check("set"); err != nil {
		return err
	}
	c.reading.Lock()
	c.deadline = t
	c.reading.Unlock()
	return c.inner.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if err := c.check("set"); err != nil {
		return err
	}
	return c.inner.SetWriteDeadline(t)
}

// SyscallConn implements syscall.Conn, for socket options. Its Read sees nothing
// of what arrived while the connection was lent.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if err := c.check("raw-control"); err != nil {
		return nil, err
	}
	if s, ok := c.inner.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, c.opError("raw-control", syscall.EOPNOTSUPP)
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

type connKey struct{}

// ConnContext is for http.Server.ConnContext: it lets package fanout find the
// connection that a request came on. Other connections leave ctx as it is.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

// FromContext gives the connection that ConnContext put into ctx, nil if there
// is none: the request came over TLS, or from another listener.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}
