// Command c14 measures policies that say how many tokens a step of the batch loop holds,
// under a load that changes.
//
//	c14 -model=build/models/tiny.gguf
//
// Each policy has a loop of its own over the same model (policies.go). Requests are due
// at random times of a mean rate, the same times for each policy (arrivals.go): first at
// the base load, then at four times that. Then come turns at a tenth of the capacity, in
// each of which every policy has its share: what they take of the processors is compared,
// and a machine is not as fast a second later. The capacity is what a closed loop reaches,
// measured in the same process before.
//
// The same base load and peak are put on an engine of an accelerator's shape, which is made
// up: its steps take their time, and rows next to nothing.
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
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

var (
	model        = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	policies     = flag.String("policies", "fixed,article,learned", "policies, besides padded")
	madePolicies = flag.String("made-policies", "fixed,learned", "policies of the engine that is made up")
	stepTime     = flag.Duration("step", 3500*time.Microsecond, "time of a step of the engine that is made up")
	rowTime      = flag.Duration("row", 12500*time.Nanosecond, "and of each of its rows")
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
	lowSeconds      = flag.Float64("low-seconds", 0.6, "time of a turn of the low load")
	lowTurns        = flag.Int("low-turns", 6, "turns of the low load")
	seed            = flag.Uint64("seed", 1, "of the times at which requests are due")
)

func main() { sample.Main(c14.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	names, madeNames := strings.Split(*policies, ","), strings.Split(*madePolicies, ",")
	if err := errors.Join(check(names), check(madeNames)); err != nil {
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
	real, err := measureEngine(r, m, group, "", names)
	if err != nil {
		return err
	}
	made, err := measureEngine(r, madeUp(), group, "made/", madeNames)
	if err != nil {
		return fmt.Errorf("made up: %w", err)
	}
	r.Set("errors", float64(real+made))
	return nil
}

// measureEngine puts all policies under the loads that an engine bears. Where its metrics
// have a prefix, it is one that is made up: its CPU is nobody's.
func measureEngine(r *sample.Recorder, m engine.Model, group *ggroup.Group, prefix string, names []string) (failed int, err error) {
	limits, err := calibrate(m, group)
	if err != nil {
		return 0, err
	}
	objective := time.Duration(*factor * float64(limits.gap))
	r.Set(prefix+"capacity_per_s", limits.perSecond)
	r.Set(prefix+"alone_gap_p50_us", delay.Microseconds.In(limits.gap))
	r.Set(prefix+"objective_us", delay.Microseconds.In(objective))
	var all []*contender
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.loop.Close())
		}
	}()
	for _, name := range append([]string{"padded"}, names...) {
		if name == "padded" && prefix != "" {
			continue
		}
		l, err := openLoop(m, group, name, objective)
		if err != nil {
			return failed, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, &contender{name: name, loop: l, vocabulary: m.Info().VocabSize})
	}
	for _, c := range all {
		n, err := c.measure(r, prefix, limits.perSecond)
		if failed += n; err != nil {
			return failed, err
		}
	}
	if prefix != "" {
		return failed, nil
	}
	n, err := measureLow(r, all, limits.perSecond)
	return failed + n, err
}

// check reports the first flag out of range.
func check(names []string) error {
	known := []string{"fixed", "article", "learned"}
	for i, name := range names {
		if !slices.Contains(known, name) || slices.Contains(names[:i], name) {
			return fmt.Errorf("-policies, -made-policies: %q is unknown or there twice: give some of %s", name, strings.Join(known, ","))
		}
	}
	if *sequences < 1 || *sequences > 255 || *batchTokens < *sequences || *closedLoop < 1 || *closedLoop > *sequences {
		return errors.New("sequences must be from 1 to 255, batch at least as many, closed-loop from 1 to sequences")
	}
	if *promptTokens < 1 || *tokens < 2 || *factor <= 0 || *baseShare <= 0 || *peakTimes <= 0 || *lowShare <= 0 {
		return errors.New("prompt-tokens, factor, shares and times must be positive, tokens at least 2")
	}
	if *lowTurns < 1 || *stepTime <= 0 || *rowTime < 0 {
		return errors.New("low-turns and step must be positive, row not negative")
	}
	if *capacitySeconds <= 0 || *baseSeconds <= 0 || *peakSeconds <= 0 || *lowSeconds <= 0 {
		return errors.New("times must be positive")
	}
	return nil
}

// contender is a policy's loop.
type contender struct {
	name       string
	loop       *batch.Loop
	vocabulary int
	low        outcome
}

// measure puts a policy under the base load and the peak. The padded batch is for the low
// load alone: at others it computes as much.
func (c *contender) measure(r *sample.Recorder, prefix string, capacity float64) (failed int, err error) {
	if c.name == "padded" {
		return 0, nil
	}
	for i, p := range []phase{
		{"base", *baseShare * capacity, *baseSeconds},
		{"peak", *peakTimes * *baseShare * capacity, *peakSeconds},
	} {
		served, err := p.run(c.loop, c.vocabulary, *seed+uint64(i))
		if err != nil {
			return failed, fmt.Errorf("%s: %s: %w", c.name, p.name, err)
		}
		served.record(r, prefix+c.name+"/"+p.name+"/")
		failed += served.failed
	}
	return failed, nil
}

// measureLow puts all policies under the low load, in turns. No policy is always the first,
// or behind the same one.
func measureLow(r *sample.Recorder, all []*contender, capacity float64) (failed int, err error) {
	p := phase{"low", *lowShare * capacity, *lowSeconds}
	for turn := range *lowTurns {
		for i := range all {
			c := all[(turn+i)%len(all)]
			served, err := p.run(c.loop, c.vocabulary, *seed+2+uint64(turn))
			if err != nil {
				return failed, fmt.Errorf("%s: %s: %w", c.name, p.name, err)
			}
			c.low.add(served)
			failed += served.failed
		}
	}
	for _, c := range all {
		c.low.record(r, c.name+"/low/")
	}
	return failed, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
