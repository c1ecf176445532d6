package main

import (
	"errors"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c08"
	"github.com/weirgo/weir/bench/internal/ccall"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure runs all of it, small and short.
func TestMeasure(t *testing.T) {
	*window, *step, *sequences, *tokens = 20*time.Millisecond, 100*time.Microsecond, 3, 5
	*liveMiB, *churners, *documents = 1, 2, 1
	r := sample.NewRecorder(c08.Experiment)
	err := measure(r)
	if errors.Is(err, ccall.ErrUnsupported) {
		t.Skipf("not supported here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for name, least := range map[string]float64{
		"request_count": 3, "stall_count": 10, "request_p99_ms": 0.1, "lines_per_s": 1, "documents_per_s": 1,
		"garbage_mib_per_s": 0.01, "peak_mib": 1,
	} {
		if got[name] < least {
			t.Errorf("%s is %v, want %v at least", name, got[name], least)
		}
	}
	if got["stall_max_us"] < got["stall_p50_us"] {
		t.Errorf("stalls: p50 %v, max %v", got["stall_p50_us"], got["stall_max_us"])
	}
	*tokens = 0
	if err := measure(sample.NewRecorder(c08.Experiment)); err == nil {
		t.Error("requests of no token were measured")
	}
}

func TestLiveHeap(t *testing.T) {
	n := 0
	for _, head := range liveHeap(1) {
		for ; head != nil; head = head.next {
			n++
		}
	}
	if n != 1<<20/56 {
		t.Errorf("%d nodes", n)
	}
}
