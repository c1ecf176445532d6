package iouring

import "sync/atomic"

// task is something a ring's thread has to do. It must not block.
type task interface {
	onRing(r *ring)
}

// queue is a bounded queue of tasks, many producers, one consumer, no lock:
// a ring of cells, each with the number of the turn it is good for (after
// Dmitry Vyukov's bounded queue).
//
//	cell.turn    the cell is                          moved by
//	n            free for the producer of number n    the consumer, one lap ago
//	n + 1        filled by that producer              the producer, after writing
//	n + len      free again, one lap on               the consumer, after taking
//
// tail is the next producer's number, taken by compare-and-swap; head belongs
// to the consumer alone.
type queue struct {
	cells []queueCell
	mask  uint64
	_     [64]byte // producers' and consumer's words on lines of their own
	tail  atomic.Uint64
	_     [64]byte
	head  uint64
}

type queueCell struct {
	turn atomic.Uint64
	task task
}

// newQueue makes a queue of n tasks, a power of two.
func newQueue(n int) *queue {
	if n <= 0 || n&(n-1) != 0 {
		panic("iouring: queue length must be a power of two")
	}
	q := &queue{cells: make([]queueCell, n), mask: uint64(n - 1)}
	for i := range q.cells {
		q.cells[i].turn.Store(uint64(i))
	}
	return q
}

// push appends t; false if the queue is full. Any goroutine.
func (q *queue) push(t task) bool {
	n := q.tail.Load()
	for {
		c := &q.cells[n&q.mask]
		switch turn := c.turn.Load(); {
		case turn == n:
			if q.tail.CompareAndSwap(n, n+1) {
				c.task = t
				c.turn.Store(n + 1)
				return true
			}
			n = q.tail.Load()
		case turn < n:
			return false // a lap behind: full
		default:
			n = q.tail.Load() // another producer was faster
		}
	}
}

// pop takes the oldest task, nil if there is none. The consumer only.
func (q *queue) pop() task {
	c := &q.cells[q.head&q.mask]
	if c.turn.Load() != q.head+1 {
		return nil
	}
	t := c.task
	c.task = nil
	c.turn.Store(q.head + uint64(len(q.cells)))
	q.head++
	return t
}

// empty reports that pop would give nothing. The consumer only.
func (q *queue) empty() bool {
	return q.cells[q.head&q.mask].turn.Load() != q.head+1
}
