package iouring

import (
	"bytes"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// testOp is an op whose completions a test waits for.
type testOp struct {
	op
	fill    func(e *sys.SQE)
	results chan int32
}

func newTestOp(fill func(e *sys.SQE)) *testOp {
	o := &testOp{fill: fill, results: make(chan int32, 16)}
	o.owner = o
	return o
}

func (o *testOp) prepare(_ *op, e *sys.SQE) { o.fill(e) }

func (o *testOp) complete(_ *ring, _ *op, res int32, _ uint32, _ bool) { o.results <- res }

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

func testRing(t testing.TB) *ring {
	t.Helper()
	requireBackend(t, WithBackend(BackendURing))
	r, err := startRing(ringConfig{entries: 8, completions: 16, queue: 16, ops: 64, buffers: 8, bufferBytes: 512, inboxBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
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

func nop(e *sys.SQE) { e.Nop() }

func pollIn(fd int) func(e *sys.SQE) { return func(e *sys.SQE) { e.Poll(fd, unix.POLLIN) } }

func submitAll(t *testing.T, r *ring, ops ...*testOp) {
	t.Helper()
	for _, o := range ops {
		if err := r.submit(&o.op); err != nil {
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
				if err := r.submit(&o.op); err != nil {
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
	s := r.stats.snapshot()
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
	if err := r.cancel(&last.op); err != nil {
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
	if err := r.cancel(&o.op); err != nil {
		t.Fatal(err)
	}
	if res := o.result(t); res != -int32(unix.ECANCELED) {
		t.Fatalf("cancelled request ended with %d", res)
	}
	// Cancelling what has completed does nothing, and the op is good for more.
	if err := r.cancel(&o.op); err != nil {
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

func TestRingTimeout(t *testing.T) {
	r := testRing(t)
	a, b := socketPair(t)
	o := newTestOp(pollIn(a))
	o.timeout = sys.Timespec{Nsec: int64(5 * time.Millisecond)}
	submitAll(t, r, o)
	if res := o.result(t); res != -int32(unix.ECANCELED) {
		t.Fatalf("timed out request ended with %d", res)
	}
	o.timeout = sys.Timespec{Sec: 60}
	submitAll(t, r, o)
	_, _ = unix.Write(b, []byte{1})
	if res := o.result(t); res <= 0 {
		t.Fatalf("request before its timeout ended with %d", res)
	}
}

func TestRingLinkedOperations(t *testing.T) {
	r := testRing(t)
	a, b := socketPair(t)
	chain := func(fills ...func(*sys.SQE)) []*testOp {
		ops := make([]*testOp, len(fills))
		for i, f := range fills {
			ops[i] = newTestOp(f)
			if i > 0 {
				ops[i-1].link = &ops[i].op
			}
		}
		return ops
	}
	// The second starts when the first is done.
	ops := chain(pollIn(a), nop)
	submitAll(t, r, ops[0])
	select {
	case <-ops[1].results:
		t.Fatal("the linked operation did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	_, _ = unix.Write(b, []byte{1})
	if first, second := ops[0].result(t), ops[1].result(t); first <= 0 || second != 0 {
		t.Fatalf("results %d, %d", first, second)
	}
	// A failure ends the chain.
	ops = chain(func(e *sys.SQE) { e.Poll(-1, unix.POLLIN) }, nop, nop)
	submitAll(t, r, ops[0])
	if first := ops[0].result(t); first != -int32(unix.EBADF) {
		t.Fatalf("first ended with %d", first)
	}
	for _, o := range ops[1:] {
		if res := o.result(t); res != -int32(unix.ECANCELED) {
			t.Fatalf("after a failure: %d", res)
		}
	}
	// So does a timeout inside it.
	ops = chain(pollIn(b), nop)
	ops[0].timeout = sys.Timespec{Nsec: int64(5 * time.Millisecond)}
	submitAll(t, r, ops[0])
	for _, o := range ops {
		if res := o.result(t); res != -int32(unix.ECANCELED) {
			t.Fatalf("after a timeout: %d", res)
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
	r.close()
	for _, o := range ops {
		if res := o.result(t); res != -int32(unix.ECANCELED) {
			t.Fatalf("result %d", res)
		}
	}
	if err := r.submit(&ops[0].op); err != errRingClosed {
		t.Fatalf("submit after close: %v", err)
	}
	r.close()
}

func TestRingCloseAgainstSubmitters(t *testing.T) {
	for range 50 {
		r := testRing(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				o := newTestOp(nop)
				for r.submit(&o.op) == nil {
					<-o.results
				}
			})
		}
		time.Sleep(time.Millisecond)
		r.close()
		wg.Wait() // each submission was either refused or completed
	}
}

func TestRingLeavesNothingBehind(t *testing.T) {
	r := testRing(t)
	r.close()
	before := openDescriptors(t)
	for range 10 {
		testRing(t).close()
	}
	if after := settle(before, func() int { return openDescriptors(t) }); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
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
	_ = r.submit(&o.op)
}

func TestQueue(t *testing.T) {
	q := newQueue(8)
	ops := make([]op, 9)
	for lap := range 3 {
		for i := range 8 {
			if !q.push(&ops[i]) {
				t.Fatalf("lap %d: queue of 8 full at %d", lap, i)
			}
		}
		if q.push(&ops[8]) {
			t.Fatal("queue of 8 took 9")
		}
		for i := range 8 {
			if q.empty() || q.pop() != task(&ops[i]) {
				t.Fatalf("lap %d: wrong order at %d", lap, i)
			}
		}
		if !q.empty() || q.pop() != nil {
			t.Fatal("an empty queue gave something")
		}
	}
}

func TestBrokenRingFailsWhatItHas(t *testing.T) {
	k := newSimKernel(1, 8, 8, 2)
	r := newRing(ringConfig{entries: 8, completions: 8, queue: 16, ops: 16})
	r.k = k
	k.sockets[1] = &simSocket{}
	o := newTestOp(func(e *sys.SQE) { e.Recv(1, receiveGroup) })
	submitAll(t, r, o)
	r.takeTasks()
	r.entered(syscall.EBADF)
	if res := o.result(t); res != -int32(unix.EBADF) {
		t.Fatalf("result %d", res)
	}
	submitAll(t, r, o)
	r.takeTasks()
	if res := o.result(t); res != -int32(unix.EBADF) {
		t.Fatalf("after that: %d", res)
	}
}

// More arrives at once than there are provided buffers: the receive ends for
// want of them and goes on, and the order stays.
func TestReceiveWithoutBuffers(t *testing.T) {
	r := testRing(t) // 8 buffers of 512 bytes, an inbox of 4096
	a, b := socketPair(t)
	fd, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	sent := make([]byte, 64<<10)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	if n, err := unix.Write(b, sent); n != len(sent) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	c := &Conn{network: "unix"}
	c.init(fd)
	c.in.init()
	c.out.init()
	x := newRingIO(c, r)
	c.ringIO.Store(x)
	x.arm()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("what was read differs from what was sent, %v", err)
	}
	if r.stats.noBuffers.Load() == 0 {
		t.Error("the buffers never ran out")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
