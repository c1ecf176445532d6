// Command c05 measures a token loop that yields: never; by runtime.Gosched each
// turn; by the article's cure, time.Sleep(0) each 64 turns; and by ggroup.Yield
// each turn, as a goroutine of a latency group, which with stock Go is Gosched
// again. Each is measured alone and beside CPU-bound goroutines of no group.
// What a call of ggroup.Yield costs by itself, what one of runtime.Gosched
// before any group exists and while a latency group does, and how soon a goroutine of a
// latency group runs that the loop has readied, is in yield.go.
//
// A turn is a calibrated piece of dependent arithmetic, as long as the article's
// turn without a yield, and an append. For each cell it gives ns_per_turn, alone
// the median of the passes, beside hogs the mean; and alone switches_per_10k,
// passes through the scheduler in 10 000 turns.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/c05"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

var (
	iterations = flag.Int("iterations", 10_000, "turns of one pass of the token loop (the article's)")
	work       = flag.Duration("work", 82*time.Nanosecond, "computation in a turn (the article's turn without a yield)")
	sleepEvery = flag.Int("sleep-every", 64, "turns between calls of time.Sleep(0) (the article's cure)")
	hogs       = flag.String("hogs", "1,4", "numbers of CPU-bound goroutines beside the loop, which is always measured alone, too")
	passes     = flag.Int("passes", 100, "passes of each cell")
	calls      = flag.Int("calls", 100_000, "calls of ggroup.Yield in one pass of the cost of a call")
	askEvery   = flag.Int("ask-every", 100, "turns between attempts to ready the latency goroutine")
	budget     = flag.Duration("budget", 500*time.Millisecond, "time after which a cell ends with the turns it has")
)

// A variant is a token loop with its own way of yielding.
type variant struct {
	name  string
	group *ggroup.Group  // that the loop runs in; nil: none
	yield func(turn int) // nil: never
}

// variants are the loops compared; the first, which never yields, is what the
// others add their time to, and the last runs in the group.
func variants(infer *ggroup.Group) []variant {
	return []variant{
		{name: "plain"},
		{name: "gosched", yield: func(int) { runtime.Gosched() }},
		{name: "sleep0", yield: func(turn int) {
			if turn%*sleepEvery == 0 {
				time.Sleep(0)
			}
		}},
		{name: "yield", group: infer, yield: func(int) { ggroup.Yield() }},
	}
}

func main() { sample.Main(c05.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *askEvery > *iterations {
		return fmt.Errorf("ask-every must not be more than iterations")
	}
	if *iterations < 1 || *passes < 1 || *calls < 1 || *askEvery < 1 || *sleepEvery < 1 || *work < 0 || *budget <= 0 {
		return fmt.Errorf("iterations, passes, calls, ask-every, sleep-every and budget must be positive")
	}
	counts, err := sample.Counts("hogs", *hogs, 1, 10_000)
	if err != nil {
		return err
	}
	steps := crowd.Calibrate(*work)
	// First, as no group may have been there before.
	r.Set("call/gosched_no_group_ns", goschedCost())
	infer, err := ggroup.Open("infer", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return err
	}
	loops := variants(infer)
	if err := measureCells(r, loops, append([]int{0}, counts...), steps); err != nil {
		return err
	}
	if err := callCosts(r, infer); err != nil {
		return err
	}
	if err := infer.Close(); err != nil {
		return err
	}
	return yieldToLatency(r, loops, steps)
}

// measureCells measures each loop beside each number of hogs.
func measureCells(r *sample.Recorder, loops []variant, counts []int, steps int) error {
	for _, count := range counts {
		place := "alone"
		if count > 0 {
			place = fmt.Sprintf("hogs%d", count)
		}
		var plain float64
		for i, v := range loops {
			c, err := runCell(v, count, steps)
			if err != nil {
				return err
			}
			r.Set(place+"/"+v.name+"/ns_per_turn", c.nsPerTurn)
			if i == 0 {
				plain = c.nsPerTurn
			} else {
				r.Set(place+"/"+v.name+"/ns_added", c.nsPerTurn-plain)
			}
			// Beside hogs the runtime's count holds their preemptions too.
			if count == 0 {
				r.Set(place+"/"+v.name+"/switches_per_10k", c.switchesPer10k)
			}
		}
	}
	return nil
}

// A cell is what one loop beside some hogs came to.
type cell struct{ nsPerTurn, switchesPer10k float64 }

// runCell runs the loop, in its group, beside hogs of none.
func runCell(v variant, hogCount, steps int) (c cell, err error) {
	var stop atomic.Bool
	var started, running sync.WaitGroup
	started.Add(hogCount)
	for range hogCount {
		running.Go(func() {
			started.Done()
			for state := uint64(1); !stop.Load(); {
				state = crowd.Compute(state, steps)
			}
		})
	}
	defer running.Wait()
	defer stop.Store(true)
	started.Wait()
	if v.group == nil {
		return runPasses(v, hogCount, steps), nil
	}
	err = v.group.Do(func() { c = runPasses(v, hogCount, steps) })
	return c, err
}

// runPasses runs the loop until it has made its passes or spent its budget.
func runPasses(v variant, hogCount, steps int) cell {
	var spent atomic.Bool
	timer := time.AfterFunc(*budget, func() { spent.Store(true) })
	defer timer.Stop()

	var perTurn []float64 // of whole passes
	var turns int
	output := make([]uint64, 0, *iterations)
	before, begin := schedulerPasses(), time.Now()
	for range *passes {
		passBegin := time.Now()
		output = tokenLoop(output[:0], v.yield, steps, &spent)
		turns += len(output)
		if len(output) < *iterations {
			break
		}
		perTurn = append(perTurn, float64(time.Since(passBegin).Nanoseconds())/float64(len(output)))
	}
	elapsed, switches := time.Since(begin), schedulerPasses()-before
	c := cell{
		nsPerTurn:      float64(elapsed.Nanoseconds()) / float64(turns),
		switchesPer10k: switches * 10_000 / float64(turns),
	}
	// Beside hogs the mean counts: the turns that waited for a P are the point,
	// and there may be no whole pass to take a median of.
	if hogCount == 0 && len(perTurn) > 0 {
		c.nsPerTurn = sample.Median(perTurn)
	}
	return c
}

// tokenLoop makes a pass, or ends early once spent is set; it makes trackingPeriod
// turns at least, so that one stop of its goroutine at least has been counted.
func tokenLoop(output []uint64, yield func(int), steps int, spent *atomic.Bool) []uint64 {
	state := uint64(1)
	for turn := range *iterations {
		state = crowd.Compute(state, steps)
		output = append(output, state)
		if yield != nil {
			yield(turn + 1)
		}
		if turn+1 >= trackingPeriod && spent.Load() {
			break
		}
	}
	return output
}

// trackingPeriod is the runtime's gTrackingPeriod: it records the wait of a
// goroutine for a P at every eighth time that the goroutine stops running.
const trackingPeriod = 8

// schedulerPasses returns how often goroutines came back from the scheduler so
// far, known to within one trackingPeriod a goroutine: the count of the wait
// times, times the period.
func schedulerPasses() float64 {
	read := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(read)
	var count uint64
	for _, n := range read[0].Value.Float64Histogram().Counts {
		count += n
	}
	return float64(count * trackingPeriod)
}
