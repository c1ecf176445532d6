// Command c09 measures an inference group and a monitoring group in one
// process, the collector at work.
//
// Two parts. The delay (delay.go): how late the inference group's goroutines
// run, without monitoring, beside monitoring that takes what it gets, and
// beside the same under a quota. The share (share.go): how much processor time
// a group under a quota gets over some seconds, on an idle machine and beside
// goroutines that use up every processor.
//
// Delays and shares are measured with clocks and counts of this program; for
// the runtime's own account see the _accounted_ measurements, 0 if it has none.
package main

import (
	"errors"
	"flag"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/c09"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS")
	quota      = flag.Float64("quota", 0.1, "share of all processors' time that the monitoring group may use")
	window     = flag.Duration("window", 2*time.Second, "time measured with each kind of monitoring")
	inference  = flag.Int("inference", 8, "goroutines of the inference group")
	interval   = flag.Duration("interval", 5*time.Millisecond, "time between the tokens of an inference goroutine")
	tokenWork  = flag.Duration("token-work", 200*time.Microsecond, "computation for a token")
	monitors   = flag.Int("monitors", 4, "goroutines of the monitoring group; they never sleep")
	liveMiB    = flag.Int("live", 32, "live heap that each collection marks, in MiB, as small linked objects")
	// Monitoring's garbage starts collections, too.
	collectEvery = flag.Duration("collect-every", 100*time.Millisecond, "pause after a forced collection")

	shareWindow = flag.Duration("share-window", 5*time.Second, "time over which a share is measured")
	hogs        = flag.Int("hogs", 8, "goroutines of no group that load the processors")
)

// turn is how long a CPU-bound goroutine computes between looks at the clock.
const turn = 20 * time.Microsecond

func main() { sample.Main(c09.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *inference < 1 || *monitors < 1 || *hogs < 1 || *liveMiB < 0 {
		return errors.New("procs, inference, monitors and hogs must be positive, live at least 0")
	}
	if *window <= 0 || *interval <= 0 || *tokenWork < 0 || *collectEvery <= 0 || *shareWindow <= 0 {
		return errors.New("window, interval, collect-every and share-window must be positive")
	}
	runtime.GOMAXPROCS(*processors)
	turnSteps := crowd.Calibrate(turn)
	if err := measureShares(r, turnSteps); err != nil {
		return err
	}
	return measureDelays(r, turnSteps)
}

// monitoring opens the group of that name, with the quota or without.
func monitoring(limited bool) (*ggroup.Group, error) {
	if limited {
		return ggroup.Open("monitor", ggroup.WithCPUQuota(*quota))
	}
	return ggroup.Open("monitor")
}
