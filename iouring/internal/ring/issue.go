package ring

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// What follows runs on the ring's thread.

// start begins o, a queued op, now or when there is room.
func (r *Ring) start(o *Op) {
	if !r.backlog.empty() || !r.fits(o) {
		r.backlog.push(o)
		return
	}
	r.issue(o)
}

// Restart is Submit for the ring's thread: o must be idle.
func (r *Ring) Restart(o *Op) {
	o.claim()
	r.start(o)
}

// fits reports whether there is a submission and a slot for o.
func (r *Ring) fits(o *Op) bool {
	if r.broken.Load() != nil || o.cancels.Load() {
		return true // completes without the kernel
	}
	return r.k.Room() > 0 && r.slotFree()
}

// slotFree reports whether the table has room.
func (r *Ring) slotFree() bool { return len(r.free)+r.config.Ops > len(r.slots) }

// issue gives o to the kernel; fits has said yes. One that was cancelled before
// it began ends here.
func (r *Ring) issue(o *Op) {
	if b := r.broken.Load(); b != nil {
		r.finish(o, -int32(b.errno), 0)
		return
	}
	if o.cancels.Load() {
		r.finish(o, -int32(syscall.ECANCELED), 0)
		return
	}
	e := r.k.Next()
	o.Owner.Prepare(o, e)
	e.UserData = r.takeSlot(o)
	o.state.Store(opIssued)
	r.stats.submissions.Add(1)
}

func (r *Ring) takeSlot(o *Op) uint64 {
	if n := len(r.free); n > 0 {
		o.slot = r.free[n-1]
		r.free = r.free[:n-1]
	} else {
		o.slot = uint32(len(r.slots))
		r.slots = append(r.slots, ringSlot{})
	}
	s := &r.slots[o.slot]
	s.op = o
	return uint64(s.generation)<<32 | uint64(o.slot)
}

func (r *Ring) freeSlot(slot uint32) {
	s := &r.slots[slot]
	s.op = nil
	s.generation++ // what still comes for the old request finds nobody
	r.free = append(r.free, slot)
}

// finish makes o idle and hands its last completion over: idle first, so that
// the owner may submit it again.
func (r *Ring) finish(o *Op, res int32, flags uint32) {
	o.state.Store(opIdle)
	o.Owner.Complete(r, o, res, flags, false)
}

// CancelNow asks the kernel to end o if it has it, takes it out of the backlog
// if it waits there, and does nothing if it has completed meanwhile.
func (r *Ring) CancelNow(o *Op) {
	o.cancels.Store(true) // before issue, which ends what is cancelled
	if r.backlog.remove(o) {
		r.issue(o)
		return
	}
	if o.state.Load() != opIssued || r.broken.Load() != nil {
		return
	}
	request := issuedOp{o, r.slots[o.slot].generation}
	if !r.cancelRequest(request) {
		r.uncancelled = append(r.uncancelled, request)
	}
}

// cancelRequest prepares a cancellation; false if there is no room for it.
func (r *Ring) cancelRequest(c issuedOp) bool {
	e := r.k.Next()
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
func (r *Ring) retryCancels() {
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
func (r *Ring) reap() {
	n := r.k.Ready()
	for i := range n {
		c := r.k.Completion(i)
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
			o.Owner.Complete(r, o, c.Res, c.Flags, true)
			continue
		}
		r.freeSlot(slot)
		r.finish(o, c.Res, c.Flags)
	}
	if n > 0 {
		r.k.Advance(n)
	}
}

// Buffer gives the data of a receive's completion, and the buffer's number; it
// is valid until GiveBuffer.
func (r *Ring) Buffer(res int32, flags uint32) ([]byte, uint16) {
	bid := uint16(flags >> sys.CQEBufferShift)
	return r.k.Buffer(bid)[:res], bid
}

// GiveBuffer gives a provided buffer back to the kernel.
func (r *Ring) GiveBuffer(bid uint16) { r.k.AddBuffer(bid) }

// CountNoBuffers counts a receive that found no provided buffer.
func (r *Ring) CountNoBuffers() { r.stats.noBuffers.Add(1) }

// CountShortSend counts a send that the kernel took in part.
func (r *Ring) CountShortSend() { r.stats.shortSends.Add(1) }

// RegisterBuffers registers memory for reads. On the ring's thread, because a
// single-issuer ring refuses others.
func (r *Ring) RegisterBuffers(v []unix.Iovec) error { return r.k.RegisterBuffers(v) }
