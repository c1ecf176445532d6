package iouring

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"net"
	"os"
	"testing"
	"time"
)

// What a peer sends while its connection is lent, more than buffers and inbox
// hold, comes out of Read in order: what the server had read ahead, what the ring
// has received, what the kernel has.
func TestLoanKeepsWhatThePeerSends(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			requireBackend(t, WithBackend(BackendURing))
			ln := listen(t, network, WithBackend(BackendURing))
			c, peer, err := connect(ln, false)
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			want := make([]byte, 4<<20)
			rand.New(rand.NewSource(2)).Read(want)
			ahead := bytes.Clone(want[:100])
			b, err := lendOut(c, ahead)
			if err != nil {
				t.Fatal(err)
			}
			sent := make(chan error, 1)
			go func() {
				_, err := peer.Write(want[len(ahead):])
				sent <- errors.Join(err, peer.(halfCloser).CloseWrite())
			}()
			eventually(t, "nothing is received", func() bool {
				b.loan.mu.Lock()
				defer b.loan.mu.Unlock()
				return len(b.loan.data) > b.ring.Config().InboxBytes && !b.loan.armed
			})
			if n, limit := len(b.loan.data), b.ring.Config().InboxBytes; n > limit+512*4096 {
				t.Errorf("%d bytes are held, limit %d and what was on its way", n, limit)
			}
			if err := b.giveBack(); err != nil {
				t.Fatal(err)
			}
			again, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if got, err := io.ReadAll(again); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, or others, %v", len(got), len(want), err)
			}
			if err := wait(t, sent); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoanTellsOfThePeersEnd(t *testing.T) {
	ends := map[string]func(net.Conn){
		"end":   func(c net.Conn) { _ = c.Close() },
		"reset": func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			requireBackend(t, WithBackend(BackendURing))
			c, peer := pipe(t, "tcp", false, WithBackend(BackendURing))
			b, err := lendOut(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			end(peer)
			b.await(t)
		})
	}
}

// Close of a lent connection sends FIN at once, although a request holds it, and the
// borrower hears of it.
func TestCloseWhileLent(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		requireBackend(t, WithBackend(BackendURing))
		c, peer := pipe(t, network, false, WithBackend(BackendURing))
		b, err := lendOut(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Lend(b.ring, b, nil); err == nil {
			t.Error("a lent connection was lent again")
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the peer reads %d, %v; want EOF", n, err)
		}
		if _, err := c.Lend(b.ring, b, nil); err == nil {
			t.Error("a closed connection was lent")
		}
		b.await(t)
	}
}

// What arrived early obeys deadlines and Close like what is still in the kernel.
func TestUnreadDataObeysDeadlineAndClose(t *testing.T) {
	c, _ := pipe(t, "tcp", false, WithBackend(BackendNet))
	c.begun, c.unread = true, []byte("early")
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b[:2]); string(b[:n]) != "ea" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	_ = c.Close()
	if _, err := c.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
