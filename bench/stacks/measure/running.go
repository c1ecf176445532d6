package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/paired"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// runningDepth is the depth of the goroutines that run between collections.
const runningDepth = 12

// measureRunning measures collections between which every goroutine runs, of a
// group with the option and of one without in turns.
func measureRunning(r *sample.Recorder) error {
	side := func(name string, options ...ggroup.Option) paired.Side {
		return paired.Side{Name: name, Measure: func() (s paired.Slice, err error) {
			group, err := ggroup.Open(name, options...)
			if err != nil {
				return s, err
			}
			s, err = turns(group.Go)
			return s, errors.Join(err, crowd.Shutdown(group))
		}}
	}
	plain, grouped := side("plain"), side("quiet", ggroup.WithNoStackScan())
	outcomes, err := paired.Compare(plain, []paired.Side{grouped}, *runningTimes)
	if err != nil {
		return fmt.Errorf("running: %w", err)
	}
	r.Set("running/cycle_us", us(outcomes["quiet"].CPU))
	r.Set("running/cpu_cost", outcomes["quiet"].CPUCost)
	return nil
}

// turns has goroutines run once before each collection, and returns what the
// cheapest of the collections costs, as one operation.
func turns(start func(func()) error) (s paired.Slice, err error) {
	rounds := skipped + *cycles
	gates := make([]chan struct{}, rounds+1)
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	var arrived atomic.Int64
	var done sync.WaitGroup
	for range *runningCount {
		done.Add(1)
		err := start(func() {
			defer done.Done()
			descend(runningDepth, &held{}, nil, func() {
				for _, gate := range gates {
					arrived.Add(1)
					<-gate
				}
			})
		})
		if err != nil {
			return s, err
		}
	}
	s = paired.Slice{Operations: 1, CPU: math.MaxInt64}
	begin := time.Now()
	for i, gate := range gates {
		for arrived.Load() < int64((i+1)**runningCount) {
			runtime.Gosched()
		}
		if i > 0 {
			one, costErr := costOfOne()
			if err = errors.Join(err, costErr); i > skipped {
				s.CPU = min(s.CPU, one)
			}
		}
		close(gate)
	}
	done.Wait()
	s.Wall = time.Since(begin)
	return s, err
}
