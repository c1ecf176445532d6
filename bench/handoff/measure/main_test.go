package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/handoff"
	"github.com/weirgo/weir/bench/internal/ccall"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure runs every part, small and short, with real calls of C.
func TestMeasure(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("not supported: %v", ccall.ErrUnsupported)
	}
	*calls, *hogs, *emptyCalls = 2, 2, 100
	*length, *busy, *idle = time.Millisecond, time.Millisecond, time.Millisecond
	*window, *shortCall = 20*time.Millisecond, 500*time.Microsecond
	r := sample.NewRecorder(handoff.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for name, least := range map[string]float64{
		"idle/wait_count": 2, "busy/wait_count": 2, "return_compute/late_count": 1, "return_sleep/late_count": 1,
		"call/plain_ns": 1, "call/eager_ns": 1,
	} {
		if got[name] < least {
			t.Errorf("%s is %v, want %v at least", name, got[name], least)
		}
	}
	defer func(name string) { *library = name }(*library)
	*library = "libnowhere.so"
	if err := measure(sample.NewRecorder(handoff.Experiment)); err == nil {
		t.Error("a missing library was opened")
	}
}
