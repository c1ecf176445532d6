package iouring

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestCloseSendsEndInEveryState(t *testing.T) {
	fill := func(c *Conn) { // until the peer's window is closed
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Write(func(fd uintptr) bool {
			for {
				if _, err := syscall.Write(int(fd), make([]byte, 64<<10)); err == syscall.EAGAIN {
					return true
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	states := map[string]func(t *testing.T, c *Conn, peer net.Conn){
		"never used": func(*testing.T, *Conn, net.Conn) {},
		"read blocked": func(t *testing.T, c *Conn, _ net.Conn) {
			blocked(t, func() error { _, err := c.Read(make([]byte, 1)); return err })
		},
		"read timed out": func(_ *testing.T, c *Conn, _ net.Conn) {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			_, _ = c.Read(make([]byte, 1))
		},
		"after traffic": func(t *testing.T, c *Conn, peer net.Conn) {
			_, _ = peer.Write([]byte("x"))
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write([]byte("y"))
		},
		"half closed": func(_ *testing.T, c *Conn, _ net.Conn) { _ = c.CloseWrite() },
		"write blocked": func(t *testing.T, c *Conn, _ net.Conn) {
			blocked(t, func() error { _, err := c.Write(make([]byte, 64<<20)); return err })
		},
		"socket full":    func(_ *testing.T, c *Conn, _ net.Conn) { fill(c) },
		"peer half done": func(_ *testing.T, _ *Conn, peer net.Conn) { _ = peer.(interface{ CloseWrite() error }).CloseWrite() },
	}
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		for name, enter := range states {
			t.Run(name, func(t *testing.T) {
				c, peer := pipe(t, network, lent, opts...)
				enter(t, c, peer)
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err := io.Copy(io.Discard, peer); err != nil && !errors.Is(err, syscall.ECONNRESET) {
					t.Fatalf("peer: %v", err)
				}
				t.Logf("the peer saw the end %v after Close", time.Since(start))
				if err := c.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("second Close: %v", err)
				}
			})
		}
	})
}

func TestBlockedCallsEnd(t *testing.T) {
	read := func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err }
	write := func(c *Conn) error { _, err := c.Write(make([]byte, 64<<20)); return err }
	for _, x := range []struct {
		name string
		call func(*Conn) error
		end  func(*Conn) error
		want error
	}{
		{"read, deadline in the past", read, func(c *Conn) error { return c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		{"read, deadline passes", read, func(c *Conn) error { return c.SetReadDeadline(time.Now().Add(5 * time.Millisecond)) }, os.ErrDeadlineExceeded},
		{"read, close", read, (*Conn).Close, net.ErrClosed},
		{"write, deadline in the past", write, func(c *Conn) error { return c.SetWriteDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		{"write, close", write, (*Conn).Close, net.ErrClosed},
	} {
		t.Run(x.name, func(t *testing.T) {
			eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
				c, _ := pipe(t, network, lent, opts...)
				done := blocked(t, func() error { return x.call(c) })
				start := time.Now()
				if err := x.end(c); err != nil {
					t.Fatal(err)
				}
				err := wait(t, done)
				t.Logf("ended after %v", time.Since(start))
				if !errors.Is(err, x.want) {
					t.Errorf("%v, want %v", err, x.want)
				}
				var op *net.OpError
				if !errors.As(err, &op) || op.Timeout() != errors.Is(x.want, os.ErrDeadlineExceeded) {
					t.Errorf("%#v is no OpError with the right Timeout", err)
				}
			})
		})
	}
}

func TestHalfClose(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		server, client := pipe(t, network, lent, opts...)
		_, _ = client.Write([]byte("question"))
		if err := client.(halfCloser).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		if n, err := server.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("the end again: %d, %v", n, err)
		}
		_, _ = server.Write([]byte("answer"))
		_ = server.Close()
		if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

func TestPeerReset(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		if network == "unix" {
			t.Skip("unix sockets do not reset")
		}
		c, peer := pipe(t, network, lent, opts...)
		done := blocked(t, func() error { _, err := c.Read(make([]byte, 1)); return err })
		_ = peer.(*net.TCPConn).SetLinger(0)
		_ = peer.Close()
		if err := wait(t, done); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
		err := error(nil)
		for range 100 {
			if _, err = c.Write([]byte("x")); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestAddresses(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		c, peer := pipe(t, network, lent, opts...)
		if got, want := c.LocalAddr().String(), peer.RemoteAddr().String(); got != want {
			t.Errorf("local %s, want %s", got, want)
		}
		if network != "unix" && c.RemoteAddr().String() != peer.LocalAddr().String() {
			t.Errorf("remote %s, want %s", c.RemoteAddr(), peer.LocalAddr())
		}
		_ = c.Close()
		if c.LocalAddr() == nil || c.RemoteAddr() == nil {
			t.Error("no addresses after Close")
		}
	})
}

// Accepted connections have the options that package net sets, though the
// listener's socket has them from us.
func TestSocketOptions(t *testing.T) {
	requireBackend(t, WithBackend(BackendURing))
	for keepAlive, want := range map[net.KeepAliveConfig]int{{Enable: true}: 15, {Enable: true, Idle: 90 * time.Second}: 90} {
		c, _ := pipe(t, "tcp", false, WithBackend(BackendURing), WithKeepAlive(keepAlive))
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		get := func(level, name int) (v int) {
			_ = raw.Control(func(fd uintptr) { v, _ = syscall.GetsockoptInt(int(fd), level, name) })
			return v
		}
		if get(syscall.IPPROTO_TCP, syscall.TCP_NODELAY) == 0 || get(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) == 0 {
			t.Error("an accepted connection lacks TCP_NODELAY or keep-alive")
		}
		if got := get(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE); got != want {
			t.Errorf("keep-alive after %d s, want %d", got, want)
		}
	}
}

func TestListenerClose(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		done := blocked(t, func() error { _, err := ln.Accept(); return err })
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, done); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
		if c, err := net.Dial(ln.Addr().Network(), ln.Addr().String()); err == nil {
			_ = c.Close()
			t.Error("a closed listener still takes connections")
		}
		if network == "unix" {
			if _, err := os.Stat(ln.Addr().String()); !os.IsNotExist(err) {
				t.Errorf("socket file: %v", err)
			}
		}
		// The address is free again.
		again, err := Listen(network, ln.Addr().String(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		_ = again.Close()
	})
}

func TestListenErrors(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		if _, err := Listen(network, ln.Addr().String(), opts...); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("port in use: %v", err)
		}
		if _, err := Listen("udp", "127.0.0.1:0", opts...); err == nil {
			t.Error("udp was taken")
		}
		if err := ln.SetDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := ln.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Accept after its deadline: %v", err)
		}
	})
}

// A listener that is there already, as a service manager passes it.
func TestNewListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := NewListener(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, peer, err := connect(ln, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	defer peer.Close()
	if _, err := NewListener(struct{ net.Listener }{inner}); err == nil {
		t.Error("a listener without deadlines was taken: nothing could wake its Accept")
	}
}
