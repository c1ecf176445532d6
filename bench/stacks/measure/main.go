// Command stacks measures the CPU time of collections while many goroutines of a
// group WithNoStackScan are parked.
//
// Parked (parked.go): each number of goroutines, at each depth, waiting for each
// kind of thing. Running (running.go): goroutines of the group, and others of a
// group without the option, that all run between one collection and the next. The
// server (http.go): streams of a net/http server that are open.
//
// A collection is forced, and what the kernel's clock of this process says while
// it lasts is its cost: nothing else runs. The first two after a change are not
// counted: one finds what the change left, and one what a goroutine holds.
package main

import (
	"cmp"
	"errors"
	"flag"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/stacks"
	"github.com/weirgo/weir/ggroup"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS")
	kinds      = flag.String("kinds", "semaphore,channel,select,network", "what goroutines wait for")
	counts     = flag.String("counts", "1000,10000,100000", "`numbers` of goroutines")
	depths     = flag.String("depths", "1,12,24", "`numbers` of calls on their stacks")
	cycles     = flag.Int("cycles", 3, "collections measured in each state, or more if they cost little, of which the cheapest counts")
	streams    = flag.Int("streams", 8000, "open streams of the server")

	runningCount = flag.Int("running", 10_000, "goroutines that run between collections")
	runningTimes = flag.Int("running-times", 12, "how often they are measured in a group with the option and in one without")
)

// skipped are the collections after a change that are not counted.
const skipped = 2

func main() { sample.Main(stacks.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *cycles < 1 || *streams < 1 || *runningCount < 1 || *runningTimes < 1 {
		return errors.New("procs, cycles, streams, running and running-times must be positive")
	}
	sizes, err := sample.Counts("counts", *counts, 1, 1_000_000)
	if err != nil {
		return err
	}
	calls, err := sample.Counts("depths", *depths, 1, 1000)
	if err != nil {
		return err
	}
	files, err := openFiles()
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(*processors)
	none, err := cost()
	if err != nil {
		return err
	}
	r.Set("none/cycle_us", us(none))
	parts := []part{
		{*runningCount, func() error { return measureRunning(r) }},
		{2 * *streams, func() error { return measureHTTP(r) }}, // each has a reader besides
	}
	for kind := range strings.SplitSeq(*kinds, ",") {
		for _, n := range sizes {
			for _, depth := range calls {
				parts = append(parts, part{n, func() error { return measureParked(r, cell{kind, n, depth}, files, none) }})
			}
		}
	}
	return inOrder(parts)
}

// A part needs so many goroutines.
type part struct {
	goroutines int
	measure    func() error
}

// inOrder measures those with fewer goroutines first: the runtime never forgets
// one, and a collection looks at each that has ever been.
func inOrder(parts []part) error {
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.goroutines, b.goroutines) })
	for _, p := range parts {
		if err := p.measure(); err != nil {
			return err
		}
	}
	return nil
}

// quiet opens the group whose stacks the collector leaves alone where it may.
func quiet() (*ggroup.Group, error) { return ggroup.Open("streams", ggroup.WithNoStackScan()) }

// A collection that costs little is measured more often, up to so many times in
// all, or until this much CPU time is spent.
const (
	mostCycles = 25
	enough     = 100 * time.Millisecond
)

// cost returns the least CPU time of some collections. Other programs on the
// machine only make it more: a thread of this process spins while the one it waits
// for has lost its processor.
func cost() (time.Duration, error) {
	for range skipped {
		runtime.GC()
	}
	least, spent := time.Duration(math.MaxInt64), time.Duration(0)
	for n := 0; n < *cycles || n < mostCycles && spent < enough; n++ {
		one, err := costOfOne()
		if err != nil {
			return 0, err
		}
		least, spent = min(least, one), spent+one
	}
	return least, nil
}

func costOfOne() (time.Duration, error) {
	before, err := sample.ProcessClock(os.Getpid())
	if err != nil {
		return 0, err
	}
	runtime.GC()
	after, err := sample.ProcessClock(os.Getpid())
	return after - before, err
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// spareFiles are for what is open besides.
const spareFiles = 256

// openFiles takes the most open files that this process may have, and returns
// how many of them goroutines may wait for.
func openFiles() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(limit.Max, 1<<30)) - spareFiles, nil
}
