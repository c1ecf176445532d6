package iouring

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/ring"
)

// variants are what a connection may have been through; each test over
// connections runs on all of them.
var variants = []struct {
	name    string
	network string
	lent    bool // to a ring, given back, and accepted again
	opts    []Option
}{
	{"tcp", "tcp", false, []Option{WithBackend(BackendURing)}},
	{"unix", "unix", false, []Option{WithBackend(BackendURing)}},
	{"tcp/returned", "tcp", true, []Option{WithBackend(BackendURing)}},
	{"unix/returned", "unix", true, []Option{WithBackend(BackendURing)}},
	{"tcp/net", "tcp", false, []Option{WithBackend(BackendNet)}},
}

func eachVariant(t *testing.T, f func(t *testing.T, network string, lent bool, opts ...Option)) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			requireBackend(t, v.opts...)
			f(t, v.network, v.lent, v.opts...)
		})
	}
}

// eachListener runs a test over connections that nothing has happened to yet.
func eachListener(t *testing.T, f func(t *testing.T, network string, opts ...Option)) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		if !lent {
			f(t, network, opts...)
		}
	})
}

// requireBackend skips where this kernel cannot do what the options ask for.
func requireBackend(t testing.TB, opts ...Option) {
	t.Helper()
	if _, err := probe.Choose(newConfig(opts).backend, probe.Shared); err != nil {
		t.Skipf("not supported here: %v", err)
	}
}

func testAddress(t testing.TB, network string) string {
	if network == "unix" {
		return filepath.Join(t.TempDir(), "s")
	}
	return "127.0.0.1:0"
}

func listen(t testing.TB, network string, opts ...Option) *Listener {
	t.Helper()
	ln, err := Listen(network, testAddress(t, network), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*Listener)
}

func dialRaw(t testing.TB, ln *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// pipe gives a server's connection and the package-net client of it.
func pipe(t testing.TB, network string, lent bool, opts ...Option) (*Conn, net.Conn) {
	t.Helper()
	server, peer, err := connect(listen(t, network, opts...), lent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close(); _ = server.Close() })
	return server, peer
}

func connect(ln *Listener, lent bool) (*Conn, net.Conn, error) {
	peer, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	c, err := ln.Accept()
	if err != nil || !lent {
		return c.(*Conn), peer, err
	}
	l, err := lendOut(c.(*Conn), nil)
	if err != nil {
		return nil, nil, err
	}
	if err := l.giveBack(); err != nil {
		return nil, nil, err
	}
	if _, err := peer.Write([]byte{'!'}); err != nil { // the next request
		return nil, nil, err
	}
	again, err := ln.Accept()
	if err != nil {
		return nil, nil, err
	}
	if again != c {
		return nil, nil, fmt.Errorf("another connection came back")
	}
	_, err = io.ReadFull(again, make([]byte, 1))
	return again.(*Conn), peer, err
}

// borrower is a Borrower that a test waits for.
type borrower struct {
	loan  *Loan
	ring  *ring.Ring
	ended chan struct{}
}

func (b *borrower) PeerEnded(*ring.Ring) { close(b.ended) } // twice panics

// await waits until the borrower is told.
func (b *borrower) await(t *testing.T) {
	t.Helper()
	select {
	case <-b.ended:
	case <-time.After(time.Minute):
		t.Fatal("the borrower was not told")
	}
}

// lendOut lends c to the process's ring.
func lendOut(c *Conn, ahead []byte) (*borrower, error) {
	r, err := ring.Shared()
	if err != nil {
		return nil, err
	}
	defer r.Release() // the loan is a user of its own
	b := &borrower{ring: r, ended: make(chan struct{})}
	if b.loan, err = c.Lend(r, b, ahead); err == nil {
		b.loan.Receive(false)
	}
	return b, err
}

// OnRing implements ring.Task.
func (b *borrower) OnRing(r *ring.Ring) { b.loan.GiveBack(r) }

func (b *borrower) giveBack() error { return b.ring.Post(b) }

// blocked runs f and gives a channel with its error, once it waits for I/O or has
// ended.
func blocked(t testing.TB, f func() error) chan error {
	t.Helper()
	done, started := make(chan error, 1), make(chan []byte)
	go func() {
		name := make([]byte, 64)
		name = name[:runtime.Stack(name, false)] // "goroutine 7 [running]..."
		started <- append(name[:bytes.IndexByte(name, '[')], "[IO wait"...)
		done <- f()
	}()
	waits := <-started
	all := make([]byte, 4<<20)
	eventually(t, "a call neither waits nor ends", func() bool {
		return len(done) > 0 || bytes.Contains(all[:runtime.Stack(all, true)], waits)
	})
	return done
}

// eventually waits for something that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal(what)
		}
	}
}

func wait(t *testing.T, done chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("still blocked")
		return nil
	}
}

func TestNettest(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			ln, err := Listen(network, testAddress(t, network), opts...)
			if err != nil {
				return nil, nil, nil, err
			}
			server, client, err := connect(ln.(*Listener), lent)
			if err != nil {
				_ = ln.Close()
				return nil, nil, nil, err
			}
			return client, server, func() { _ = client.Close(); _ = server.Close(); _ = ln.Close() }, nil
		})
	})
}
