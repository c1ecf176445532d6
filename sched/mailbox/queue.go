package mailbox

import (
	"sync/atomic"

	"golang.org/x/sys/cpu"
)

// Queue is a bounded lock-free ring with many producers and one consumer,
// after Dmitry Vyukov's bounded queue.
//
// Each slot has a turn. For the slot of position p:
//
//	turn        state       who moves it on
//	p           free        the producer that took p from tail, to p+1
//	p+1         full        the consumer, to p+len(slots)
//	p+len(..)   free again  for position p+len(slots)
//
// A producer owns its slot between taking p and storing p+1; the consumer
// waits for the slot at head alone, so values leave in the order in which
// producers took their positions.
type Queue[T any] struct {
	slots []slot[T]
	mask  uint64
	_     cpu.CacheLinePad
	tail  atomic.Uint64 // next position of producers
	_     cpu.CacheLinePad
	head  uint64 // next position of the consumer
}

type slot[T any] struct {
	turn  atomic.Uint64
	value T
}

// NewQueue makes a queue for at least capacity values: the next power of two.
func NewQueue[T any](capacity int) *Queue[T] {
	size := PowerOfTwo(max(capacity, 2)) // with one slot, full and free again were one turn
	q := &Queue[T]{slots: make([]slot[T], size), mask: uint64(size - 1)}
	for i := range q.slots {
		q.slots[i].turn.Store(uint64(i))
	}
	return q
}

// PowerOfTwo returns the least power of two that is not below n.
func PowerOfTwo(n int) int {
	size := 1
	for size < n {
		size *= 2
	}
	return size
}

// Cap returns how many values the queue holds.
func (q *Queue[T]) Cap() int { return len(q.slots) }

// Push appends v; it reports false if the queue is full. Any goroutine.
func (q *Queue[T]) Push(v T) bool {
	for {
		p := q.tail.Load()
		s := &q.slots[p&q.mask]
		switch turn := s.turn.Load(); {
		case turn == p:
			if q.tail.CompareAndSwap(p, p+1) {
				// The slot is ours until the turn moves: the value first, so
				// that the consumer finds it when it sees the turn.
				s.value = v
				s.turn.Store(p + 1)
				return true
			}
		case turn < p:
			return false // still full from a round ago
		}
	}
}

// Pop removes the oldest value; ok is false if there is none. The consumer's.
func (q *Queue[T]) Pop() (v T, ok bool) {
	s := &q.slots[q.head&q.mask]
	if s.turn.Load() != q.head+1 {
		return v, false
	}
	// Emptied before the turn moves: afterwards the slot is a producer's.
	var none T
	v, s.value = s.value, none
	s.turn.Store(q.head + uint64(len(q.slots)))
	q.head++
	return v, true
}

// Empty reports whether Pop would find nothing. The consumer's.
func (q *Queue[T]) Empty() bool {
	return q.slots[q.head&q.mask].turn.Load() != q.head+1
}
