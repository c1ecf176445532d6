package main

import (
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c09"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure runs every part, small and short.
func TestMeasure(t *testing.T) {
	*inference, *monitors, *hogs, *liveMiB = 2, 2, 2, 1
	*window, *shareWindow, *interval = 50*time.Millisecond, 50*time.Millisecond, 10*time.Millisecond
	r := sample.NewRecorder(c09.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, cell := range []string{"alone", "unlimited", "quota"} {
		if n := got[cell+"/inference_count"]; n != 10 { // 2 goroutines, 10 ms of 50
			t.Errorf("%s: %v tokens were due, want 10", cell, n)
		}
		if got[cell+"/collections"] < 1 {
			t.Errorf("%s: nothing was collected", cell)
		}
	}
	if got["alone/monitor_lines_per_s"] != 0 || got["unlimited/monitor_lines_per_s"] == 0 {
		t.Errorf("monitoring wrote %v lines alone, %v unlimited", got["alone/monitor_lines_per_s"], got["unlimited/monitor_lines_per_s"])
	}
	if share := got["loaded/monitor_share"]; share < 0 || share > 1 {
		t.Errorf("monitoring got %v of the turns", share)
	}
	if _, ok := got["idle/monitor_share"]; !ok {
		t.Error("no share on an idle machine")
	}
}
