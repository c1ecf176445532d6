package ring

import (
	"sync/atomic"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// Task is something a ring's thread has to do. It must not block.
type Task interface {
	OnRing(r *Ring)
}

// Op is one request to the kernel. It belongs to its owner and is used again
// and again without allocation, one request at a time.
//
//	state      meaning                             moved by
//	opIdle     nobody knows it                     -
//	opQueued   on its way to the ring's thread     submit: idle → queued
//	           or in its backlog
//	opIssued   the kernel has it                   ring's thread: queued → issued
//	opIdle     completed for good                  ring's thread: issued → idle at
//	                                               the completion without CQEMore,
//	                                               queued → idle if cancelled before
//
// The owner's Complete runs after the move to idle, so it may submit again.
type Op struct {
	Owner   Owner
	state   atomic.Uint32
	cancels atomic.Bool // wanted by someone; cleared by the next submit

	slot uint32 // index in the ring's table while issued
	next *Op    // in the backlog
}

// Owner fills requests in and takes their results, on the ring's thread, and
// must not block there.
type Owner interface {
	// Prepare fills in everything but the user data.
	Prepare(o *Op, e *sys.SQE)
	// Complete takes one completion. more means that others follow.
	Complete(r *Ring, o *Op, res int32, flags uint32, more bool)
}

// Idle reports whether nobody knows of o, on the ring's thread.
func (o *Op) Idle() bool { return o.state.Load() == opIdle }

const (
	opIdle uint32 = iota
	opQueued
	opIssued
)

// OnRing implements Task: the op starts.
func (o *Op) OnRing(r *Ring) { r.start(o) }

// cancellation is an op seen as the task of cancelling it.
type cancellation Op

func (c *cancellation) OnRing(r *Ring) { r.CancelNow((*Op)(c)) }

// opList is a first-in-first-out list through op.next.
type opList struct{ head, tail *Op }

func (l *opList) empty() bool { return l.head == nil }

func (l *opList) push(o *Op) {
	o.next = nil
	if l.head == nil {
		l.head = o
	} else {
		l.tail.next = o
	}
	l.tail = o
}

func (l *opList) pop() *Op {
	o := l.head
	l.head, o.next = o.next, nil
	return o
}

// remove takes o out and reports whether it was there.
func (l *opList) remove(o *Op) bool {
	var before *Op
	for x := l.head; x != nil; before, x = x, x.next {
		if x != o {
			continue
		}
		if before == nil {
			l.head = o.next
		} else {
			before.next = o.next
		}
		if l.tail == o {
			l.tail = before
		}
		o.next = nil
		return true
	}
	return false
}
