package iouring

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// ringConfig bounds a ring. All lengths are powers of two.
type ringConfig struct {
	entries     int // submissions prepared at once
	completions int // completions the kernel can hold without overflowing
	queue       int // tasks on their way from other goroutines
	ops         int // requests in the kernel at once
	buffers     int // provided buffers, and
	bufferBytes int // the size of each
	inboxBytes  int // what a connection whose reader does not read holds before its
	// receive is called off; it goes on at half of that
}

// defaultRingConfig fits thousands of connections. 256 entries also bound how
// long one enter sends before the thread looks at anything else: about 1 ms.
var defaultRingConfig = ringConfig{
	entries:     256,
	completions: 16384,
	queue:       4096,
	ops:         1 << 18,
	buffers:     512,
	bufferBytes: 4096,
	inboxBytes:  64 << 10,
}

var errRingClosed = errors.New("iouring: ring is closed")

// chainLimit is the most ops that can be linked.
const chainLimit = 16

// ring is an io_uring and the thread that owns it: a goroutine locked to its
// thread, because a ring's requests belong to the thread that submitted them.
// Other goroutines hand it tasks through a lock-free queue; it is woken once for
// any number of them.
//
//	asleep   meaning                              moved by
//	false    awake: will look at the queue        the ring's thread
//	true     about to sleep or asleep             the ring's thread, which looks at
//	                                              the queue once more after
//	true→false  someone has taken it on himself   a producer, by compare-and-swap,
//	            to wake it                        after its push; then wake
//
// Everything below the line in the struct belongs to the ring's thread.
type ring struct {
	k       kernel
	config  ringConfig
	queue   *queue
	asleep  atomic.Bool
	closing atomic.Bool
	pushers atomic.Int64 // inside post; the queue is final when closing and zero
	stats   ringCounters
	ended   chan struct{}
	users   atomic.Int64
	unused  func() // called when users falls to zero; nil: nobody counts

	// The ring's thread.
	slots   []ringSlot
	free    []uint32
	backlog opList
	// Cancellations that found no room, to be tried again.
	uncancelled []issuedOp
	cancelled   bool // closing: all that was issued has been asked to end
	stopped     bool
	broken      error
}

// ringSlot is an entry of the table that user data points into; the generation
// keeps a late completion from reaching the slot's next user.
type ringSlot struct {
	op         *op
	generation uint32
}

// issuedOp is one request of an op's, not the next.
type issuedOp struct {
	op         *op
	generation uint32
}

// ignoredUserData marks submissions whose completions mean nothing: link
// timeouts and cancellations.
const ignoredUserData = ^uint64(0)

// startRing starts a ring with a thread of its own.
func startRing(cfg ringConfig) (*ring, error) {
	r := newRing(cfg)
	started := make(chan error)
	startThread(func() {
		runtime.LockOSThread()
		// No unlock: the thread ends with the goroutine, and with it whatever
		// the kernel still associates with it.
		k, err := newURing(cfg, &r.stats)
		r.k = k
		started <- err
		if err == nil {
			r.run()
		}
	})
	if err := <-started; err != nil {
		leaveThread()
		return nil, err
	}
	return r, nil
}

func newRing(cfg ringConfig) *ring {
	return &ring{config: cfg, queue: newQueue(cfg.queue), ended: make(chan struct{})}
}

// post gives the ring's thread a task and wakes it if it sleeps. It waits while
// the queue is full, so it is not for the ring's own thread, nor for one that
// holds a lock which that thread takes. The error is errRingClosed.
func (r *ring) post(t task) error {
	// Nothing of the kernel's side is closed while anybody is in here.
	r.pushers.Add(1)
	defer r.pushers.Add(-1)
	for {
		if r.closing.Load() {
			return errRingClosed
		}
		if r.queue.push(t) {
			r.kick()
			return nil
		}
		r.stats.queueFull.Add(1)
		r.kick()
		runtime.Gosched()
	}
}

// kick wakes the ring's thread if it sleeps; the caller is counted in pushers.
func (r *ring) kick() {
	if r.asleep.Load() && r.asleep.CompareAndSwap(true, false) {
		r.stats.wakeups.Add(1)
		r.k.wake()
	}
}

// submit starts o, and then what is linked to it, from any goroutine but the
// ring's own. It panics if o is on its way already.
func (r *ring) submit(o *op) error {
	if o.chainEntries() > chainLimit*2 {
		panic("iouring: chain of linked operations is too long")
	}
	claim(o)
	if err := r.post(o); err != nil {
		unclaim(o)
		return err
	}
	return nil
}

func claim(o *op) {
	for ; o != nil; o = o.link {
		if !o.state.CompareAndSwap(opIdle, opQueued) {
			panic("iouring: operation submitted twice")
		}
		o.cancels.Store(false)
	}
}

func unclaim(o *op) {
	for ; o != nil; o = o.link {
		o.state.Store(opIdle)
	}
}

// cancel asks for o's end, from any goroutine but the ring's own. o completes
// all the same, with -ECANCELED or with what it had done by then. If o completes
// first and is submitted again at once, that request may be the one that is
// cancelled: an owner that submits again must bear it.
func (r *ring) cancel(o *op) error {
	o.cancels.Store(true)
	return r.post((*cancellation)(o))
}

// close cancels what is in the kernel, waits until it has completed, and ends
// the thread. Tasks posted before are done; later ones are refused.
func (r *ring) close() {
	r.pushers.Add(1)
	first := !r.closing.Swap(true)
	if first {
		r.k.wake()
	}
	r.pushers.Add(-1)
	<-r.ended
	if first {
		leaveThread()
	}
}

// retain counts one more user; the caller is, or stands for, one already, or
// has the lock under which the ring would be ended.
func (r *ring) retain() { r.users.Add(1) }

// release takes a user off. The last one may be the ring's own thread.
func (r *ring) release() {
	if r.users.Add(-1) == 0 && r.unused != nil {
		r.unused()
	}
}

// run is the ring's thread.
func (r *ring) run() {
	defer close(r.ended)
	for !r.stopped {
		r.step()
	}
	r.k.close()
}

// step is one turn: tasks in, enter, completions out.
func (r *ring) step() {
	r.takeTasks()
	// What waits for a slot needs a completion first; what waits for room, only
	// an enter.
	idle := (r.backlog.empty() || !r.slotsFor(r.backlog.head)) && len(r.uncancelled) == 0 && r.broken == nil
	if idle {
		r.asleep.Store(true)
		idle = r.queue.empty() && r.maySleep()
	}
	r.k.publishBuffers()
	err := r.k.enter(idle)
	r.asleep.Store(false)
	r.reap()
	r.entered(err)
	r.stopIfDone()
}

// maySleep is false while the ring is closing and either someone is still
// posting or the cancellations are not on their way yet.
func (r *ring) maySleep() bool {
	return !r.closing.Load() || r.cancelled && r.pushers.Load() == 0
}

// takeTasks takes all tasks and prepares what there is room for; the rest waits
// in the backlog, which costs nothing and is bounded by the number of ops.
func (r *ring) takeTasks() {
	r.retryCancels()
	for !r.backlog.empty() && r.fits(r.backlog.head) {
		r.issue(r.backlog.pop())
	}
	for t := r.queue.pop(); t != nil; t = r.queue.pop() {
		t.onRing(r)
	}
}

// entered judges the error of an enter. The ordinary ones mean: go on, nothing
// is lost, what was not consumed is submitted with the next.
func (r *ring) entered(err error) {
	switch err {
	case nil, syscall.EINTR, syscall.ETIME:
	case syscall.EBUSY: // completions must be reaped first, and were
		r.stats.overflows.Add(1)
	case syscall.EAGAIN, syscall.ENOMEM:
		time.Sleep(100 * time.Microsecond)
	default:
		r.fail(err)
	}
	if r.k.overflowed() {
		r.stats.overflows.Add(1)
	}
}

// fail ends all requests of a ring whose enter cannot work any more.
func (r *ring) fail(err error) {
	errno, ok := err.(syscall.Errno)
	if !ok {
		errno = syscall.EIO
	}
	r.broken = errno
	for i := range r.slots {
		if o := r.slots[i].op; o != nil {
			r.freeSlot(uint32(i))
			r.finish(o, -int32(errno), 0)
		}
	}
}

// stopIfDone ends the thread when the ring is closing and nothing is left.
func (r *ring) stopIfDone() {
	if !r.closing.Load() || r.pushers.Load() != 0 || !r.queue.empty() || !r.backlog.empty() {
		return
	}
	if len(r.free) == len(r.slots) {
		r.stopped = true
		return
	}
	r.cancelled = true
	for i := range r.slots {
		if o := r.slots[i].op; o != nil && !o.cancels.Load() {
			r.cancelNow(o)
		}
	}
}
