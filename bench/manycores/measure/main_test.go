package main

import (
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/manycores"
)

func TestMeasure(t *testing.T) {
	*window, *procs, *profiles = 20*time.Millisecond, "2,4", t.TempDir()
	r := sample.NewRecorder(manycores.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, name := range []string{"scaling/ring/latency", "4/pairs/none/hops_per_s_per_proc", "2/ring/counts/hops_per_s_per_proc"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

func TestUpTo(t *testing.T) {
	for cores, want := range map[int]string{1: "2", 2: "2", 7: "2,4", 8: "2,4,8", 64: "2,4,8,16"} {
		if got := upTo(cores); got != want {
			t.Errorf("%d cores: %s, want %s", cores, got, want)
		}
	}
}
