package main

import (
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
)

// waitBehind measures the wait behind C calls, idle and busy.
func waitBehind(r *sample.Recorder, sleepInC func(time.Duration)) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, kind := range []struct {
		name   string
		before func()
	}{
		{"idle", func() { time.Sleep(*idle) }},
		{"busy", func() { computeFor(*busy) }},
	} {
		group, err := engine()
		if err != nil {
			return err
		}
		ready, ran := make(chan time.Time), make(chan time.Duration, 1)
		go func() {
			for since := range ready {
				ran <- time.Since(since)
			}
		}()
		var waits delay.Set
		if err := inGroup(group, func() {
			for range *calls {
				kind.before()
				ready <- time.Now() // the goroutine above is ready from here on
				sleepInC(*length)
				waits.Add(<-ran)
			}
			close(ready)
		}); err != nil {
			return err
		}
		waits.Record(r, kind.name+"/wait", delay.Microseconds)
	}
	return nil
}

// computeFor computes in Go for d.
func computeFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		crowd.Compute(1, 10_000)
	}
}
