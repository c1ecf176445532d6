package ring

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/sched/mailbox"
)

// Config bounds a ring. All lengths are powers of two.
type Config struct {
	Entries     int // submissions prepared at once
	Completions int // completions the kernel can hold without overflowing
	Queue       int // tasks on their way from other goroutines
	Ops         int // requests in the kernel at once
	Buffers     int // provided buffers, and
	BufferBytes int // the size of each
	InboxBytes  int // what a connection holds unread before its receive is called off
}

// sharedConfig fits thousands of connections. 256 entries also bound how long
// one enter sends before the thread looks at anything else: about 1 ms.
var sharedConfig = Config{
	Entries:     256,
	Completions: 16384,
	Queue:       4096,
	Ops:         1 << 18,
	Buffers:     512,
	BufferBytes: 4096,
	InboxBytes:  64 << 10,
}

// ErrClosed is what a closed ring refuses work with.
var ErrClosed = errors.New("iouring: ring is closed")

// Ring is an io_uring and the thread that owns it. Other goroutines hand it
// tasks through a lock-free queue; it is woken once for any number of them.
//
// Everything below the line in the struct belongs to the ring's thread.
type Ring struct {
	k        Kernel
	config   Config
	queue    *mailbox.Queue[Task]
	asleep   mailbox.Flag
	closing  atomic.Bool
	pushers  atomic.Int64 // inside Post; the queue is final when closing and zero
	stats    counters
	ended    chan struct{}
	users    atomic.Int64
	unused   func()                   // called when users falls to zero; nil: nobody counts
	threaded bool                     // Start has given it a thread
	broken   atomic.Pointer[errEnter] // enter cannot work any more; the ring's thread sets it

	// The ring's thread.
	slots   []ringSlot
	free    []uint32
	backlog opList
	// Cancellations that found no room, to be tried again.
	uncancelled []issuedOp
	cancelled   bool // closing: all that was issued has been asked to end
}

// errEnter is why a ring is broken.
type errEnter struct {
	errno syscall.Errno
	error
}

// ringSlot is an entry of the table that user data points into; the generation
// keeps a late completion from reaching the slot's next user.
type ringSlot struct {
	op         *Op
	generation uint32
}

// issuedOp is one request of an op's, not the next.
type issuedOp struct {
	op         *Op
	generation uint32
}

// ignoredUserData marks cancellations, whose completions mean nothing.
const ignoredUserData = ^uint64(0)

// Start starts a ring with a thread of its own.
func Start(cfg Config) (*Ring, error) {
	r := New(cfg, nil)
	r.threaded = true
	started := make(chan error)
	startThread(func() {
		runtime.LockOSThread()
		// No unlock: the thread ends with the goroutine, and with it whatever
		// the kernel still associates with it.
		k, err := newURing(cfg, &r.stats)
		r.k = k
		started <- err
		for err == nil && r.Step() {
		}
	})
	if err := <-started; err != nil {
		leaveThread()
		return nil, err
	}
	return r, nil
}

// New makes a ring without a thread: who calls Step is it. For simulations.
func New(cfg Config, k Kernel) *Ring {
	return &Ring{k: k, config: cfg, queue: mailbox.NewQueue[Task](cfg.Queue), ended: make(chan struct{})}
}

// Config is what the ring was made with.
func (r *Ring) Config() Config { return r.config }

// Broken is why the ring can do nothing any more, nil while it can: the kernel
// refuses io_uring_enter for good, as a seccomp filter does that came after the
// start. Requests then complete with the errno at once, tasks still run.
func (r *Ring) Broken() error {
	if b := r.broken.Load(); b != nil {
		return b.error
	}
	return nil
}

// Closing reports that the ring takes nothing new.
func (r *Ring) Closing() bool { return r.closing.Load() }

// Write and Shutdown are the plain system calls; any goroutine that holds the
// descriptor open.
func (r *Ring) Write(fd int, p []byte) (int, error) { return r.k.Write(fd, p) }

// Shutdown ends both directions of a socket.
func (r *Ring) Shutdown(fd int) { r.k.Shutdown(fd) }

// Post gives the ring's thread a task and wakes it if it sleeps. It waits while
// the queue is full, so it is not for the ring's own thread, nor for one that
// holds a lock which that thread takes. The error is ErrClosed.
func (r *Ring) Post(t Task) error {
	// Counted before closing is read: the thread that sees closing and no
	// pusher knows that the queue is final, and that nobody will call Wake.
	r.pushers.Add(1)
	defer r.pushers.Add(-1)
	for {
		if r.closing.Load() {
			return ErrClosed
		}
		if r.queue.Push(t) {
			r.kick()
			return nil
		}
		r.stats.queueFull.Add(1)
		r.kick()
		runtime.Gosched()
	}
}

// kick wakes the ring's thread if it sleeps; the caller is counted in pushers.
func (r *Ring) kick() {
	if r.asleep.Claim() {
		r.stats.wakeups.Add(1)
		r.k.Wake()
	}
}

// Submit starts o, from any goroutine but the ring's own. It panics if o is on
// its way already.
func (r *Ring) Submit(o *Op) error {
	o.claim()
	if err := r.Post(o); err != nil {
		o.state.Store(opIdle)
		return err
	}
	return nil
}

// claim moves o to queued; what cancelled its last request does not mean this
// one.
func (o *Op) claim() {
	if !o.state.CompareAndSwap(opIdle, opQueued) {
		panic("iouring: operation submitted twice")
	}
	o.cancels.Store(false)
}

// Cancel asks for o's end, from any goroutine but the ring's own. o completes
// all the same, with -ECANCELED or with what it had done by then. If o completes
// first and is submitted again at once, that request may be the one that is
// cancelled: an owner that submits again must bear it.
func (r *Ring) Cancel(o *Op) error {
	o.cancels.Store(true) // first: what is still in the backlog then ends without the kernel
	return r.Post((*cancellation)(o))
}

// Close cancels what is in the kernel, waits until it has completed, and ends
// the thread. Tasks posted before are done; later ones are refused.
func (r *Ring) Close() {
	// Counted like a poster's: the kernel's side is not gone before Wake.
	r.pushers.Add(1)
	first := !r.closing.Swap(true)
	if first {
		r.k.Wake()
	}
	r.pushers.Add(-1)
	<-r.ended
	if first && r.threaded {
		leaveThread()
	}
}

// Retain counts one more user; the caller is, or stands for, one already, or
// has the lock under which the ring would be ended.
func (r *Ring) Retain() { r.users.Add(1) }

// Release takes a user off. The last one may be the ring's own thread.
func (r *Ring) Release() {
	if r.users.Add(-1) == 0 && r.unused != nil {
		r.unused()
	}
}

// Users is how many there are.
func (r *Ring) Users() int { return int(r.users.Load()) }

// Step is one turn: tasks in, enter, completions out. It reports whether there
// is a next one. The ring's thread is who calls it.
func (r *Ring) Step() bool {
	r.takeTasks()
	// What waits for a slot needs a completion first; what waits for room, only
	// an enter.
	idle := (r.backlog.empty() || !r.slotFree()) && len(r.uncancelled) == 0
	if idle {
		// Asleep first, then one more look: a task pushed after it finds the
		// flag, one pushed before it is seen.
		r.asleep.Prepare()
		idle = r.queue.Empty() && r.maySleep()
	}
	r.turn(idle)
	if !r.done() {
		return true
	}
	r.k.Close()
	close(r.ended)
	return false
}

// turn enters the kernel, and sleeps there if there is nothing else to do.
func (r *Ring) turn(idle bool) {
	if r.broken.Load() != nil {
		if idle {
			r.k.Park()
		}
		r.asleep.Stop()
		return
	}
	r.k.PublishBuffers()
	err := r.k.Enter(idle)
	r.asleep.Stop() // who was faster sends a wake-up; it ends the next sleep early
	r.reap()
	r.entered(err)
}

// maySleep is false while the ring is closing and either someone is still
// posting or the cancellations are not on their way yet.
func (r *Ring) maySleep() bool {
	return !r.closing.Load() || r.cancelled && r.pushers.Load() == 0
}

// takeTasks takes all tasks and prepares what there is room for; the rest waits
// in the backlog, which costs nothing and is bounded by the number of ops.
func (r *Ring) takeTasks() {
	r.retryCancels()
	for !r.backlog.empty() && r.fits(r.backlog.head) {
		r.issue(r.backlog.pop())
	}
	for t, ok := r.queue.Pop(); ok; t, ok = r.queue.Pop() {
		t.OnRing(r)
	}
}

// noMemoryPause is between two tries to submit without memory.
const noMemoryPause = 100 * time.Microsecond

// entered judges the error of an enter. The ordinary ones mean: go on, nothing
// is lost, what was not consumed is submitted with the next.
func (r *Ring) entered(err error) {
	switch err {
	case nil, syscall.EINTR, syscall.ETIME:
	case syscall.EBUSY: // completions must be reaped first, and were
		r.stats.overflows.Add(1)
	case syscall.EAGAIN, syscall.ENOMEM:
		// The kernel has no memory for a request, and nothing tells when it has
		// again: the one wait that is a time.
		time.Sleep(noMemoryPause)
	default:
		r.fail(err)
	}
	if r.k.Overflowed() {
		r.stats.overflows.Add(1)
	}
}

// fail ends all requests of a ring whose enter cannot work any more.
func (r *Ring) fail(err error) {
	errno, ok := err.(syscall.Errno)
	if !ok {
		errno = syscall.EIO
	}
	// Before the owners hear of it: what they restart fails at once.
	r.broken.Store(&errEnter{errno, probe.Explain(os.NewSyscallError("io_uring_enter", errno))})
	r.uncancelled = nil
	for !r.backlog.empty() {
		r.issue(r.backlog.pop())
	}
	for i := range r.slots {
		if o := r.slots[i].op; o != nil {
			r.freeSlot(uint32(i))
			r.finish(o, -int32(errno), 0)
		}
	}
}

// done reports that the ring is closing and nothing is left; before that it has
// all that was issued cancelled.
func (r *Ring) done() bool {
	// pushers before the queue: who is not counted any more has pushed.
	if !r.closing.Load() || r.pushers.Load() != 0 || !r.queue.Empty() || !r.backlog.empty() {
		return false
	}
	if len(r.free) == len(r.slots) {
		return true
	}
	r.cancelled = true
	for i := range r.slots {
		if o := r.slots[i].op; o != nil && !o.cancels.Load() {
			r.CancelNow(o)
		}
	}
	return false
}
