//go:build linux && goexperiment.ggroup

package ggroup_test

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/ggroup"
)

// These tests ask for progress, not for speed: each would hang if what a
// computing call keeps were never given back.

// computing opens a latency group whose calls compute on n threads.
func computing(t *testing.T, n int) *ggroup.Group {
	t.Helper()
	openLibc(t)
	return open(t, "computes", ggroup.WithClass(ggroup.Latency), ggroup.WithCompute(n))
}

// A spinLock is C's: who locks it while it is locked computes in C.
type spinLock struct{ word *int32 }

func newSpinLock() spinLock {
	l := spinLock{new(int32)}
	l.call(libc.spinInit)
	return l
}

func (l spinLock) call(f uintptr) { purego.SyscallN(f, uintptr(unsafe.Pointer(l.word)), 0) }
func (l spinLock) lock()          { l.call(libc.spinLock) }
func (l spinLock) unlock()        { l.call(libc.unlock) }

// hogs keeps n goroutines of no group busy until stop is called. They yield, so
// that a collection beside them, which does at each span, comes to its end.
func hogs(n int) (stop func()) {
	var end atomic.Bool
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for x := 1; !end.Load(); runtime.Gosched() {
				for range 1000 {
					x *= 3
				}
				runtime.KeepAlive(x)
			}
		})
	}
	return func() { end.Store(true); wg.Wait() }
}

// TestOthersRunWhileCComputes: a call that has all processors computes until
// another goroutine ends it, which therefore must get its share.
func TestOthersRunWhileCComputes(t *testing.T) {
	for _, procs := range []int{1, 2, 3} {
		for _, threads := range []int{1, procs} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			g := computing(t, threads)
			stop := hogs(2)
			lock, done := newSpinLock(), make(chan struct{})
			lock.lock()
			ggroup.BindTo(g, func() {
				defer close(done)
				lock.lock()
			})
			for g.Stats().Compute.Calls == 0 {
				runtime.Gosched()
			}
			runtime.GC()
			lock.unlock()
			<-done
			stop()
			if s := g.Stats().Compute; s.Calls != 1 || s.Time == 0 || threads > 1 && s.Aside == 0 && s.Long == 0 {
				t.Errorf("%d of %d processors: %+v", threads, procs, s)
			}
		}
	}
}

// TestTimersOfAComputingCall: a timer that the caller has set fires on another
// processor, or when the call's is taken.
func TestTimersOfAComputingCall(t *testing.T) {
	for _, procs := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, busy := range []int{0, 2} {
			g := computing(t, 1)
			stop := hogs(busy)
			lock, done := newSpinLock(), make(chan struct{})
			lock.lock()
			ggroup.BindTo(g, func() {
				defer close(done)
				for range 3 {
					time.AfterFunc(time.Millisecond, lock.unlock)
					lock.lock()
				}
			})
			<-done
			stop()
		}
	}
}

// TestWhoComesLateToAComputingCall: a call computes alone, and so long that sysmon
// has no reason to look. Who comes then ends it: by a timer, out of another call of
// C, or awakened by what another process writes.
func TestWhoComesLateToAComputingCall(t *testing.T) {
	const late = 30 * time.Millisecond
	for name, come := range map[string]func(end func()){
		"timer": func(end func()) { time.AfterFunc(late, end) },
		"call":  func(end func()) { go func() { sleepInC(late); end() }() },
		"pipe": func(end func()) {
			command := exec.Command("sleep", strconv.FormatFloat(late.Seconds(), 'f', -1, 64))
			output, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Skip("not supported: no program to run: ", err)
			}
			go func() { _, _ = io.ReadAll(output); end(); _ = command.Wait() }()
		},
	} {
		for _, procs := range []int{1, 2} {
			for _, threads := range []int{1, procs} {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				g := computing(t, threads)
				lock, done := newSpinLock(), make(chan struct{})
				lock.lock()
				come(lock.unlock)
				ggroup.BindTo(g, func() {
					defer close(done)
					lock.lock()
				})
				<-done
				if s := g.Stats().Compute; s.Calls != 1 {
					t.Errorf("%s, %d of %d processors: %+v", name, threads, procs, s)
				}
			}
		}
	}
}

// TestASleepingCallKeepsNothing: a call that waits in C, not computing, gives
// back what is set aside.
func TestASleepingCallKeepsNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	g := computing(t, 2)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	fd := reader.Fd() // and blocking from now on
	done := make(chan struct{})
	ggroup.BindTo(g, func() {
		defer close(done)
		buffer := new([8]byte)
		purego.SyscallN(libc.read, fd, uintptr(unsafe.Pointer(buffer)), 1)
	})
	for g.Stats().Compute.Asleep == 0 {
		runtime.Gosched()
	}
	if _, err := writer.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	<-done
}

// TestCallbacksOfAComputingCall: Go that C calls may wait for others, call C
// again, and panic through C. Only the outermost call counts, and nothing is
// kept afterwards.
func TestCallbacksOfAComputingCall(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	g := computing(t, 2)
	const rounds = 20
	done := make(chan struct{})
	ggroup.BindTo(g, func() {
		defer close(done)
		for i := range rounds {
			calls := 0
			thrown := panics(func() {
				sortInC(20, func() {
					calls++
					switch {
					case calls == 3:
						parks()
					case calls == 5:
						sleepInC(time.Microsecond)
					case calls == 7:
						runtime.GC()
					case calls == 9 && i%2 == 1:
						panic("through C")
					}
				})
			})
			if want := i%2 == 1; (thrown == "through C") != want {
				t.Errorf("round %d: C returns %v", i, thrown)
			}
		}
	})
	<-done
	if s := g.Stats().Compute; s.Calls != rounds {
		t.Errorf("%d calls of C: %+v", rounds, s)
	}
	// Nothing is set aside any more: another call finds all that it wants.
	after := computing(t, 2)
	if err := after.Do(func() { sortInC(2, func() {}) }); err != nil {
		t.Fatal(err)
	}
	if s := after.Stats().Compute; s.Calls != 1 || s.Short != 0 {
		t.Errorf("a call afterwards: %+v", s)
	}
}

// TestComputingCallsTogether: several calls at once, in several groups, on
// changing numbers of processors, beside others of every kind.
func TestComputingCallsTogether(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	a, b := computing(t, 2), computing(t, 3)
	eager := open(t, "eager", ggroup.WithEagerHandoff(), ggroup.WithClass(ggroup.Background))
	alone := open(t, "alone", ggroup.WithExclusive(1), ggroup.WithCompute(2))
	stop := hogs(2)
	var wg sync.WaitGroup
	for _, g := range []*ggroup.Group{a, b, eager, alone} {
		for i := range 3 {
			wg.Add(1)
			ggroup.BindTo(g, func() {
				defer wg.Done()
				if i == 0 {
					runtime.LockOSThread()
				}
				lock := newSpinLock()
				for range 5 {
					lock.lock()
					go lock.unlock()
					lock.lock()
					lock.unlock()
					calls := 0
					sortInC(50, func() {
						if calls++; calls == 7 {
							parks()
						}
					})
					if i == 2 {
						sleepInC(100 * time.Microsecond)
					}
				}
			})
		}
	}
	for _, n := range []int{1, 4, 2, 3} {
		runtime.GOMAXPROCS(n)
		runtime.GC()
	}
	wg.Wait()
	stop()
}
