package paired

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
)

// A Side is one of the things compared. Measure runs it for a slice.
type Side struct {
	Name    string
	Measure func() (Slice, error)
}

// An Outcome is what a side came to: medians over all slices.
type Outcome struct {
	PerSecond float64       // operations
	CPU       time.Duration // of an operation

	Rate    float64 // PerSecond over the base's
	CPUCost float64 // CPU over the base's
}

// Compare measures the base and the other sides in turns, so many times each,
// and returns the outcomes by name, the base's included. The order of the sides
// turns round from one time to the next.
func Compare(base Side, others []Side, times int) (map[string]Outcome, error) {
	all := make(map[string]*series)
	for _, side := range append([]Side{base}, others...) {
		all[side.Name] = &series{}
	}
	before, err := measure(base)
	if err != nil {
		return nil, err
	}
	if err := all[base.Name].add(before, before, before); err != nil {
		return nil, fmt.Errorf("paired: %s: %w", base.Name, err)
	}
	others = slices.Clone(others)
	for range times {
		for _, side := range others {
			slice, err := measure(side)
			if err != nil {
				return nil, err
			}
			after, err := measure(base)
			if err != nil {
				return nil, err
			}
			err = all[side.Name].add(slice, before, after)
			if err == nil {
				err = all[base.Name].add(after, before, after)
			}
			if err != nil {
				return nil, fmt.Errorf("paired: %s beside %s: %w", side.Name, base.Name, err)
			}
			before = after
		}
		slices.Reverse(others)
	}
	outcomes := make(map[string]Outcome)
	for name, s := range all {
		if outcomes[name], err = s.outcome(); err != nil {
			return nil, fmt.Errorf("paired: %s: %w", name, err)
		}
	}
	return outcomes, nil
}

func measure(side Side) (Slice, error) {
	slice, err := side.Measure()
	if err == nil && slice.Wall <= 0 {
		err = fmt.Errorf("a slice of %v", slice.Wall)
	}
	if err != nil {
		return slice, fmt.Errorf("paired: measure %s: %w", side.Name, err)
	}
	return slice, nil
}

// series are the values of one side.
type series struct {
	perSecond, cpu, rates, cpuCosts []float64
}

var errIdle = fmt.Errorf("no operation ended in a slice, or it took no CPU time: make slices longer")

// add adds a slice that ran between two of the base. One in which nothing was
// done has a rate and no CPU time of an operation.
func (s *series) add(slice, before, after Slice) error {
	for _, base := range []Slice{before, after} {
		if base.Operations == 0 || base.CPU <= 0 {
			return errIdle
		}
	}
	s.perSecond = append(s.perSecond, slice.rate())
	s.rates = append(s.rates, slice.rate()/((before.rate()+after.rate())/2))
	if slice.Operations > 0 && slice.CPU > 0 {
		s.cpu = append(s.cpu, slice.perOperation())
		s.cpuCosts = append(s.cpuCosts, slice.perOperation()/((before.perOperation()+after.perOperation())/2))
	}
	return nil
}

func (s *series) outcome() (Outcome, error) {
	if len(s.cpu) == 0 {
		return Outcome{}, errIdle
	}
	return Outcome{
		PerSecond: sample.Median(s.perSecond), CPU: time.Duration(sample.Median(s.cpu)),
		Rate: sample.Median(s.rates), CPUCost: sample.Median(s.cpuCosts),
	}, nil
}
