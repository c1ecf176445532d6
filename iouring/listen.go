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

	"github.com/weirgo/weir/iouring/internal/probe"
)

// Listener accepts stream connections. It is safe for any number of goroutines.
// Make one with Listen or NewListener: the methods of the zero Listener fail with
// syscall.EINVAL.
type Listener struct {
	config   config
	inner    net.Listener
	returned returnedConns

	deadline sync.Mutex // held while inner's deadline is moved
	until    time.Time  // the caller's deadline, guarded by deadline
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
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	cfg := newConfig(opts)
	choice, err := probe.Choose(cfg.backend, probe.Shared)
	if err != nil {
		return nil, err
	}
	choice.LogFallback(cfg.logger, probe.ForStreams)
	// Accepted sockets inherit a listener's options on Linux: that saves four system
	// calls a connection. Those of a listener for multipath TCP, package net's
	// default, do not inherit unsentBytes.
	lc := net.ListenConfig{KeepAlive: -1, Control: func(network, _ string, raw syscall.RawConn) error {
		return controlStream(network, raw, cfg.keepAlive)
	}}
	lc.SetMultipathTCP(false)
	inner, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newListener(inner, cfg), nil
}

// NewListener gives the connections of a listener that is there already, such
// as one that systemd has passed, to the streams of package fanout. Its
// connections must be sockets, and it must have SetDeadline, as package net's.
func NewListener(inner net.Listener, opts ...Option) (*Listener, error) {
	if _, ok := inner.(deadliner); !ok {
		return nil, fmt.Errorf("iouring: wrap listener: %T has no SetDeadline", inner)
	}
	return newListener(inner, newConfig(opts)), nil
}

func newListener(inner net.Listener, cfg config) *Listener {
	return &Listener{config: cfg, inner: inner, returned: returnedConns{idle: map[*Loan]*time.Timer{}}}
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

// unsentBytes is how much the kernel takes that it cannot send yet. Else it takes
// megabytes for a client that does not read, before anybody above can know.
const unsentBytes = 64 << 10

// setStreamOptions sets what package net sets on TCP connections, no delay, and
// keep-alive as configured (zero fields: 15 s, 15 s, 9; negative: the system's),
// and unsentBytes.
func setStreamOptions(fd int, k net.KeepAliveConfig) error {
	set := func(level, name, value int) error { return unix.SetsockoptInt(fd, level, name, value) }
	// Where it is refused, a client that does not read is noticed later.
	_ = set(unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	if err := set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil || !k.Enable {
		return err
	}
	if err := set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return err
	}
	for _, o := range []struct{ name, value, normal int }{
		{unix.TCP_KEEPIDLE, seconds(k.Idle), 15},
		{unix.TCP_KEEPINTVL, seconds(k.Interval), 15},
		{unix.TCP_KEEPCNT, k.Count, 9},
	} {
		if o.value < 0 {
			continue
		}
		if o.value == 0 {
			o.value = o.normal
		}
		if err := set(unix.IPPROTO_TCP, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// seconds rounds up; a negative duration stays negative.
func seconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}

func (l *Listener) ok() bool { return l != nil && l.inner != nil }

// Accept implements net.Listener. Connections come from the kernel and, with
// the next request begun, from finished streams. An error that is temporary, as
// net/http has it, such as EMFILE where there is no descriptor for a connection,
// comes at once and does not end the listener: who goes on waits a little first.
func (l *Listener) Accept() (net.Conn, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	for {
		if c := l.dequeue(); c != nil {
			return c, nil
		}
		inner, err := l.inner.Accept()
		if err == nil {
			return newConn(inner, l), nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || l.interrupted() {
			return nil, err
		}
	}
}

// Close implements net.Listener: Accept fails with net.ErrClosed, as another Close
// does, connections that wait for their next request are closed, the others live
// on.
func (l *Listener) Close() error {
	if !l.ok() {
		return syscall.EINVAL
	}
	err := l.inner.Close()
	l.closeReturned()
	return err
}

// Addr implements net.Listener; nil for the zero Listener.
func (l *Listener) Addr() net.Addr {
	if !l.ok() {
		return nil
	}
	return l.inner.Addr()
}

// SetDeadline makes Accept fail with os.ErrDeadlineExceeded from t on; the zero
// time means never.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.ok() {
		return syscall.EINVAL
	}
	l.deadline.Lock() // until and inner's deadline are moved together, or interrupted puts an old one back
	defer l.deadline.Unlock()
	l.until = t
	// Looked at under deadline: what is queued later interrupts after us.
	if l.waiting() {
		t = time.Unix(1, 0) // as interrupt has it; interrupted puts until back
	}
	return l.inner.(deadliner).SetDeadline(t)
}
