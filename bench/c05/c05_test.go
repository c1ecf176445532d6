package main

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
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
	if output := tokenLoop(nil, nil, 3, &spent); len(output) != 1 {
		t.Errorf("%d turns with the budget spent, want 1", len(output))
	}
}

func TestParseCounts(t *testing.T) {
	if got, err := parseCounts("0,1,4"); err != nil || !slices.Equal(got, []int{0, 1, 4}) {
		t.Errorf("parsed %v, %v", got, err)
	}
	for _, list := range []string{"", "-1", "1,", "x", "10001"} {
		if _, err := parseCounts(list); err == nil {
			t.Errorf("%q: no error", list)
		}
	}
}
