package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// turn is what a busy group's goroutine computes by.
const turn = 20 * time.Microsecond

// A beside is a group that exists for a slice.
type beside struct {
	group *ggroup.Group
	end   chan struct{}
	turns atomic.Int64 // that its goroutine has computed for
}

// openGroup has the group of that name, and what is in it, until leave is
// called.
func openGroup(name string, turnSteps int) (b *beside, err error) {
	b = &beside{end: make(chan struct{})}
	var options []ggroup.Option
	member := func() { <-b.end }
	switch name {
	case "empty":
		options, member = append(options, ggroup.WithClass(ggroup.Latency)), nil
	case "parked":
		options = append(options, ggroup.WithClass(ggroup.Latency))
	case "busy":
		options = append(options, ggroup.WithClass(ggroup.Latency))
		member = func() { b.work(turnSteps) }
	case "counting":
	case "quota":
		options = append(options, ggroup.WithCPUQuota(0.1))
	default:
		return nil, fmt.Errorf("-groups: there is no group %q", name)
	}
	if b.group, err = ggroup.Open(name, options...); err != nil || member == nil {
		return b, err
	}
	here := make(chan struct{})
	if err := b.group.Go(func() {
		close(here)
		member()
	}); err != nil {
		return nil, errors.Join(err, b.leave())
	}
	<-here
	return b, nil
}

// leave ends the goroutine and closes the group.
func (b *beside) leave() error {
	close(b.end)
	return crowd.Shutdown(b.group)
}

// work computes for -busy-share of each -busy-every until the end.
func (b *beside) work(turnSteps int) {
	turns := int(*busyShare * float64(*busyEvery) / float64(turn))
	tick := time.NewTicker(*busyEvery)
	defer tick.Stop()
	for state := uint64(1); ; {
		select {
		case <-b.end:
			return
		case <-tick.C:
		}
		for range turns {
			state = crowd.Compute(state, turnSteps)
			b.turns.Add(1)
		}
	}
}

// othersClock is this process's CPU time without what the group's goroutine
// computes.
func (b *beside) othersClock() (time.Duration, error) {
	all, err := sample.ProcessClock(os.Getpid())
	return all - time.Duration(b.turns.Load())*turn, err
}
