package main

import (
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/stacks"
)

// TestMeasure runs every part, small.
func TestMeasure(t *testing.T) {
	defer func(c, d string, n, m, k, l int) {
		*counts, *depths, *cycles, *streams, *runningCount, *runningTimes = c, d, n, m, k, l
	}(*counts, *depths, *cycles, *streams, *runningCount, *runningTimes)
	*counts, *depths, *cycles, *streams, *runningCount, *runningTimes = "3,20", "1,30", 1, 5, 10, 1
	r := sample.NewRecorder(stacks.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, name := range []string{"none/cycle_us", "network/20x30/cycle_us", "select/3x1/cycle_us", "http/cycle_us", "running/cpu_cost"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if n := got["semaphore/20x1/goroutines"]; n != 20 {
		t.Errorf("%v goroutines, want 20", n)
	}
	if n := got["http/goroutines"]; n < 10 { // a handler and a reader for each
		t.Errorf("%v goroutines of the server, want 10", n)
	}
}

// TestFewFiles: no more goroutines wait for the network than there may be files.
func TestFewFiles(t *testing.T) {
	defer func(c, d string) { *counts, *depths = c, d }(*counts, *depths)
	*counts, *depths = "100", "1"
	r := sample.NewRecorder(stacks.Experiment)
	if err := measureParked(r, cell{"network", 100, 1}, 7, 0); err != nil {
		t.Fatal(err)
	}
	if n := r.Measurements()["network/100x1/goroutines"]; n != 7 {
		t.Errorf("%v goroutines, want 7", n)
	}
	if err := measureParked(r, cell{"file", 1, 1}, 7, 0); err == nil {
		t.Error("an unknown kind was measured")
	}
}

func TestDescend(t *testing.T) {
	deep := 0
	object := &held{}
	descend(24, object, nil, func() { deep++ })
	if deep != 1 || object.n == 0 {
		t.Errorf("waited %d times, the object has %d", deep, object.n)
	}
}

func TestPartsAreInOrder(t *testing.T) {
	var order []int
	at := func(n int) part { return part{n, func() error { order = append(order, n); return nil }} }
	if err := inOrder([]part{at(7), at(1), at(3)}); err != nil || len(order) != 3 || order[0] != 1 || order[2] != 7 {
		t.Errorf("measured in the order %v, %v", order, err)
	}
}
