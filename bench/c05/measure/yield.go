package main

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// callPasses is how often the cost of a call is taken; the median counts.
const callPasses = 20

// callCosts measures calls while nothing waits and a latency group exists, by
// a goroutine of no group, and of Yield by one of the group.
func callCosts(r *sample.Recorder, group *ggroup.Group) error {
	r.Set("call/gosched_ns", goschedCost())
	r.Set("call/yield_ns", yieldCost())
	var grouped float64
	if err := group.Do(func() { grouped = yieldCost() }); err != nil {
		return err
	}
	r.Set("call/yield_in_group_ns", grouped)
	return nil
}

func yieldCost() float64 {
	return costOfCall(func() {
		for range *calls {
			ggroup.Yield()
		}
	})
}

func goschedCost() float64 {
	return costOfCall(func() {
		for range *calls {
			runtime.Gosched()
		}
	})
}

// costOfCall returns the ns of a call, of which pass makes -calls.
func costOfCall(pass func()) float64 {
	var perCall []float64
	for range callPasses {
		begin := time.Now()
		pass()
		perCall = append(perCall, float64(time.Since(begin).Nanoseconds())/float64(*calls))
	}
	return sample.Median(perCall)
}

// yieldToLatency measures on one P how long a goroutine of a latency group,
// readied by a token loop in no group, waits until it runs.
func yieldToLatency(r *sample.Recorder, loops []variant, steps int) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, v := range loops {
		group, err := ggroup.Open("answers", ggroup.WithClass(ggroup.Latency))
		if err != nil {
			return err
		}
		waits, err := askLatency(group, v, steps)
		if err != nil {
			return err
		}
		waits.Record(r, "waiting/"+v.name+"/wait", delay.Microseconds)
	}
	return nil
}

// askLatency runs the token loop for the budget, from the first question on, and
// closes the group. When the group's goroutine has answered it is asked again.
func askLatency(group *ggroup.Group, v variant, steps int) (*delay.Set, error) {
	var waits delay.Set
	var spent, asked atomic.Bool
	questions, answered := make(chan time.Time, 1), make(chan struct{})
	err := group.Go(func() {
		defer close(answered)
		for sent := range questions {
			waits.Add(time.Since(sent))
			asked.Store(false)
		}
	})
	if err != nil {
		return nil, err
	}
	first := true
	ask := func(turn int) {
		if turn%*askEvery == 0 && asked.CompareAndSwap(false, true) {
			if first {
				first = false
				time.AfterFunc(*budget, func() { spent.Store(true) })
			}
			questions <- time.Now()
		}
		if v.yield != nil {
			v.yield(turn)
		}
	}
	output := make([]uint64, 0, *iterations)
	for !spent.Load() {
		output = tokenLoop(output[:0], ask, steps, &spent)
	}
	close(questions)
	<-answered
	return &waits, group.Shutdown(context.Background())
}
