package iouring

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts stream connections. It is safe for any number of goroutines.
type Listener struct {
	descriptor
	config  config
	in      half
	poller  *poller
	token   pollToken
	network string
	addr    net.Addr
	path    string // socket file to unlink
	inner   net.Listener

	returned returnedConns
	ring     *ring // with ReceiveMultishot: accepts, and receives for the connections
	accepts  op
	armed    bool // guarded by returned.mu, as are the next two: the kernel has it
	want     bool // it is to go on
	failed   error
}

// Listen announces on address like net.Listen, for the networks tcp, tcp4,
// tcp6 and unix. What it accepts is a *Conn.
//
// Where io_uring is absent, forbidden or switched off, or where an option or
// WEIR_IO=net asks for it, package net does the work behind the same types, and
// one log line a process says so. With BackendURing that is an error instead.
func Listen(network, address string, opts ...Option) (net.Listener, error) {
	return ListenContext(context.Background(), network, address, opts...)
}

// ListenContext is Listen with a context for resolving the address.
func ListenContext(ctx context.Context, network, address string, opts ...Option) (net.Listener, error) {
	if !streamNetwork(network) {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	cfg := newConfig(opts)
	ch, err := cfg.choose(sharedProbe)
	if err != nil {
		return nil, err
	}
	lc := net.ListenConfig{KeepAliveConfig: cfg.keepAlive, KeepAlive: -1}
	if !ch.uring {
		lc.KeepAlive = 0
	}
	inner, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l := &Listener{config: cfg, network: network, addr: inner.Addr()}
	l.returned.idle = map[*Conn]*time.Timer{}
	l.in.init(true)
	if !ch.uring {
		logFallback(cfg.logger, ch)
		l.inner = inner
		return l, nil
	}
	if err := l.adopt(inner); err != nil {
		return nil, fmt.Errorf("iouring: listen on %s: %w", address, err)
	}
	return l, nil
}

func streamNetwork(network string) bool {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
		return true
	}
	return false
}

// adopt takes the socket out of package net's hands: that one knows addresses,
// this one accepts.
func (l *Listener) adopt(inner net.Listener) error {
	if u, ok := inner.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
		if a := u.Addr().(*net.UnixAddr); a.Name != "" && a.Name[0] != '@' {
			l.path = a.Name
		}
	}
	fd, err := takeDescriptor(inner.(syscall.Conn))
	_ = inner.Close()
	if err == nil {
		l.init(fd)
		err = l.watch()
	}
	if err != nil && l.path != "" {
		_ = os.Remove(l.path)
	}
	return err
}

func (l *Listener) watch() error {
	// Accepted sockets inherit these on Linux: five system calls saved each.
	if l.network != "unix" {
		if err := setStreamOptions(l.fd, l.config.keepAlive); err != nil {
			_ = unix.Close(l.fd)
			return err
		}
	}
	var err error
	if l.config.receive == ReceiveMultishot {
		l.accepts.owner = l
		if l.ring, err = sharedRing(); err == nil {
			err = l.resumeAccept()
		}
	} else if l.poller, err = sharedPoller(); err == nil {
		l.token, err = l.poller.add(l.fd, l)
	}
	if err != nil {
		_ = unix.Close(l.fd)
	}
	return err
}

// takeDescriptor duplicates the descriptor of a connection or listener of
// package net, which the caller then closes.
func takeDescriptor(c syscall.Conn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return -1, err
	}
	return fd, os.NewSyscallError("fcntl", dupErr)
}

// Accept implements net.Listener. Connections come from the kernel and, with
// the next request begun, from finished streams.
func (l *Listener) Accept() (net.Conn, error) {
	if l.inner != nil {
		c, err := l.inner.Accept()
		if err != nil {
			return nil, err
		}
		return &Conn{inner: c, network: l.network, listener: l}, nil
	}
	l.in.turn.Lock()
	defer l.in.turn.Unlock()
	err := l.in.check()
	for err == nil {
		if c := l.dequeue(); c != nil {
			return c, nil
		}
		var c *Conn
		if c, err = l.accept(); c != nil {
			return c, nil
		}
		if err == unix.EAGAIN {
			err = l.in.awaitEdge()
		}
	}
	if errors.Is(err, os.ErrClosed) {
		err = net.ErrClosed
	}
	return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.addr, Err: err}
}

// accept takes one connection from the kernel; EAGAIN if there is none.
func (l *Listener) accept() (*Conn, error) {
	if l.ring != nil {
		if err := l.resumeAccept(); err != nil {
			return nil, err
		}
		return nil, unix.EAGAIN
	}
	for {
		if !l.acquire() {
			return nil, net.ErrClosed
		}
		fd, sa, err := unix.Accept4(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		l.release()
		switch err {
		case nil:
			c, err := newConn(fd, l.network, l)
			if err != nil {
				return nil, err
			}
			remote := netAddress(l.network, sa)
			c.remote.Store(&remote)
			return c, nil
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EAGAIN:
			return nil, unix.EAGAIN
		default:
			return nil, os.NewSyscallError("accept4", err)
		}
	}
}

func newConn(fd int, network string, l *Listener) (*Conn, error) {
	p, err := sharedPoller()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	c := &Conn{network: network, listener: l, poller: p}
	c.init(fd)
	c.in.init(network == "unix") // a short read there does not mean the end
	c.out.init(false)
	if c.token, err = p.add(fd, c); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return c, nil
}

// readiness implements pollTarget.
func (l *Listener) readiness(uint32) { l.in.setReady(false) }

// Close implements net.Listener: Accept fails with net.ErrClosed, connections
// that wait for their next request are closed, the others live on.
func (l *Listener) Close() error {
	if l.inner != nil {
		return l.inner.Close()
	}
	if !l.seal() {
		return &net.OpError{Op: "close", Net: l.network, Addr: l.addr, Err: net.ErrClosed}
	}
	if l.ring == nil {
		l.poller.remove(l.fd, l.token)
	} else {
		_ = unix.Shutdown(l.fd, unix.SHUT_RDWR) // refuses at once, whatever the kernel still holds
	}
	l.release()
	if l.path != "" {
		_ = os.Remove(l.path)
	}
	l.in.close()
	l.closeReturned()
	if l.ring != nil {
		_ = l.ring.cancel(&l.accepts)
	}
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }

// SetDeadline makes Accept fail with os.ErrDeadlineExceeded from t on; the zero
// time means never.
func (l *Listener) SetDeadline(t time.Time) error {
	if d, ok := l.inner.(interface{ SetDeadline(time.Time) error }); ok {
		return d.SetDeadline(t)
	}
	return l.in.setDeadline(t)
}
