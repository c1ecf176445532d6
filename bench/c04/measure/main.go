// Command c04 measures how long an inference group waits for a processor
// beside many goroutines.
//
// Three parts, each in a process with GOMAXPROCS=2 as in the article:
//
// The crowd (crowd.go): 100 and 10 000 goroutines, the article's that sleep for
// 1 ms and CPU-bound ones, beside goroutines of the inference group that are
// due every 50 ms. A delay is the time from when one was due to when it ran;
// every due time counts, also those that passed while it was waiting.
//
// The echo (echo.go): a goroutine that echoes over TCP beside CPU-bound ones,
// and a client in another process that sends one message after the other.
// _open_ measurements are the round trips that a client would have seen which
// sends at its pace no matter whether an answer came.
//
// The saturated class (saturated.go): what is left for others if the latency
// class itself computes without end.
//
// Delays are measured with clocks of this program. Where the runtime keeps its
// own account of a group's waits, _ready_ measurements give that besides.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/c04"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS (the article's)")
	counts     = flag.String("goroutines", "100,10000", "goroutines of a crowd (the article's)")
	nap        = flag.Duration("sleep", time.Millisecond, "sleep of a sleeping goroutine (the article's)")
	starvedAt  = flag.Duration("starved", 100*time.Millisecond, "wait from which on a goroutine counts as starved (the article's)")
	window     = flag.Duration("window", time.Second, "time measured beside each crowd")
	members    = flag.Int("inference", 100, "goroutines of the inference group")
	interval   = flag.Duration("interval", 50*time.Millisecond, "time between the tokens of an inference goroutine")
	tokenWork  = flag.Duration("token-work", 20*time.Microsecond, "computation for a token")

	hogs         = flag.String("hogs", "0,2,4,16", "CPU-bound goroutines beside the echo goroutine")
	echoWindow   = flag.Duration("echo-window", time.Second, "time measured without hogs")
	echoPerHog   = flag.Duration("echo-per-hog", 150*time.Millisecond, "time measured longer for each hog: stock Go answers less often then")
	pace         = flag.Duration("pace", time.Millisecond, "the client's pause between requests")
	raisedClient = flag.Bool("raise-client", true, "run the client's thread under SCHED_FIFO if that is permitted, so that "+
		"its own wait for a core is not measured; client/raised tells whether it was")

	saturatedWindow = flag.Duration("saturated-window", 2*time.Second, "time for which the latency class is saturated")
	saturators      = flag.Int("saturators", 4, "CPU-bound goroutines of the latency class")
	lower           = flag.Int("lower", 2, "CPU-bound goroutines of each class below it")
)

// turn is how long a CPU-bound goroutine computes between looks at the clock.
const turn = 20 * time.Microsecond

func main() {
	if len(os.Args) > 1 && os.Args[1] == clientCommand {
		if err := client(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "c04 client: %v\n", err)
			os.Exit(1)
		}
		return
	}
	sample.Main(c04.Experiment, measure)
}

func measure(r *sample.Recorder) error {
	crowds, err := sample.Counts("goroutines", *counts, 0, 1_000_000)
	if err != nil {
		return err
	}
	beside, err := sample.Counts("hogs", *hogs, 0, 1_000_000)
	if err != nil {
		return err
	}
	if *processors < 1 || *members < 1 || *saturators < 1 || *lower < 1 {
		return errors.New("procs, inference, saturators and lower must be positive")
	}
	for _, d := range []time.Duration{*nap, *starvedAt, *window, *interval, *echoWindow, *pace, *saturatedWindow} {
		if d <= 0 {
			return errors.New("durations must be positive")
		}
	}
	if *echoPerHog < 0 {
		return errors.New("echo-per-hog must not be negative")
	}
	runtime.GOMAXPROCS(*processors)
	turnSteps := crowd.Calibrate(turn)
	for _, n := range crowds {
		if err := besideSleepers(r, n, turnSteps); err != nil {
			return err
		}
		if err := besideComputing(r, n, turnSteps); err != nil {
			return err
		}
	}
	for _, n := range beside {
		if err := echoBeside(r, n, turnSteps); err != nil {
			return err
		}
	}
	return saturate(r, turnSteps)
}

// recordReady sets the p99 of the waits that the runtime counted in the group,
// if it counts them. It is an upper bound, at most twice the true one.
func recordReady(r *sample.Recorder, prefix string, group *ggroup.Group) {
	waits := group.Stats().Wait
	if waits.Count() > 0 {
		r.Set(prefix+"_ready_p99_us", float64(waits.Quantile(0.99))/float64(time.Microsecond))
		r.Set(prefix+"_ready_count", float64(waits.Count()))
	}
}
