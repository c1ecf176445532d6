package ccall

import (
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// computeAddress is the address of computeC, for a call as of C code.
var computeAddress uintptr

// cycles returns the time-stamp counter.
func cycles() uint64

// endedAt is where computeC notes the counter. It is not on a stack, and only
// one goroutine at a time calls computeC.
var endedAt uint64

// A Computation is a C call that computes for a certain time.
type Computation struct {
	steps           uintptr
	cyclesPerSecond float64
}

// New calibrates a call that takes about d on an idle processor: by the CPU time of
// the fastest of some calls, which other programs on the machine change least.
func New(d time.Duration) (Computation, error) {
	const steps = 2_000_000
	c := Computation{steps: steps}
	best := math.Inf(1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin, beginCycles := time.Now(), cycles()
	for range 10 {
		callBegin, err := threadTime()
		if err != nil {
			return c, err
		}
		c.Call()
		callEnd, err := threadTime()
		if err != nil {
			return c, err
		}
		best = min(best, (callEnd-callBegin).Seconds()/steps)
	}
	c.cyclesPerSecond = float64(cycles()-beginCycles) / time.Since(begin).Seconds()
	c.steps = uintptr(max(1, d.Seconds()/best))
	return c, nil
}

// Call calls C and returns the time from C's last act to now. The counter runs
// at one constant rate on all cores of any machine that Go's own timers work
// well on.
func (c Computation) Call() time.Duration {
	purego.SyscallN(computeAddress, c.steps, uintptr(unsafe.Pointer(&endedAt)))
	return time.Duration(float64(cycles()-endedAt) / c.cyclesPerSecond * float64(time.Second))
}

// threadTime returns the CPU time of the calling thread.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("ccall: read the thread's clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
