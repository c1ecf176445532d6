package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/paired"
	"github.com/weirgo/weir/bench/internal/sample"
)

// none is the name of the slices without a group.
const none = "none"

// measureProcess measures every row beside every group.
func measureProcess(r *sample.Recorder) error {
	groups := strings.Split(*groupNames, ",")
	leastKept := math.Inf(1)
	means := make(map[string]float64) // of logarithms
	names := strings.Split(*rowNames, ",")
	for _, name := range names {
		outcomes, err := measureRow(name, groups)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Set(none+"/"+name+"/per_s", outcomes[none].PerSecond)
		r.Set(none+"/"+name+"/cpu_ns", float64(outcomes[none].CPU))
		means[none+"/cpu_ns"] += math.Log(float64(outcomes[none].CPU)) / float64(len(names))
		for _, group := range groups {
			o := outcomes[group]
			r.Set(group+"/"+name+"/rate_kept", o.Rate)
			r.Set(group+"/"+name+"/cpu_cost", o.CPUCost)
			means[group+"/rate_kept"] += math.Log(o.Rate) / float64(len(names))
			means[group+"/cpu_cost"] += math.Log(o.CPUCost) / float64(len(names))
			if group == "empty" || group == "parked" {
				leastKept = min(leastKept, o.Rate)
			}
		}
	}
	for name, mean := range means {
		r.Set(name, math.Exp(mean))
	}
	if math.IsInf(leastKept, 0) {
		return errors.New("neither the group empty nor parked is among -groups")
	}
	r.Set("idle/least_rate_kept", leastKept)
	return nil
}

// measureRow measures one row.
func measureRow(name string, groups []string) (outcomes map[string]paired.Outcome, err error) {
	row, err := openRow(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, row.close()) }()
	if row.alone {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	turnSteps := crowd.Calibrate(turn)
	plain := paired.Side{Name: none, Measure: func() (paired.Slice, error) { return row.load.Run(*warm, *slice) }}
	var others []paired.Side
	for _, group := range groups {
		others = append(others, paired.Side{Name: group, Measure: func() (s paired.Slice, err error) {
			beside, err := openGroup(group, turnSteps)
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, beside.leave()) }()
			load := row.load
			load.CPU = beside.othersClock
			return load.Run(*warm, *slice)
		}})
	}
	return paired.Compare(plain, others, *times)
}
