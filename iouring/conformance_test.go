package iouring

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// What a program can do wrong, or do twice, is the same on every back end, and
// what package net does.

var connCalls = map[string]func(c *Conn) error{
	"Read":             func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err },
	"Read nothing":     func(c *Conn) error { _, err := c.Read(nil); return err },
	"Write":            func(c *Conn) error { _, err := c.Write([]byte("x")); return err },
	"SetDeadline":      func(c *Conn) error { return c.SetDeadline(time.Time{}) },
	"SetReadDeadline":  func(c *Conn) error { return c.SetReadDeadline(time.Unix(1, 0)) },
	"SetWriteDeadline": func(c *Conn) error { return c.SetWriteDeadline(time.Unix(1, 0)) },
	"CloseRead":        (*Conn).CloseRead,
	"CloseWrite":       (*Conn).CloseWrite,
	"SyscallConn":      func(c *Conn) error { _, err := c.SyscallConn(); return err },
	"Lend":             func(c *Conn) error { _, err := c.Lend(nil, nil, nil); return err },
	"Close":            (*Conn).Close,
}

func TestConnAfterClose(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		c, peer := pipe(t, network, lent, opts...)
		_, _ = peer.Write([]byte("waits to be read"))
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		checkClosed(t, c)
	})
}

// A connection is closed for its user though the ring still holds it.
func TestLentConnAfterClose(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		requireBackend(t, WithBackend(BackendURing))
		c, _ := pipe(t, network, false, WithBackend(BackendURing))
		b, err := lendOut(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Acquire() { // a request of the borrower's
			t.Fatal("a lent connection is closed")
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		checkClosed(t, c)
		c.Release()
		b.await(t)
		checkClosed(t, c)
	}
}

func checkClosed(t *testing.T, c *Conn) {
	t.Helper()
	for name, call := range connCalls {
		if err := call(c); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if c.LocalAddr() == nil || c.RemoteAddr() == nil {
		t.Error("a closed connection has lost its addresses")
	}
	if c.Acquire() {
		t.Error("a closed connection can be acquired")
	}
}

func TestZeroConn(t *testing.T) {
	for what, c := range map[string]*Conn{"zero": {}, "nil": nil} {
		for name, call := range connCalls {
			if err := call(c); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%s of a %s Conn: %v", name, what, err)
			}
		}
		if c.LocalAddr() != nil || c.RemoteAddr() != nil {
			t.Errorf("a %s Conn has an address", what)
		}
		if c != nil && c.Acquire() {
			t.Errorf("a %s Conn can be acquired", what)
		}
	}
}

func TestReleaseWithoutAcquire(t *testing.T) {
	requireBackend(t, WithBackend(BackendNet))
	c, _ := pipe(t, "tcp", false, WithBackend(BackendNet))
	defer func() {
		if got := recover(); got != "iouring: Release without Acquire" {
			t.Errorf("panic %v", got)
		}
		c.refs.Store(1) // for its Close
	}()
	c.Release()
}

func TestListenerMisuse(t *testing.T) {
	calls := map[string]func(l *Listener) error{
		"Accept":      func(l *Listener) error { _, err := l.Accept(); return err },
		"SetDeadline": func(l *Listener) error { return l.SetDeadline(time.Now()) },
		"Close":       (*Listener).Close,
	}
	for what, l := range map[string]*Listener{"zero": {}, "nil": nil} {
		for name, call := range calls {
			if err := call(l); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%s of a %s Listener: %v", name, what, err)
			}
		}
		if l.Addr() != nil {
			t.Errorf("a %s Listener has an address", what)
		}
	}
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		l := listen(t, network, opts...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for name, call := range calls {
			if err := call(l); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after Close: %v", name, err)
			}
		}
		if l.Addr() == nil {
			t.Error("a closed listener has lost its address")
		}
	})
}

func TestListenRefuses(t *testing.T) {
	if l, err := NewListener(nil); err == nil {
		t.Errorf("a nil listener was wrapped: %v", l)
	}
	for _, b := range []Backend{-1, 3} {
		if l, err := Listen("tcp", "127.0.0.1:0", WithBackend(b)); err == nil {
			t.Errorf("%v was accepted: %v", b, l)
		}
	}
	for _, address := range []string{"127.0.0.1:-1", "127.0.0.1:65536", "nowhere", ""} {
		if l, err := Listen("tcp4", address, nil, WithLogger(nil)); err == nil && address != "" {
			t.Errorf("%q was accepted: %v", address, l)
		} else if err == nil {
			_ = l.Close()
		}
	}
}

// Options that ask for little or for nothing.
func TestLeastOptions(t *testing.T) {
	for _, opt := range []Option{
		nil, WithLogger(nil), WithIdleTimeout(-1), WithIdleTimeout(1<<63 - 1), WithKeepAlive(net.KeepAliveConfig{}),
		WithKeepAlive(net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}),
	} {
		eachListener(t, func(t *testing.T, network string, opts ...Option) {
			c, peer := pipe(t, network, false, append(opts, opt)...)
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			_ = peer.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := peer.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err != nil {
				t.Error(err)
			}
		})
	}
}
