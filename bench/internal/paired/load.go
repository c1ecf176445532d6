package paired

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
)

// A Slice is what was done in a slice of time.
type Slice struct {
	Operations uint64
	Wall, CPU  time.Duration
}

// rate returns the operations of a second.
func (s Slice) rate() float64 { return float64(s.Operations) / s.Wall.Seconds() }

// perOperation returns the CPU time of an operation, of which there is one at
// least.
func (s Slice) perOperation() float64 { return float64(s.CPU) / float64(s.Operations) }

// A Load is work that can go on for any time.
type Load struct {
	Workers int
	// Step makes one operation of a worker, 0 to Workers-1. Its goroutine is
	// one of the caller's kind: in no group, if that is in none.
	Step func(worker int) error
	// CPU reads the clock that counts; nil: this process's.
	CPU func() (time.Duration, error)
}

// counter is a worker's, alone in its cache line.
type counter struct {
	operations atomic.Uint64
	_          [56]byte
}

// idleLimit bounds a slice in which no operation ends.
const idleLimit = 30 * time.Second

// Run has the workers work, and counts what they do after the time of warm, for
// the time of slice, or for longer until an operation has ended and has taken CPU
// time. Each makes one step at least; it returns when all of them have ended their
// last.
func (l Load) Run(warm, slice time.Duration) (Slice, error) {
	counters, failures := make([]counter, l.Workers), make([]error, l.Workers)
	var stop atomic.Bool
	var done sync.WaitGroup
	for i := range l.Workers {
		done.Go(func() {
			// One step at least: a worker that had no turn in the slice still
			// says whether it can work.
			for {
				failures[i] = l.Step(i)
				counters[i].operations.Add(1)
				if failures[i] != nil || stop.Load() {
					return
				}
			}
		})
	}
	time.Sleep(warm)
	counted, err := l.count(counters, slice)
	stop.Store(true)
	done.Wait()
	return counted, errors.Join(append(failures, err)...)
}

// count counts for the time of slice.
func (l Load) count(counters []counter, slice time.Duration) (counted Slice, err error) {
	from, err := l.read(counters)
	for err == nil && (counted.Operations == 0 || counted.CPU <= 0) && counted.Wall < idleLimit {
		time.Sleep(slice)
		var to reading
		to, err = l.read(counters)
		counted = to.since(from)
	}
	return counted, err
}

// reading is the clocks and the count at one moment.
type reading struct {
	operations uint64
	at         time.Time
	cpu        time.Duration
}

func (l Load) read(counters []counter) (r reading, err error) {
	clock := l.CPU
	if clock == nil {
		clock = func() (time.Duration, error) { return sample.ProcessClock(os.Getpid()) }
	}
	for i := range counters {
		r.operations += counters[i].operations.Load()
	}
	r.at = time.Now()
	r.cpu, err = clock()
	return r, err
}

func (r reading) since(before reading) Slice {
	return Slice{Operations: r.operations - before.operations, Wall: r.at.Sub(before.at), CPU: r.cpu - before.cpu}
}
