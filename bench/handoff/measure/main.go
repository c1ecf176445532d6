// Command handoff measures what a C call does to other goroutines, and they to
// it.
//
// Behind (behind.go): with GOMAXPROCS=1 a goroutine becomes ready and the one
// that readied it calls C for 50 ms. The delay is the time until the ready one
// runs; on an idle program, and after 100 ms of computation, when stock Go's
// monitor thread looks at the Ps every 10 ms only.
//
// Return (return.go): a goroutine calls C again and again beside CPU-bound
// ones. The delay is the time from the end of the C code to the goroutine's
// running. And what a call costs that does nothing.
//
// C is called without cgo, through purego, which takes the way that the
// engine's library is called on: runtime.cgocall.
package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/bench/handoff"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

var (
	calls  = flag.Int("calls", 50, "C calls behind which a goroutine waits, idle and busy each")
	length = flag.Duration("call", 50*time.Millisecond, "length of such a call")
	busy   = flag.Duration("busy", 100*time.Millisecond, "computation before a call of the busy kind")
	idle   = flag.Duration("idle", 20*time.Millisecond, "sleep before a call of the idle kind")

	window     = flag.Duration("window", 1500*time.Millisecond, "time for which each kind of return is measured")
	hogs       = flag.Int("hogs", 16, "CPU-bound goroutines beside the one that returns")
	processors = flag.Int("procs", 2, "GOMAXPROCS of the returns")
	shortCall  = flag.Duration("short-call", 2*time.Millisecond, "length of a call that returns beside the hogs")
	emptyCalls = flag.Int("empty-calls", 20_000, "calls that do nothing, for the cost of a call")
	library    = flag.String("libc", "libc.so.6", "the C library")
)

func main() { sample.Main(handoff.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *calls < 1 || *hogs < 0 || *processors < 1 || *emptyCalls < 1 {
		return errors.New("calls, procs and empty-calls must be positive, hogs at least 0")
	}
	if *length <= 0 || *busy < 0 || *idle < 0 || *window <= 0 || *shortCall <= 0 {
		return errors.New("call, window and short-call must be positive, busy and idle at least 0")
	}
	libc, err := purego.Dlopen(*library, purego.RTLD_NOW)
	if err != nil {
		return fmt.Errorf("open the C library: %w: -libc=file names it", err)
	}
	usleep, err := purego.Dlsym(libc, "usleep")
	if err != nil {
		return fmt.Errorf("find usleep: %w", err)
	}
	sleepInC := func(d time.Duration) { purego.SyscallN(usleep, uintptr(d.Microseconds())) }
	if err := waitBehind(r, sleepInC); err != nil {
		return err
	}
	if err := returnBeside(r, sleepInC); err != nil {
		return err
	}
	return costOfCalls(r)
}

// engine opens a group as the engine's goroutine has it.
func engine() (*ggroup.Group, error) {
	return ggroup.Open("engine", ggroup.WithClass(ggroup.Latency), ggroup.WithEagerHandoff())
}

// inGroup runs fn in a goroutine of the group, waits for it, and closes the
// group.
func inGroup(group *ggroup.Group, fn func()) error {
	done := make(chan struct{})
	if err := group.Go(func() {
		defer close(done)
		fn()
	}); err != nil {
		return err
	}
	<-done
	return crowd.Shutdown(group)
}
