package iouring

import (
	"sync"
	"time"

	"github.com/weirgo/weir/iouring/internal/ring"
)

// Connections that finished streams gave back wait here, without a goroutine
// or a buffer, until their next request begins; then Accept gives them out
// again, as if new.

// returnedConns are a listener's.
type returnedConns struct {
	mu     sync.Mutex
	queue  []*Conn               // their next request has begun
	idle   map[*Loan]*time.Timer // silent so far; the timer closes them
	closed bool
}

// giveBack takes a connection, which nobody reads or writes any more, for its
// next request; the ring goes on receiving for it. It closes the connection if
// the listener is closed, keeps none, or is full. The ring's thread calls it.
func (l *Listener) giveBack(r *ring.Ring, loan *Loan) {
	_ = loan.conn.SetDeadline(time.Time{})
	t := &l.returned
	t.mu.Lock()
	if t.closed || l.config.idleTimeout <= 0 || len(t.idle) >= idleLimit {
		t.mu.Unlock()
		loan.conn.shut(r)
		return
	}
	// In the map before the timer can fire and before idle can fall: both look
	// it up there, and whoever takes it out owns it.
	t.idle[loan] = time.AfterFunc(l.config.idleTimeout, func() { l.expire(loan) })
	t.mu.Unlock()

	loan.mu.Lock()
	begun := len(loan.data) > 0 || loan.err != nil
	loan.idle = !begun
	loan.mu.Unlock()
	if begun {
		l.begin(r, loan)
	}
}

// begin moves a connection on which something has come: to Accept, when the
// ring has let go of it, or out if it is the peer's end. The ring's thread
// calls it.
func (l *Listener) begin(r *ring.Ring, loan *Loan) {
	t := &l.returned
	t.mu.Lock()
	timer, ok := t.idle[loan]
	delete(t.idle, loan)
	t.mu.Unlock()
	if !ok {
		return // expired, or the listener is closed
	}
	timer.Stop()
	loan.mu.Lock()
	gone := len(loan.data) == 0
	loan.mu.Unlock()
	if gone {
		loan.conn.shut(r)
		return
	}
	loan.end(r, func(r *ring.Ring) { l.enqueue(r, loan.conn) })
}

// enqueue gives a connection to Accept.
func (l *Listener) enqueue(r *ring.Ring, c *Conn) {
	t := &l.returned
	t.mu.Lock()
	closed := t.closed
	if !closed {
		t.queue = append(t.queue, c)
	}
	t.mu.Unlock()
	if closed {
		c.shut(r)
		return
	}
	l.interrupt()
}

// interrupt makes an Accept look at the queue: it is the only thing that wakes
// one out of package net's. The connection is in the queue by then.
func (l *Listener) interrupt() {
	l.deadline.Lock()
	_ = l.inner.(deadliner).SetDeadline(time.Unix(1, 0))
	l.deadline.Unlock()
}

// interrupted puts the caller's deadline back after interrupt and reports
// whether it has passed.
func (l *Listener) interrupted() (passed bool) {
	l.deadline.Lock()
	defer l.deadline.Unlock()
	_ = l.inner.(deadliner).SetDeadline(l.until)
	return !l.until.IsZero() && !time.Now().Before(l.until)
}

// expire closes a connection that stayed silent.
func (l *Listener) expire(loan *Loan) {
	t := &l.returned
	t.mu.Lock()
	_, ok := t.idle[loan]
	delete(t.idle, loan)
	t.mu.Unlock()
	if ok {
		loan.conn.shut(nil)
	}
}

// dequeue gives a connection whose next request has begun. While there are
// others it wakes another Accept: the wake-up that was meant for them may have
// been taken back by interrupted before that one ran.
func (l *Listener) dequeue() *Conn {
	t := &l.returned
	t.mu.Lock()
	if len(t.queue) == 0 {
		t.mu.Unlock()
		return nil
	}
	c := t.queue[0]
	t.queue[0] = nil
	t.queue = t.queue[1:]
	more := len(t.queue) > 0
	if !more {
		t.queue = nil
	}
	t.mu.Unlock()
	if more {
		l.interrupt()
	}
	return c
}

// waiting reports whether there is something for Accept.
func (l *Listener) waiting() bool {
	t := &l.returned
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) > 0
}

func (l *Listener) closeReturned() {
	t := &l.returned
	t.mu.Lock()
	t.closed = true // under the lock: what comes after it finds no place
	conns := t.queue
	t.queue = nil
	for loan, timer := range t.idle {
		timer.Stop()
		conns = append(conns, loan.conn)
	}
	clear(t.idle)
	t.mu.Unlock()
	for _, c := range conns {
		c.shut(nil)
	}
}
