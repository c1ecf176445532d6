package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// besideSleepers measures beside n goroutines that sleep once and end, as the
// article's do; when all have ended, the next n begin. Their own delay is what
// their life took longer than the sleep.
func besideSleepers(r *sample.Recorder, n, turnSteps int) error {
	var delays delay.Set
	name := fmt.Sprintf("sleep%d", n)
	err := besideCrowd(r, name, turnSteps, func() func(ends time.Time) {
		lives := make([]time.Duration, n)
		return func(ends time.Time) {
			for time.Now().Before(ends) {
				var wave sync.WaitGroup
				wave.Add(n)
				for i := range lives {
					born := time.Now()
					go func() {
						time.Sleep(*nap)
						lives[i] = time.Since(born)
						wave.Done()
					}()
				}
				wave.Wait()
				for _, life := range lives {
					delays.Add(life - *nap)
				}
			}
		}
	})
	recordCrowd(r, name, &delays)
	return err
}

// besideComputing measures beside n goroutines that compute all the time.
// Their own delay is the time until one first runs, at most the window.
func besideComputing(r *sample.Recorder, n, turnSteps int) error {
	var delays delay.Set
	name := fmt.Sprintf("cpu%d", n)
	err := besideCrowd(r, name, turnSteps, func() func(ends time.Time) {
		gate := crowd.NewGate()
		c := crowd.Gather(gate, n, func(f func()) { go f() }, turnSteps)
		return func(ends time.Time) {
			gate.Open(ends)
			for _, m := range c.Wait() {
				delays.Add(min(m.FirstRun, *window))
			}
		}
	})
	recordCrowd(r, name, &delays)
	return err
}

func recordCrowd(r *sample.Recorder, name string, delays *delay.Set) {
	r.Set(name+"/crowd_mean_ms", delay.Milliseconds.In(delays.Mean()))
	r.Set(name+"/crowd_starved_share", delays.ShareOver(*starvedAt))
}

// besideCrowd lets the inference group work for the window beside a crowd:
// gather makes it ready, and what it returns lets it loose until a time.
func besideCrowd(r *sample.Recorder, name string, turnSteps int, gather func() func(ends time.Time)) error {
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return err
	}
	loose := gather()
	begins := time.Now().Add(10 * time.Millisecond) // by then all sleep
	ends := begins.Add(*window)
	workSteps := max(1, turnSteps*int(*tokenWork)/int(turn))
	results := make([]delay.Set, *members)
	var done sync.WaitGroup
	done.Add(*members)
	for i := range results {
		first := begins.Add(*interval * time.Duration(i) / time.Duration(*members))
		err := group.Go(func() {
			defer done.Done()
			results[i].AddDue(first, ends, *interval, func(begun time.Time) {
				crowd.Compute(uint64(begun.Nanosecond()), workSteps)
			})
		})
		if err != nil {
			return err
		}
	}
	time.Sleep(time.Until(begins))
	loose(ends)
	done.Wait()

	var all delay.Set
	starved := 0
	for i := range results {
		all.Merge(&results[i])
		if results[i].Max() > *starvedAt {
			starved++
		}
	}
	all.Record(r, name+"/inference", delay.Microseconds)
	r.Set(name+"/inference_starved_share", float64(starved)/float64(*members))
	recordReady(r, name+"/inference", group)
	return crowd.Shutdown(group)
}
