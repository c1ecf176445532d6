package main

import (
	"testing"
	"time"

	"github.com/weirgo/weir/bench/cooperative"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure runs every cell, short.
func TestMeasure(t *testing.T) {
	defer func(h, n int, w, s time.Duration) { *hogs, *times, *warm, *slice = h, n, w, s }(*hogs, *times, *warm, *slice)
	*hogs, *times, *warm, *slice = 2, 1, time.Millisecond, 20*time.Millisecond
	r := sample.NewRecorder(cooperative.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, c := range cells {
		want := 10.0 // each 2 ms of 20
		if c.name == "never" {
			want *= 3 // before and after each of the others
		}
		if n := got[c.name+"/latency_count"]; n != want {
			t.Errorf("%s: %v turns were due, want %v", c.name, n, want)
		}
		if got[c.name+"/hogs_kept"] <= 0 || got[c.name+"/cpu_cost"] <= 0 {
			t.Errorf("%s: the hogs kept %v at a cost of %v", c.name, got[c.name+"/hogs_kept"], got[c.name+"/cpu_cost"])
		}
	}
	if got["system/latency_p99_us"] != got["class/latency_p99_us"] {
		t.Error("the system is not the cell that was asked for")
	}
	defer func(s string) { *system = s }(*system)
	*system = "alone"
	if err := measure(sample.NewRecorder(cooperative.Experiment)); err == nil {
		t.Error("a system that is no cell was measured")
	}
}
