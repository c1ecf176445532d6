package main

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c05"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestSchedulerPassesAreCounted: the runtime's sampled count, times its
// period, is the number of calls of Gosched.
func TestSchedulerPassesAreCounted(t *testing.T) {
	const turns = 10_000
	before := schedulerPasses()
	for range turns {
		runtime.Gosched()
	}
	// Other goroutines of the process may add some, but not many.
	if counted := schedulerPasses() - before; counted < turns-trackingPeriod || counted > turns*11/10 {
		t.Errorf("%v passes counted for %d calls of Gosched", counted, turns)
	}
}

// TestMeasure runs every part, small and short.
func TestMeasure(t *testing.T) {
	defer func(h string, p, c int, b time.Duration) { *hogs, *passes, *calls, *budget = h, p, c, b }(*hogs, *passes, *calls, *budget)
	*hogs, *passes, *calls, *budget = "2", 2, 100, 20*time.Millisecond
	r := sample.NewRecorder(c05.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, name := range []string{"alone/plain/ns_per_turn", "alone/gosched/switches_per_10k", "hogs2/yield/ns_per_turn",
		"call/gosched_no_group_ns", "call/gosched_ns", "call/yield_ns", "call/yield_in_group_ns", "waiting/yield/wait_count"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if _, ok := got["alone/yield/ns_added"]; !ok {
		t.Error("what a yield adds was not measured")
	}
}

func TestTokenLoop(t *testing.T) {
	var spent atomic.Bool
	yields := 0
	output := tokenLoop(nil, func(turn int) {
		if yields++; turn != yields {
			t.Fatalf("turn %d is the %dth", turn, yields)
		}
	}, 3, &spent)
	if len(output) != *iterations || yields != *iterations {
		t.Errorf("%d tokens, %d yields of %d turns", len(output), yields, *iterations)
	}
	if again := tokenLoop(nil, nil, 3, &spent); !slices.Equal(again, output) {
		t.Error("the same loop gives other tokens")
	}
	spent.Store(true)
	if output := tokenLoop(nil, nil, 3, &spent); len(output) != trackingPeriod {
		t.Errorf("%d turns with the budget spent, want %d", len(output), trackingPeriod)
	}
}
