package iouring

import (
	"syscall"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// What follows runs on the ring's thread.

// start begins o, a queued op, now or when there is room.
func (r *ring) start(o *op) {
	if !r.backlog.empty() || !r.fits(o) {
		r.backlog.push(o)
		return
	}
	r.issue(o)
}

// restart is submit for the ring's thread: o must be idle.
func (r *ring) restart(o *op) {
	claim(o)
	r.start(o)
}

// fits reports whether o's whole chain has submissions and slots.
func (r *ring) fits(o *op) bool {
	if r.broken != nil || o.cancels.Load() {
		return true // completes without the kernel
	}
	return r.k.room() >= o.chainEntries() && r.slotsFor(o)
}

// slotsFor reports whether the table has room for o's chain.
func (r *ring) slotsFor(o *op) bool {
	return len(r.free)+r.config.ops-len(r.slots) >= int(o.chainEntries())
}

// issue gives o's chain to the kernel; fits has said yes. A chain is broken off
// where it was cancelled before it began.
func (r *ring) issue(o *op) {
	errno := syscall.ECANCELED
	if r.broken != nil {
		errno = r.broken.(syscall.Errno)
	}
	if r.broken != nil || o.cancels.Load() {
		for o != nil {
			next := o.link
			r.finish(o, -int32(errno), 0)
			o = next
		}
		return
	}
	for ; o != nil; o = o.link {
		e := r.k.next()
		o.owner.prepare(o, e)
		e.UserData = r.takeSlot(o)
		if o.link != nil || o.timeout != (sys.Timespec{}) {
			e.Flags |= sys.SQELink
		}
		if o.timeout != (sys.Timespec{}) {
			t := r.k.next()
			t.LinkTimeout(&o.timeout, 0)
			t.UserData = ignoredUserData
			if o.link != nil {
				t.Flags |= sys.SQELink
			}
			r.stats.submissions.Add(1)
		}
		o.state.Store(opIssued)
		r.stats.submissions.Add(1)
	}
}

func (r *ring) takeSlot(o *op) uint64 {
	if n := len(r.free); n > 0 {
		o.slot = r.free[n-1]
		r.free = r.free[:n-1]
	} else {
		o.slot = uint32(len(r.slots))
		r.slots = append(r.slots, ringSlot{})
	}
	r.stats.inUse.Add(1)
	s := &r.slots[o.slot]
	s.op = o
	return uint64(s.generation)<<32 | uint64(o.slot)
}

func (r *ring) freeSlot(slot uint32) {
	s := &r.slots[slot]
	s.op = nil
	s.generation++
	r.stats.inUse.Add(-1)
	r.free = append(r.free, slot)
}

// finish makes o idle and hands its last completion over.
func (r *ring) finish(o *op, res int32, flags uint32) {
	o.state.Store(opIdle)
	o.owner.complete(r, o, res, flags, false)
}

// cancelNow asks the kernel to end o if it has it, takes it out of the backlog
// if it waits there, and does nothing if it has completed meanwhile.
func (r *ring) cancelNow(o *op) {
	o.cancels.Store(true)
	if r.backlog.remove(o) {
		r.issue(o) // which ends it
		return
	}
	if o.state.Load() != opIssued || r.broken != nil {
		return
	}
	request := issuedOp{o, r.slots[o.slot].generation}
	if !r.cancelRequest(request) {
		r.uncancelled = append(r.uncancelled, request)
	}
}

// cancelRequest prepares a cancellation; false if there is no room for it.
func (r *ring) cancelRequest(c issuedOp) bool {
	e := r.k.next()
	if e == nil {
		return false
	}
	e.Cancel(uint64(c.generation)<<32 | uint64(c.op.slot))
	e.UserData = ignoredUserData
	r.stats.submissions.Add(1)
	r.stats.cancels.Add(1)
	return true
}

// retryCancels prepares the cancellations that found no room before.
func (r *ring) retryCancels() {
	for len(r.uncancelled) > 0 {
		c := r.uncancelled[len(r.uncancelled)-1]
		current := c.op.state.Load() == opIssued && r.slots[c.op.slot].generation == c.generation
		if current && !r.cancelRequest(c) {
			return
		}
		r.uncancelled = r.uncancelled[:len(r.uncancelled)-1]
	}
}

// reap works off all completions that are there.
func (r *ring) reap() {
	n := r.k.ready()
	for i := range n {
		c := r.k.completion(i)
		r.stats.completions.Add(1)
		if c.UserData == ignoredUserData {
			continue
		}
		slot, generation := uint32(c.UserData), uint32(c.UserData>>32)
		if int(slot) >= len(r.slots) || r.slots[slot].generation != generation || r.slots[slot].op == nil {
			r.stats.strays.Add(1)
			continue
		}
		o := r.slots[slot].op
		if c.Flags&sys.CQEMore != 0 {
			o.owner.complete(r, o, c.Res, c.Flags, true)
			continue
		}
		r.freeSlot(slot)
		r.finish(o, c.Res, c.Flags)
	}
	if n > 0 {
		r.k.advance(n)
	}
}

// takeBuffer gives the data of a receive's completion; it is valid until
// giveBuffer.
func (r *ring) takeBuffer(res int32, flags uint32) ([]byte, uint16) {
	bid := uint16(flags >> sys.CQEBufferShift)
	return r.k.buffer(bid)[:res], bid
}
