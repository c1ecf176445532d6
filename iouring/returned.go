package iouring

import (
	"sync"
	"time"
)

// Connections that finished streams gave back wait here, without a goroutine
// or a buffer, until their next request begins; then Accept gives them out
// again, as if new.

// returnedConns are a listener's.
type returnedConns struct {
	mu     sync.Mutex
	queue  []*Conn               // their next request has begun
	idle   map[*Conn]*time.Timer // silent so far; the timer closes them
	closed bool
}

// giveBack takes c, which nobody reads or writes any more, for its next
// request; the ring goes on receiving for it. It closes c if the listener is
// closed, keeps none, or is full. The ring's thread calls it.
func (l *Listener) giveBack(r *ring, c *Conn) {
	_ = c.SetDeadline(time.Time{})
	t := &l.returned
	t.mu.Lock()
	if t.closed || l.config.idleTimeout <= 0 || len(t.idle) >= l.config.idleLimit {
		t.mu.Unlock()
		c.shut(r)
		return
	}
	// The timer stands in the map before it can fire.
	t.idle[c] = time.AfterFunc(l.config.idleTimeout, func() { l.expire(c) })
	t.mu.Unlock()

	x := c.ringIO.Load()
	c.in.mu.Lock()
	begun := len(c.unread) > 0 || len(x.data) > 0 || x.err != nil
	x.idle = !begun
	c.in.mu.Unlock()
	if begun {
		l.begin(r, c)
	}
}

// begin moves a connection on which something has come: to Accept, when the
// ring has let go of it, or out if it is the peer's end. The ring's thread
// calls it.
func (l *Listener) begin(r *ring, c *Conn) {
	t := &l.returned
	t.mu.Lock()
	timer, ok := t.idle[c]
	delete(t.idle, c)
	t.mu.Unlock()
	if !ok {
		return // expired, or the listener is closed
	}
	timer.Stop()
	x := c.ringIO.Load()
	c.in.mu.Lock()
	gone := len(c.unread) == 0 && len(x.data) == 0
	c.in.mu.Unlock()
	switch {
	case gone:
		c.shut(r)
	case x.borrowed:
		x.unborrow(r, func(r *ring) { l.enqueue(r, c) })
	default:
		l.enqueue(r, c)
	}
}

// enqueue gives a connection to Accept.
func (l *Listener) enqueue(r *ring, c *Conn) {
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

// interrupt makes Accept look at the queue.
func (l *Listener) interrupt() {
	if l.inner == nil {
		l.in.setReady()
		return
	}
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
func (l *Listener) expire(c *Conn) {
	t := &l.returned
	t.mu.Lock()
	_, ok := t.idle[c]
	delete(t.idle, c)
	t.mu.Unlock()
	if ok {
		c.shut(nil)
	}
}

// dequeue gives a connection whose next request has begun.
func (l *Listener) dequeue() *Conn {
	t := &l.returned
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return nil
	}
	c := t.queue[0]
	t.queue[0] = nil
	if t.queue = t.queue[1:]; len(t.queue) == 0 {
		t.queue = nil
	}
	return c
}

func (l *Listener) closeReturned() {
	t := &l.returned
	t.mu.Lock()
	t.closed, l.want = true, false
	conns := t.queue
	t.queue = nil
	for c, timer := range t.idle {
		timer.Stop()
		conns = append(conns, c)
	}
	clear(t.idle)
	t.mu.Unlock()
	for _, c := range conns {
		c.shut(nil)
	}
}

// idleCount is the number of connections that wait for their next request.
func (l *Listener) idleCount() int {
	t := &l.returned
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.idle)
}
