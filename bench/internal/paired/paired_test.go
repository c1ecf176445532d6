package paired

import (
	"errors"
	"math"
	"testing"
	"time"
)

// scripted is a side whose slices have so many operations of a CPU time each, at
// a pace that the machine sets.
func scripted(name string, pace *float64, operations float64, cpu time.Duration) Side {
	return Side{name, func() (Slice, error) {
		n := uint64(operations * *pace)
		*pace *= 0.9 // a machine that others use more and more
		return Slice{Operations: n, Wall: time.Second, CPU: time.Duration(n) * cpu}, nil
	}}
}

// TestCompare: a machine that slows down all the time changes no ratio by more
// than a percent.
func TestCompare(t *testing.T) {
	pace := 1e9
	got, err := Compare(scripted("base", &pace, 1, 1000), []Side{
		scripted("half", &pace, 0.5, 3000), scripted("same", &pace, 1, 1000),
	}, 5)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]float64{"base": {1, 1}, "half": {0.5, 3}, "same": {1, 1}} {
		o := got[name]
		if name != "base" && math.Abs(o.Rate/want[0]-1) > 0.01 || math.Abs(o.CPUCost/want[1]-1) > 0.01 {
			t.Errorf("%s: %+v, want ratios %v", name, o, want)
		}
	}
	if got["half"].CPU != 3000 || got["half"].PerSecond <= 0 {
		t.Errorf("half: %+v", got["half"])
	}
}

func TestCompareFails(t *testing.T) {
	failure := errors.New("no server")
	good := Side{"good", func() (Slice, error) { return Slice{1, 1, 1}, nil }}
	idle := Side{"idle", func() (Slice, error) { return Slice{0, 1, 1}, nil }}
	fails := Side{"fails", func() (Slice, error) { return Slice{}, failure }}
	if _, err := Compare(good, []Side{fails}, 1); !errors.Is(err, failure) {
		t.Errorf("error is %v", err)
	}
	if _, err := Compare(fails, nil, 1); !errors.Is(err, failure) {
		t.Errorf("error is %v", err)
	}
	for _, sides := range [][2]Side{{idle, good}, {good, idle}} {
		if _, err := Compare(sides[0], sides[1:], 1); !errors.Is(err, errIdle) {
			t.Errorf("%s and %s: error is %v", sides[0].Name, sides[1].Name, err)
		}
	}
	if _, err := Compare(good, []Side{{"timeless", func() (Slice, error) { return Slice{1, 0, 1}, nil }}}, 1); err == nil {
		t.Error("a slice of no time was taken")
	}
}

// TestRun: steps are made by every worker, and none after the end.
func TestRun(t *testing.T) {
	steps := make([]int, 3)
	l := Load{Workers: 3, Step: func(i int) error { steps[i]++; return nil }}
	slice, err := l.Run(0, time.Millisecond)
	if err != nil || slice.Wall < time.Millisecond || slice.CPU <= 0 {
		t.Fatalf("%+v, %v", slice, err)
	}
	sum := uint64(0)
	for i, n := range steps { // a race if a worker still ran
		if sum += uint64(n); n == 0 {
			t.Errorf("worker %d made no step", i)
		}
	}
	if sum < slice.Operations {
		t.Errorf("%d operations counted of %d", slice.Operations, sum)
	}
	failure := errors.New("the peer is gone")
	l.Step = func(i int) error {
		if i == 1 {
			return failure
		}
		return nil
	}
	if _, err := l.Run(time.Millisecond, time.Millisecond); !errors.Is(err, failure) {
		t.Errorf("error is %v", err)
	}
}
