// Command cooperative measures how late a goroutine runs that answers people,
// and how much CPU-bound goroutines, hogs, get done beside it.
//
// Cells: never, the hogs never yield and the goroutine has no class; gosched,
// they call Gosched after each turn; class, they never yield and the goroutine
// is of a latency group. The two others take turns with never, in short slices.
package main

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/weirgo/weir/bench/cooperative"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/paired"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS")
	hogs       = flag.Int("hogs", 8, "CPU-bound goroutines")
	turn       = flag.Duration("turn", 100*time.Microsecond, "computation of a hog between two calls of Gosched, if it calls it")
	interval   = flag.Duration("interval", 2*time.Millisecond, "time between two turns of the latency goroutine")
	work       = flag.Duration("work", 20*time.Microsecond, "its computation")
	times      = flag.Int("times", 12, "slices of each cell")
	warm       = flag.Duration("warm", 10*time.Millisecond, "work before each slice whose turns are not counted")
	slice      = flag.Duration("slice", 250*time.Millisecond, "length of a slice")
	system     = flag.String("system", "class", "the `cell` that is system/")
)

// cells, each with what it is; the first is what the others are held against.
var cells = []cell{{name: "never"}, {name: "gosched", yields: true}, {name: "class", class: true}}

type cell struct {
	name   string
	yields bool // the hogs
	class  bool // of the latency goroutine
}

func main() { sample.Main(cooperative.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *hogs < 1 || *times < 1 {
		return errors.New("procs, hogs and times must be positive")
	}
	if *turn <= 0 || *interval <= 0 || *work < 0 || *warm < 0 || *slice <= 0 {
		return errors.New("turn, interval and slice must be positive, work and warm at least 0")
	}
	if !slices.ContainsFunc(cells, func(c cell) bool { return c.name == *system }) {
		return fmt.Errorf("-system=%q is no cell", *system)
	}
	runtime.GOMAXPROCS(*processors)
	turnSteps, workSteps := crowd.Calibrate(*turn), crowd.Calibrate(*work)
	late := make(map[string]*delay.Set)
	var sides []paired.Side
	for _, c := range cells {
		late[c.name] = &delay.Set{}
		sides = append(sides, paired.Side{Name: c.name, Measure: func() (paired.Slice, error) {
			return c.run(late[c.name], turnSteps, workSteps)
		}})
	}
	outcomes, err := paired.Compare(sides[0], sides[1:], *times)
	if err != nil {
		return err
	}
	for _, c := range cells {
		r.Set(c.name+"/turns_per_s", outcomes[c.name].PerSecond)
		r.Set(c.name+"/hogs_kept", outcomes[c.name].Rate)
		r.Set(c.name+"/cpu_cost", outcomes[c.name].CPUCost)
		late[c.name].Record(r, c.name+"/latency", delay.Microseconds)
	}
	r.Set("system/latency_p99_us", delay.Microseconds.In(late[*system].Quantile(0.99)))
	r.Set("system/hogs_kept", outcomes[*system].Rate)
	r.Set("system/cpu_cost", outcomes[*system].CPUCost)
	return nil
}

// load is the hogs.
func load(yields bool, turnSteps int) paired.Load {
	states := make([]uint64, *hogs*8) // each in a cache line of its own
	return paired.Load{Workers: *hogs, Step: func(i int) error {
		states[i*8] = crowd.Compute(states[i*8], turnSteps)
		if yields {
			runtime.Gosched()
		}
		return nil
	}}
}

// run runs the cell for a slice, and adds how late the latency goroutine was.
func (c cell) run(late *delay.Set, turnSteps, workSteps int) (s paired.Slice, err error) {
	var options []ggroup.Option
	if c.class {
		options = append(options, ggroup.WithClass(ggroup.Latency))
	}
	group, err := ggroup.Open("answers", options...)
	if err != nil {
		return s, err
	}
	done := make(chan struct{})
	begins := time.Now().Add(*warm)
	if err := group.Go(func() {
		defer close(done)
		late.AddDue(begins, begins.Add(*slice), *interval, func(begun time.Time) {
			crowd.Compute(uint64(begun.Nanosecond()), workSteps)
		})
	}); err != nil {
		return s, errors.Join(err, group.Close())
	}
	s, err = load(c.yields, turnSteps).Run(*warm, *slice)
	<-done
	return s, errors.Join(err, crowd.Shutdown(group))
}
