package iouring

// Connections that finished streams gave back wait here, without a goroutine
// or a buffer, until their next request begins; then Accept gives them out
// again, as if new.

// dequeue gives a connection whose next request has begun.
func (l *Listener) dequeue() *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	c := l.queue[0]
	l.queue[0] = nil
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return c
}

func (l *Listener) closeReturned() {
	l.mu.Lock()
	l.closed = true
	conns := l.queue
	l.queue = nil
	for c := range l.idle {
		conns = append(conns, c)
	}
	clear(l.idle)
	l.mu.Unlock()
	for _, c := range conns {
		c.shut()
	}
}
