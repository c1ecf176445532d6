package batch

import "sync/atomic"

// cacheLine keeps words that different cores write apart.
type cacheLine [64]byte

// queue is a bounded lock-free ring with many producers and one consumer,
// after Dmitry Vyukov's bounded queue. It carries requests to the engine
// goroutine.
//
// Each slot has a turn. For the slot of position p:
//
//	turn        state       who moves it on
//	p           free        the producer that took p from tail, to p+1
//	p+1         full        the consumer, to p+len(slots)
//	p+len(..)   free again  for position p+len(slots)
//
// A producer owns its slot between taking p and storing p+1; the consumer
// waits for the slot at head alone, so requests leave in the order in which
// producers took their positions.
type queue struct {
	slots []queueSlot
	mask  uint64
	_     cacheLine
	tail  atomic.Uint64 // next position of producers
	_     cacheLine
	head  uint64 // next position of the consumer
}

type queueSlot struct {
	turn       atomic.Uint64
	generation *Generation
}

// newQueue makes a ring for at least capacity generations.
func newQueue(capacity int) *queue {
	size := powerOfTwo(max(capacity, 2)) // with one slot, full and free again were one turn
	q := &queue{slots: make([]queueSlot, size), mask: uint64(size - 1)}
	for i := range q.slots {
		q.slots[i].turn.Store(uint64(i))
	}
	return q
}

// powerOfTwo rounds n up.
func powerOfTwo(n int) int {
	size := 1
	for size < n {
		size *= 2
	}
	return size
}

// push appends g; it reports false if the ring is full. Any goroutine.
func (q *queue) push(g *Generation) bool {
	for {
		p := q.tail.Load()
		slot := &q.slots[p&q.mask]
		switch turn := slot.turn.Load(); {
		case turn == p:
			if q.tail.CompareAndSwap(p, p+1) {
				slot.generation = g
				slot.turn.Store(p + 1)
				return true
			}
		case turn < p:
			return false // still full from a round ago
		}
	}
}

// pop removes the oldest generation, nil if there is none. Engine goroutine.
func (q *queue) pop() *Generation {
	slot := &q.slots[q.head&q.mask]
	if slot.turn.Load() != q.head+1 {
		return nil
	}
	g := slot.generation
	slot.generation = nil
	slot.turn.Store(q.head + uint64(len(q.slots)))
	q.head++
	return g
}

// empty reports whether pop would return nil. Engine goroutine.
func (q *queue) empty() bool {
	return q.slots[q.head&q.mask].turn.Load() != q.head+1
}
