package iouring

import (
	"io"
	"net"
	"testing"
)

// A peer that ends its sending is there; one that has closed shows at the first
// thing that is sent to it, over unix sockets at once.
func TestAwaitPeerGone(t *testing.T) {
	type closer interface{ CloseWrite() error }
	eachVariant(t, func(t *testing.T, network string, lent bool, opts ...Option) {
		for _, test := range []struct {
			name  string
			leave func(net.Conn) error
			gone  bool // without anything sent
		}{
			{"half-close", func(c net.Conn) error { return c.(closer).CloseWrite() }, false},
			{"close", net.Conn.Close, network == "unix"},
			{"reset", func(c net.Conn) error {
				if tcp, ok := c.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				return c.Close()
			}, true},
		} {
			server, peer := pipe(t, network, lent, opts...)
			if err := test.leave(peer); err != nil {
				t.Fatal(err)
			}
			n, err := server.Read(make([]byte, 1)) // its end has come
			if n > 0 || err == nil {
				t.Fatalf("read %d bytes, %v", n, err)
			}
			done, over := make(chan struct{}), make(chan bool, 1)
			wait := func() {
				blockedOn := blocked(t, func() error { over <- AwaitPeerGone(done, server); return nil })
				if test.gone {
					<-blockedOn
				}
			}
			wait()
			if !test.gone {
				if _, err := io.WriteString(server, "x"); err != nil {
					t.Fatal(err)
				}
			}
			if test.name == "half-close" {
				if n, err := io.ReadFull(peer, make([]byte, 1)); err != nil || n != 1 {
					t.Errorf("the peer read %d bytes, %v", n, err)
				}
				close(done)
			}
			if gone := <-over; gone == (test.name == "half-close") {
				t.Errorf("%s: gone %v", test.name, gone)
			}
			_ = server.Close()
		}
	})
}
