package ring

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// testOp is an op whose completions a test waits for.
type testOp struct {
	Op
	fill    func(e *sys.SQE)
	results chan int32
}

func newTestOp(fill func(e *sys.SQE)) *testOp {
	o := &testOp{fill: fill, results: make(chan int32, 16)}
	o.Owner = o
	return o
}

func (o *testOp) Prepare(_ *Op, e *sys.SQE) { o.fill(e) }

func (o *testOp) Complete(_ *Ring, _ *Op, res int32, _ uint32, _ bool) { o.results <- res }

func (o *testOp) result(t *testing.T) int32 {
	t.Helper()
	select {
	case res := <-o.results:
		return res
	case <-time.After(time.Minute):
		t.Fatal("no completion")
		return 0
	}
}

// smallConfig makes every queue overflow soon.
var smallConfig = Config{Entries: 8, Completions: 16, Queue: 16, Ops: 64, Buffers: 8, BufferBytes: 512}

func requireURing(t testing.TB) {
	t.Helper()
	if _, err := probe.Choose(probe.BackendURing, probe.Shared); err != nil {
		t.Skipf("not supported here: %v", err)
	}
}

// startedRing is a ring that the test closes itself.
func startedRing(t testing.TB) *Ring {
	t.Helper()
	requireURing(t)
	r, err := Start(smallConfig)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testRing(t testing.TB) *Ring {
	t.Helper()
	r := startedRing(t)
	t.Cleanup(r.Close)
	return r
}

func socketPair(t testing.TB) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(p[0]); _ = unix.Close(p[1]) })
	return p[0], p[1]
}

// nop is IORING_OP_NOP, which completes at once with 0.
func nop(e *sys.SQE) { e.Fd = -1 }

// pollIn is IORING_OP_POLL_ADD, which waits until there is something to read.
func pollIn(fd int) func(e *sys.SQE) {
	return func(e *sys.SQE) { e.Opcode, e.Fd, e.OpFlags = 6, int32(fd), unix.POLLIN }
}

func submitAll(t *testing.T, r *Ring, ops ...*testOp) {
	t.Helper()
	for _, o := range ops {
		if err := r.Submit(&o.Op); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRingManyProducers(t *testing.T) {
	r := testRing(t)
	const producers, each = 16, 500
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			o := newTestOp(nop)
			for range each {
				if err := r.Submit(&o.Op); err != nil {
					t.Error(err)
					return
				}
				if res := <-o.results; res != 0 {
					t.Errorf("result %d", res)
				}
			}
		})
	}
	wg.Wait()
	s := r.Stats()
	if s.Completions != producers*each || s.Submissions != producers*each {
		t.Errorf("%d submissions, %d completions, want %d each", s.Submissions, s.Completions, producers*each)
	}
	if s.Wakeups == 0 || s.Enters == 0 || s.Strays != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRingTakesMoreThanItsQueuesHold(t *testing.T) {
	r := testRing(t) // 8 submissions, 16 completions, 16 tasks, 64 ops
	a, b := socketPair(t)
	ops := make([]*testOp, 300)
	for i := range ops {
		ops[i] = newTestOp(pollIn(a))
	}
	submitAll(t, r, ops...)
	if _, err := unix.Write(b, []byte{1}); err != nil {
		t.Fatal(err)
	}
	for _, o := range ops {
		if res := o.result(t); res <= 0 {
			t.Fatalf("result %d", res)
		}
	}
	if n := r.stats.overflows.Load(); n == 0 {
		t.Error("64 results at once did not overflow a queue of 16")
	}
	// One that waits for a place is cancelled without getting one.
	for range 2 {
		_, _ = unix.Read(a, make([]byte, 1))
	}
	submitAll(t, r, ops...)
	last := ops[len(ops)-1]
	if err := r.Cancel(&last.Op); err != nil {
		t.Fatal(err)
	}
	if res := last.result(t); res != -int32(unix.ECANCELED) {
		t.Fatalf("cancelled in the backlog: %d", res)
	}
}

func TestRingCancel(t *testing.T) {
	r := testRing(t)
	a, _ := socketPair(t)
	o := newTestOp(pollIn(a))
	submitAll(t, r, o)
	if err := r.Cancel(&o.Op); err != nil {
		t.Fatal(err)
	}
	if res := o.result(t); res != -int32(unix.ECANCELED) {
		t.Fatalf("cancelled request ended with %d", res)
	}
	// Cancelling what has completed does nothing, and the op is good for more.
	if err := r.Cancel(&o.Op); err != nil {
		t.Fatal(err)
	}
	o.fill = nop
	for range 10 {
		submitAll(t, r, o)
		if res := o.result(t); res != 0 && res != -int32(unix.ECANCELED) {
			t.Fatalf("result %d", res)
		}
	}
}

func TestRingCloseCancelsAndRefuses(t *testing.T) {
	r := testRing(t)
	a, _ := socketPair(t)
	ops := make([]*testOp, 20)
	for i := range ops {
		ops[i] = newTestOp(pollIn(a))
	}
	submitAll(t, r, ops...)
	r.Close()
	for _, o := range ops {
		if res := o.result(t); res != -int32(unix.ECANCELED) {
			t.Fatalf("result %d", res)
		}
	}
	if err := r.Submit(&ops[0].Op); err != ErrClosed {
		t.Fatalf("submit after close: %v", err)
	}
	r.Close()
}

// Each submission that races with Close is either refused or completed: nobody
// waits for a result that does not come.
func TestRingCloseAgainstSubmitters(t *testing.T) {
	const submitters = 4
	for round := range 50 {
		r := startedRing(t)
		under := make(chan bool, submitters)
		ended := make(chan error, submitters)
		for range submitters {
			go func() { ended <- submitUntilClosed(r, under) }()
		}
		for range submitters {
			<-under
		}
		r.Close()
		for range submitters {
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("round %d: a submission was neither refused nor completed", round)
			}
		}
		if s := r.Stats(); s.Submissions != s.Completions {
			t.Fatalf("round %d: %d submissions, %d completions", round, s.Submissions, s.Completions)
		}
	}
}

// submitUntilClosed says on under when its first request has completed.
func submitUntilClosed(r *Ring, under chan<- bool) error {
	o := newTestOp(nop)
	for n := 0; ; n++ {
		err := r.Submit(&o.Op)
		if err == ErrClosed {
			return nil
		}
		if err != nil {
			return err
		}
		if res := <-o.results; res != 0 && res != -int32(unix.ECANCELED) {
			return fmt.Errorf("result %d", res)
		}
		if n == 0 {
			under <- true
		}
	}
}

func TestRingLeavesNothingBehind(t *testing.T) {
	startedRing(t).Close() // what is made once
	before := openDescriptors(t)
	for range 10 {
		startedRing(t).Close()
	}
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// openDescriptors counts this process's descriptors (the one that reads the
// directory is in each count).
func openDescriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func TestSubmittedTwicePanics(t *testing.T) {
	r := testRing(t)
	a, _ := socketPair(t)
	o := newTestOp(pollIn(a))
	submitAll(t, r, o)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = r.Submit(&o.Op)
}

// brokenKernel takes no submissions: enter fails for good.
type brokenKernel struct {
	uring
	sqe sys.SQE
}

func (k *brokenKernel) Next() *sys.SQE   { return &k.sqe }
func (k *brokenKernel) Room() uint32     { return 1 }
func (k *brokenKernel) Enter(bool) error { return unix.EBADF }
func (k *brokenKernel) Ready() uint32    { return 0 }
func (k *brokenKernel) Overflowed() bool { return false }
func (k *brokenKernel) Wake()            {}

func TestBrokenRingFailsWhatItHas(t *testing.T) {
	r := New(smallConfig, &brokenKernel{})
	o := newTestOp(nop)
	for range 2 { // issued, and not even that
		submitAll(t, r, o)
		r.Step()
		if res := o.result(t); res != -int32(unix.EBADF) {
			t.Fatalf("result %d", res)
		}
	}
}
