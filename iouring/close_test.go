package iouring

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// blocked runs f and gives a channel with its error, after it has had time to
// block.
func blocked(f func() error) chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	time.Sleep(10 * time.Millisecond)
	return done
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

// rawPair gives a server's connection and the package-net client of it.
func rawPair(t *testing.T, network string, opts ...Option) (*Conn, net.Conn) {
	t.Helper()
	ln := listen(t, network, opts...)
	peer := dialRaw(t, ln)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn), peer
}

func TestCloseSendsEndInEveryState(t *testing.T) {
	fill := func(c *Conn) { // until the peer's window is closed
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		for {
			if _, err := c.Write(make([]byte, 64<<10)); err != nil {
				break
			}
		}
		_ = c.SetWriteDeadline(time.Time{})
	}
	states := map[string]func(t *testing.T, c *Conn, peer net.Conn){
		"never used": func(*testing.T, *Conn, net.Conn) {},
		"read blocked": func(_ *testing.T, c *Conn, _ net.Conn) {
			blocked(func() error { _, err := c.Read(make([]byte, 1)); return err })
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
		"write blocked": func(_ *testing.T, c *Conn, _ net.Conn) {
			blocked(func() error { _, err := c.Write(make([]byte, 64<<20)); return err })
		},
		"socket full":    func(_ *testing.T, c *Conn, _ net.Conn) { fill(c) },
		"peer half done": func(_ *testing.T, _ *Conn, peer net.Conn) { _ = peer.(interface{ CloseWrite() error }).CloseWrite() },
	}
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		for name, enter := range states {
			t.Run(name, func(t *testing.T) {
				c, peer := rawPair(t, network, opts...)
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
			eachVariant(t, func(t *testing.T, network string, opts ...Option) {
				c, _ := rawPair(t, network, opts...)
				done := blocked(func() error { return x.call(c) })
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

func TestDeadlineMovedWhileBlocked(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		c, peer := rawPair(t, network, opts...)
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		done := blocked(func() error { _, err := io.ReadFull(c, make([]byte, 1)); return err })
		_ = c.SetReadDeadline(time.Now().Add(time.Hour))
		time.Sleep(50 * time.Millisecond)
		_, _ = peer.Write([]byte{1})
		if err := wait(t, done); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHalfClose(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		client, server := pipe(t, network, opts...)
		_, _ = client.Write([]byte("question"))
		if err := client.CloseWrite(); err != nil {
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
		if _, err := client.Write([]byte("x")); err == nil {
			t.Error("write after CloseWrite")
		}
	})
}

func TestPeerReset(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		if network == "unix" {
			t.Skip("unix sockets do not reset")
		}
		c, peer := rawPair(t, network, opts...)
		done := blocked(func() error { _, err := c.Read(make([]byte, 1)); return err })
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

func TestLingerZeroResets(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		if network == "unix" {
			t.Skip("unix sockets do not linger")
		}
		c, peer := rawPair(t, network, opts...)
		if err := c.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("peer: %v, want a reset", err)
		}
	})
}

// A reader that does not read holds no more than the inbox and loses nothing.
func TestUnreadDataWaits(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		c, peer := rawPair(t, network, opts...)
		want := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
		done := blocked(func() error {
			_, err := peer.Write(want)
			_ = peer.(interface{ CloseWrite() error }).CloseWrite()
			return err
		})
		time.Sleep(20 * time.Millisecond)
		if x := c.ringIO.Load(); x != nil {
			c.in.mu.Lock()
			n := len(x.data)
			c.in.mu.Unlock()
			if limit := defaultRingConfig.inboxBytes * 8; n > limit {
				t.Errorf("inbox holds %d bytes, limit %d", n, limit)
			}
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
		if err := wait(t, done); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAddresses(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		peer := dialRaw(t, ln)
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.LocalAddr().String(), ln.Addr().String(); got != want {
			t.Errorf("local %s, want %s", got, want)
		}
		if network != "unix" && c.RemoteAddr().String() != peer.LocalAddr().String() {
			t.Errorf("remote %s, want %s", c.RemoteAddr(), peer.LocalAddr())
		}
		if c.RemoteAddr().Network() != network {
			t.Errorf("network %s, want %s", c.RemoteAddr().Network(), network)
		}
		_ = c.Close()
		if c.LocalAddr() == nil || c.RemoteAddr() == nil {
			t.Error("no addresses after Close")
		}
	})
}

func TestSyscallConn(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		c, peer := rawPair(t, network, opts...)
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			if _, err := syscall.Getsockname(int(fd)); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		n := 0
		done := blocked(func() error {
			return raw.Read(func(fd uintptr) bool {
				var err error
				n, err = syscall.Read(int(fd), buf)
				return err != syscall.EAGAIN
			})
		})
		_, _ = peer.Write([]byte("raw"))
		err = wait(t, done)
		if c.ringIO.Load() != nil {
			if !errors.Is(err, syscall.EOPNOTSUPP) {
				t.Errorf("raw read beside a ring's thread: %v", err)
			}
		} else if err != nil || string(buf[:n]) != "raw" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if err := raw.Write(func(fd uintptr) bool {
			_, err := syscall.Write(int(fd), []byte("back"))
			return err != syscall.EAGAIN
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, buf[:4]); string(buf[:4]) != "back" {
			t.Errorf("%q, %v", buf[:4], err)
		}
		_ = c.Close()
		if err := raw.Control(func(uintptr) {}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Control after Close: %v", err)
		}
	})
}

func TestSocketOptions(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		if network == "unix" {
			t.Skip("TCP's options")
		}
		c, _ := rawPair(t, network, opts...)
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		get := func(level, name int) (v int) {
			_ = raw.Control(func(fd uintptr) { v, _ = syscall.GetsockoptInt(int(fd), level, name) })
			return v
		}
		if get(syscall.IPPROTO_TCP, syscall.TCP_NODELAY) == 0 || get(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) == 0 ||
			get(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE) != 15 {
			t.Error("accepted connection lacks TCP_NODELAY or keep-alive as package net sets them")
		}
		for _, err := range []error{c.SetNoDelay(false), c.SetKeepAlive(false), c.SetKeepAlivePeriod(90 * time.Second), c.SetReadBuffer(1 << 16), c.SetWriteBuffer(1 << 16)} {
			if err != nil {
				t.Error(err)
			}
		}
		if get(syscall.IPPROTO_TCP, syscall.TCP_NODELAY) != 0 || get(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) != 0 ||
			get(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE) != 90 {
			t.Error("options did not take effect")
		}
	})
}

func TestListenerClose(t *testing.T) {
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		done := blocked(func() error { _, err := ln.Accept(); return err })
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
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		if _, err := Listen(network, ln.Addr().String(), opts...); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("port in use: %v", err)
		}
		if _, err := Listen("udp", "127.0.0.1:0", opts...); err == nil {
			t.Error("udp was taken")
		}
		if _, err := Dial("udp", "127.0.0.1:1", opts...); err == nil {
			t.Error("udp was dialed")
		}
		if err := ln.SetDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := ln.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Accept after its deadline: %v", err)
		}
	})
}
