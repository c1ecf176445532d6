package iouring

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts stream connections. It is safe for any number of goroutines.
type Listener struct {
	config   config
	network  string
	addr     net.Addr
	uring    bool // io_uring is to be had, and wanted
	returned returnedConns

	inner    net.Listener // package net accepts; nil with ReceiveMultishot
	deadline sync.Mutex   // held while inner's deadline is moved
	until    time.Time    // the caller's deadline, guarded by deadline

	// With ReceiveMultishot a ring accepts, and receives for the connections.
	descriptor
	in      half
	path    string // socket file to unlink
	ring    *ring
	accepts op
	armed   bool // guarded by returned.mu, as are the next two: the kernel has it
	want    bool // it is to go on
	failed  error
}

type deadliner interface{ SetDeadline(time.Time) error }

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
	lc := net.ListenConfig{KeepAliveConfig: cfg.keepAlive}
	if ch.uring {
		// Accepted sockets inherit keep-alive from the listener's on Linux: that
		// saves four system calls a connection.
		lc.KeepAlive, lc.KeepAliveConfig = -1, net.KeepAliveConfig{}
		lc.Control = func(network, _ string, raw syscall.RawConn) error {
			return controlStream(network, raw, cfg.keepAlive)
		}
	}
	inner, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l := &Listener{config: cfg, network: network, addr: inner.Addr(), inner: inner, uring: ch.uring}
	l.returned.idle = map[*Conn]*time.Timer{}
	l.in.init()
	switch {
	case !ch.uring:
		logFallback(cfg.logger, ch)
	case cfg.receive == ReceiveMultishot:
		if err := l.adopt(); err != nil {
			return nil, fmt.Errorf("iouring: listen on %s: %w", address, err)
		}
	}
	return l, nil
}

// controlStream sets a listening socket's options before it is bound.
func controlStream(network string, raw syscall.RawConn, k net.KeepAliveConfig) error {
	if network == "unix" {
		return nil
	}
	var setErr error
	err := raw.Control(func(fd uintptr) { setErr = setStreamOptions(int(fd), k) })
	if err == nil {
		err = setErr
	}
	return err
}

func streamNetwork(network string) bool {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
		return true
	}
	return false
}

// adopt takes the socket out of package net's hands: that one knows addresses,
// the ring accepts.
func (l *Listener) adopt() error {
	if u, ok := l.inner.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
		if a := u.Addr().(*net.UnixAddr); a.Name != "" && a.Name[0] != '@' {
			l.path = a.Name
		}
	}
	fd, err := takeDescriptor(l.inner.(syscall.Conn))
	_ = l.inner.Close()
	l.inner = nil
	if err == nil {
		l.init(fd)
		l.accepts.owner = l
		if l.ring, err = sharedRing(); err == nil {
			l.gone = l.ring.release
			err = l.resumeAccept()
		}
		if err != nil {
			l.seal()
			l.descriptor.release()
		}
	}
	if err != nil && l.path != "" {
		_ = os.Remove(l.path)
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
	if l.inner == nil {
		return l.acceptFromRing()
	}
	for {
		if c := l.dequeue(); c != nil {
			return c, nil
		}
		inner, err := l.inner.Accept()
		if err == nil {
			return newNetConn(inner, l.network, l), nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || l.interrupted() {
			return nil, err
		}
	}
}

func (l *Listener) acceptFromRing() (net.Conn, error) {
	l.in.turn.Lock()
	defer l.in.turn.Unlock()
	err := l.in.check()
	for err == nil {
		if c := l.dequeue(); c != nil {
			return c, nil
		}
		if err = l.resumeAccept(); err == nil {
			err = l.in.await()
		}
	}
	return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.addr, Err: err}
}

// Close implements net.Listener: Accept fails with net.ErrClosed, connections
// that wait for their next request are closed, the others live on.
func (l *Listener) Close() error {
	if l.inner != nil {
		err := l.inner.Close()
		l.closeReturned()
		return err
	}
	if !l.seal() {
		return &net.OpError{Op: "close", Net: l.network, Addr: l.addr, Err: net.ErrClosed}
	}
	l.in.close()
	l.closeReturned()
	_ = unix.Shutdown(l.fd, unix.SHUT_RDWR) // refuses at once, whatever the kernel still holds
	l.release()
	if l.path != "" {
		_ = os.Remove(l.path)
	}
	_ = l.ring.cancel(&l.accepts) // a closed ring has cancelled it
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }

// SetDeadline makes Accept fail with os.ErrDeadlineExceeded from t on; the zero
// time means never.
func (l *Listener) SetDeadline(t time.Time) error {
	if l.inner == nil {
		return l.in.setDeadline(t)
	}
	l.deadline.Lock()
	defer l.deadline.Unlock()
	l.until = t
	return l.inner.(deadliner).SetDeadline(t)
}
