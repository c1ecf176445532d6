package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
)

// measureShares measures what monitoring under the quota gets.
//
// On the idle machine it runs alone: its share is the process's processor
// time, as the kernel counts it, over that of all Ps. Beside the hogs its share
// is that of its turns among all turns, which are equally long.
func measureShares(r *sample.Recorder, turnSteps int) error {
	for _, loaded := range []bool{false, true} {
		group, err := monitoring(true)
		if err != nil {
			return err
		}
		gate := crowd.NewGate()
		limited := crowd.Gather(gate, *monitors, func(f func()) { _ = group.Go(f) }, turnSteps)
		others := crowd.Gather(gate, *hogs*count(loaded), func(f func()) { go f() }, turnSteps)
		before, err := processorTime()
		if err != nil {
			return err
		}
		gate.Open(time.Now().Add(*shareWindow))
		turns := crowd.Turns(limited.Wait())
		otherTurns := crowd.Turns(others.Wait())
		after, err := processorTime()
		if err != nil {
			return err
		}
		all := float64(shareWindow.Nanoseconds()) * float64(*processors)
		accounted := float64(group.Stats().Running) / all
		if err := crowd.Shutdown(group); err != nil {
			return err
		}
		name := "idle"
		share := float64(after-before) / all
		if loaded {
			name = "loaded"
			share = float64(turns) / float64(max(1, turns+otherTurns))
		}
		r.Set(name+"/monitor_share", share)
		r.Set(name+"/monitor_accounted_share", accounted)
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// processorTime returns what the kernel has counted for this process, user and
// system, all threads.
func processorTime() (time.Duration, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
