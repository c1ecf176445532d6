package fanout

import (
	"sync"

	"github.com/weirgo/weir/iouring/internal/ring"
)

// lane is the way of many streams to one ring.
type lane struct {
	ring *ring.Ring

	mu     sync.Mutex
	dirty  []*Stream // have something to send
	posted bool      // the ring's thread will come for them

	working []*Stream // the ring's thread: those it came for
}

// directBatch bounds what one Flush sends itself.
type directBatch [32]*Stream

func (l *lane) mark(s *Stream) {
	l.mu.Lock()
	l.dirty = append(l.dirty, s)
	l.mu.Unlock()
}

func (l *lane) flush(directLimit int) {
	l.mu.Lock()
	n := len(l.dirty)
	if n == 0 || l.posted {
		l.mu.Unlock()
		return
	}
	if n <= directLimit && n <= len(directBatch{}) {
		var batch directBatch
		copy(batch[:], l.dirty)
		clear(l.dirty)
		l.dirty = l.dirty[:0]
		l.mu.Unlock() // sending takes the streams' locks, under which they mark themselves
		for _, s := range batch[:n] {
			s.sendDirect()
		}
		return
	}
	l.mu.Unlock()
	l.post()
}

// post has the ring send for all that are listed.
func (l *lane) post() {
	l.mu.Lock()
	idle := len(l.dirty) == 0 || l.posted
	l.posted = l.posted || !idle // before Post, so that one task stands for any number of flushes
	l.mu.Unlock()
	if !idle {
		_ = l.ring.Post(l) // a closed ring has failed every stream
	}
}

// OnRing implements ring.Task.
func (l *lane) OnRing(r *ring.Ring) {
	l.mu.Lock()
	// posted falls with the list taken: who marks from here on posts again.
	l.dirty, l.working = l.working[:0], l.dirty
	l.posted = false
	l.mu.Unlock()
	for i, s := range l.working {
		s.OnRing(r)
		l.working[i] = nil
	}
}
