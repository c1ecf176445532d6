package iouring

import (
	"sync/atomic"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// op is one request to the kernel. It belongs to its owner and is used again
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
// The owner's complete runs after the move to idle, so it may submit again.
type op struct {
	owner   opOwner
	kind    uint8 // the owner's own, to tell its ops apart
	state   atomic.Uint32
	cancels atomic.Bool // wanted by someone; cleared by the ring's thread

	slot    uint32       // index in the ring's table while issued
	link    *op          // starts when this one has succeeded; set before submit
	next    *op          // in the backlog
	timeout sys.Timespec // zero: none. Cancels the request when it passes
}

// opOwner fills requests in and takes their results, on the ring's thread, and
// must not block there.
type opOwner interface {
	// prepare fills in everything but the user data and link flags.
	prepare(o *op, e *sys.SQE)
	// complete takes one completion. more means that others follow.
	complete(r *ring, o *op, res int32, flags uint32, more bool)
}

const (
	opIdle uint32 = iota
	opQueued
	opIssued
)

// onRing implements task: the op starts.
func (o *op) onRing(r *ring) { r.start(o) }

// cancellation is an op seen as the task of cancelling it.
type cancellation op

func (c *cancellation) onRing(r *ring) { r.cancelNow((*op)(c)) }

// chainEntries is the number of submissions that o and what is linked to it
// take, timeouts included.
func (o *op) chainEntries() uint32 {
	n := uint32(0)
	for ; o != nil; o = o.link {
		n++
		if o.timeout != (sys.Timespec{}) {
			n++
		}
	}
	return n
}

// opList is a first-in-first-out list through op.next.
type opList struct{ head, tail *op }

func (l *opList) empty() bool { return l.head == nil }

func (l *opList) push(o *op) {
	o.next = nil
	if l.head == nil {
		l.head = o
	} else {
		l.tail.next = o
	}
	l.tail = o
}

func (l *opList) pop() *op {
	o := l.head
	l.head, o.next = o.next, nil
	return o
}

// remove takes o out and reports whether it was there.
func (l *opList) remove(o *op) bool {
	var before *op
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
