// Command c14 measures policies that say how many tokens a step of the batch loop holds,
// under a load that changes.
//
//	c14 -model=build/models/tiny.gguf
//
// Each policy has a loop of its own over the same model (policies.go). Requests are due
// at random times of a mean rate, the same times for each policy (arrivals.go): first at
// the base load, then at four times that, then at a tenth of the capacity. The capacity
// is what a closed loop reaches, measured in the same process before.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/c14"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
)

var (
	model        = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	policies     = flag.String("policies", "fixed,article,learned", "policies, besides padded")
	batchTokens  = flag.Int("batch", 64, "tokens of a step of the fixed batch")
	sequences    = flag.Int("sequences", 64, "sequences at once")
	promptTokens = flag.Int("prompt-tokens", 64, "tokens of a prompt")
	tokens       = flag.Int("tokens", 16, "tokens of an answer")
	threads      = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads")
	factor       = flag.Float64("factor", 10, "the objective, as a multiple of the gap of a stream that is alone")

	baseShare = flag.Float64("base-share", 0.15, "base load, of the capacity")
	peakTimes = flag.Float64("peak-times", 4, "peak load, of the base load")
	lowShare  = flag.Float64("low-share", 0.1, "low load, of the capacity")

	capacitySeconds = flag.Float64("capacity-seconds", 1.5, "time of the closed loop")
	closedLoop      = flag.Int("closed-loop", 16, "requests in flight in the closed loop")
	baseSeconds     = flag.Float64("base-seconds", 3, "time of the base load")
	peakSeconds     = flag.Float64("peak-seconds", 3, "time of the peak load")
	lowSeconds      = flag.Float64("low-seconds", 1.5, "time of the low load")
	seed            = flag.Uint64("seed", 1, "of the times at which requests are due")
)

func main() { sample.Main(c14.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	names := strings.Split(*policies, ",")
	if err := check(names); err != nil {
		return err
	}
	ctx := context.Background()
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.Shutdown(group)) }()
	m, err := openModel(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	limits, err := calibrate(m, group)
	if err != nil {
		return err
	}
	objective := time.Duration(*factor * float64(limits.gap))
	r.Set("capacity_per_s", limits.perSecond)
	r.Set("alone_gap_p50_us", delay.Microseconds.In(limits.gap))
	r.Set("objective_us", delay.Microseconds.In(objective))
	failed := 0
	for _, name := range append([]string{"padded"}, names...) {
		n, err := measurePolicy(r, m, group, name, objective, limits.perSecond)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		failed += n
	}
	r.Set("errors", float64(failed))
	return nil
}

// check reports the first flag out of range.
func check(names []string) error {
	known := []string{"fixed", "article", "learned"}
	for i, name := range names {
		if !slices.Contains(known, name) || slices.Contains(names[:i], name) {
			return fmt.Errorf("-policies: %q is unknown or there twice: give some of %s", name, strings.Join(known, ","))
		}
	}
	if *sequences < 1 || *sequences > 255 || *batchTokens < *sequences || *closedLoop < 1 || *closedLoop > *sequences {
		return errors.New("sequences must be from 1 to 255, batch at least as many, closed-loop from 1 to sequences")
	}
	if *promptTokens < 1 || *tokens < 2 || *factor <= 0 || *baseShare <= 0 || *peakTimes <= 0 || *lowShare <= 0 {
		return errors.New("prompt-tokens, factor, shares and times must be positive, tokens at least 2")
	}
	if *capacitySeconds <= 0 || *baseSeconds <= 0 || *peakSeconds <= 0 || *lowSeconds <= 0 {
		return errors.New("times must be positive")
	}
	return nil
}

// measurePolicy puts a policy under each load. The padded batch is for the low load
// alone: at others it computes as much.
func measurePolicy(r *sample.Recorder, m engine.Model, group *ggroup.Group, name string, objective time.Duration, capacity float64) (failed int, err error) {
	l, err := openLoop(m, group, name, objective)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for i, p := range []phase{
		{"base", *baseShare * capacity, *baseSeconds},
		{"peak", *peakTimes * *baseShare * capacity, *peakSeconds},
		{"low", *lowShare * capacity, *lowSeconds},
	} {
		if name == "padded" && p.name != "low" {
			continue
		}
		served, err := p.run(l, m.Info().VocabSize, *seed+uint64(i))
		if err != nil {
			return failed, fmt.Errorf("%s: %w", p.name, err)
		}
		served.record(r, name+"/"+p.name+"/")
		failed += served.failed
	}
	return failed, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
