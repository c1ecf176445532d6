package iouring

import (
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lateListener is a listener of package net on which nothing comes in. Those who
// are blocked in Accept run one after the other when its deadline is moved, and
// wait on if it has been moved again by then: so does the runtime's poller.
type lateListener struct {
	net.Listener

	mu       sync.Mutex
	deadline time.Time
	moved    chan struct{}
	closed   bool
	late     time.Duration
}

func (l *lateListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	l.late += time.Millisecond
	late := l.late
	l.mu.Unlock()
	for {
		l.mu.Lock()
		moved, closed, deadline := l.moved, l.closed, l.deadline
		l.mu.Unlock()
		switch {
		case closed:
			return nil, net.ErrClosed
		case !deadline.IsZero() && !time.Now().Before(deadline):
			return nil, os.ErrDeadlineExceeded
		}
		<-moved
		time.Sleep(late) // of the bubble
	}
}

func (l *lateListener) move(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *lateListener) SetDeadline(t time.Time) error {
	l.move(func() { l.deadline = t })
	return nil
}

func (l *lateListener) Close() error {
	l.move(func() { l.closed = true })
	return nil
}

// giveTwo puts two connections into the queue, as if their next requests had
// begun at once.
func giveTwo(t *testing.T, l *Listener) {
	for range 2 {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
		l.returned.mu.Lock()
		l.returned.queue = append(l.returned.queue, newConn(near, l))
		l.returned.mu.Unlock()
	}
	l.interrupt()
}

// checkAccepted waits until nothing moves any more.
func checkAccepted(t *testing.T, l *Listener, accepted chan net.Conn) {
	t.Helper()
	time.Sleep(time.Second)
	if n := len(accepted); n != 2 {
		t.Errorf("%d of 2 were accepted", n)
	}
	_ = l.Close()
	time.Sleep(time.Second)
}

// Two that accept once each get the two connections, though the first puts the
// deadline back before the second has seen that it passed.
func TestReturnedConnectionsWakeEachAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewListener(&lateListener{moved: make(chan struct{})})
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn, 2)
		for range 2 {
			go func() {
				c, _ := l.Accept()
				accepted <- c
			}()
		}
		synctest.Wait()
		giveTwo(t, l)
		checkAccepted(t, l, accepted)
	})
}

// A caller's deadline does not take the wake-up back.
func TestSetDeadlineKeepsTheWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewListener(&lateListener{moved: make(chan struct{})})
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn, 2)
		go func() {
			for range 2 {
				c, _ := l.Accept()
				accepted <- c
			}
		}()
		synctest.Wait()
		giveTwo(t, l)
		if err := l.SetDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		checkAccepted(t, l, accepted)
	})
}
