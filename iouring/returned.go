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
// request. It closes c if the listener is closed, keeps none, or is full.
func (l *Listener) giveBack(r *ring, c *Conn) {
	_ = c.out.setDeadline(time.Time{})
	_ = c.in.setDeadline(time.Time{})
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
	c.returned.Store(true)
	if c.begun() {
		c.begin()
	}
}

// begun reports whether something of the next request, or the end, is there.
func (c *Conn) begun() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	x := c.ringIO.Load()
	return len(c.unread) > 0 || c.in.ready || c.in.sticky && c.network != "unix" ||
		x != nil && (len(x.data) > 0 || x.err != nil)
}

// begin gives a returned connection to Accept; for any other it does nothing.
func (c *Conn) begin() {
	if c.returned.Load() && c.returned.CompareAndSwap(true, false) {
		c.listener.begin(c)
	}
}

func (l *Listener) begin(c *Conn) {
	t := &l.returned
	t.mu.Lock()
	timer, ok := t.idle[c]
	delete(t.idle, c)
	if ok {
		timer.Stop()
		t.queue = append(t.queue, c)
	}
	t.mu.Unlock()
	if ok {
		l.in.setReady(false)
	}
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
