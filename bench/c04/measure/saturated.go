package main

import (
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// saturate measures what the classes get, by the turns they make, while each
// of them could use every processor.
func saturate(r *sample.Recorder, turnSteps int) error {
	classes := []ggroup.Class{ggroup.Latency, ggroup.Normal, ggroup.Background}
	groups := make([]*ggroup.Group, len(classes))
	gate := crowd.NewGate()
	crowds := make([]*crowd.Crowd, len(classes))
	for i, class := range classes {
		var err error
		if groups[i], err = ggroup.Open(class.String(), ggroup.WithClass(class)); err != nil {
			return err
		}
		n := *lower
		if class == ggroup.Latency {
			n = *saturators
		}
		crowds[i] = crowd.Gather(gate, n, func(f func()) { ggroup.BindTo(groups[i], f) }, turnSteps)
	}
	gate.Open(time.Now().Add(*saturatedWindow))
	turns, all := make([]int, len(classes)), 0
	var oldest time.Duration
	for i, c := range crowds {
		members := c.Wait()
		turns[i] = crowd.Turns(members)
		all += turns[i]
		longest := crowd.LongestWait(members)
		r.Set("saturated/"+classes[i].String()+"_longest_wait_ms", delay.Milliseconds.In(longest))
		if classes[i] != ggroup.Latency {
			oldest = max(oldest, longest)
		}
	}
	for i, class := range classes {
		r.Set("saturated/"+class.String()+"_share", float64(turns[i])/float64(max(1, all)))
		if err := crowd.Shutdown(groups[i]); err != nil {
			return err
		}
	}
	r.Set("saturated/oldest_wait_ms", delay.Milliseconds.In(oldest))
	return nil
}
