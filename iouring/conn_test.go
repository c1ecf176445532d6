package iouring

import (
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/net/nettest"
)

// variants are the ways a connection can be moved; each test over connections
// runs on all of them.
var variants = []struct {
	name    string
	network string
	opts    []Option
}{
	{"tcp/ready", "tcp", []Option{WithBackend(BackendURing)}},
	{"unix/ready", "unix", []Option{WithBackend(BackendURing)}},
	{"tcp/multishot", "tcp", []Option{WithBackend(BackendURing), WithReceive(ReceiveMultishot)}},
	{"unix/multishot", "unix", []Option{WithBackend(BackendURing), WithReceive(ReceiveMultishot)}},
	{"tcp/net", "tcp", []Option{WithBackend(BackendNet)}},
	{"unix/net", "unix", []Option{WithBackend(BackendNet)}},
}

func eachVariant(t *testing.T, f func(t *testing.T, network string, opts ...Option)) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			requireBackend(t, v.opts...)
			f(t, v.network, v.opts...)
		})
	}
}

// requireBackend skips where this kernel cannot do what the options ask for.
func requireBackend(t testing.TB, opts ...Option) {
	t.Helper()
	cfg := newConfig(opts)
	if _, err := cfg.choose(sharedProbe); err != nil {
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

// pipe gives the two ends of one connection, both of this package.
func pipe(t testing.TB, network string, opts ...Option) (client, server *Conn) {
	t.Helper()
	ln := listen(t, network, opts...)
	client, server, err := connect(ln, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

func connect(ln *Listener, opts ...Option) (client, server *Conn, err error) {
	type result struct {
		c   net.Conn
		err error
	}
	dialed := make(chan result, 1)
	go func() {
		c, err := Dial(ln.Addr().Network(), ln.Addr().String(), opts...)
		dialed <- result{c, err}
	}()
	s, err := ln.Accept()
	if err != nil {
		return nil, nil, err
	}
	r := <-dialed
	if r.err != nil {
		_ = s.Close()
		return nil, nil, r.err
	}
	return r.c.(*Conn), s.(*Conn), nil
}

func TestNettest(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			ln, err := Listen(network, testAddress(t, network), opts...)
			if err != nil {
				return nil, nil, nil, err
			}
			client, server, err := connect(ln.(*Listener), opts...)
			if err != nil {
				_ = ln.Close()
				return nil, nil, nil, err
			}
			return client, server, func() { _ = client.Close(); _ = server.Close(); _ = ln.Close() }, nil
		})
	})
}
