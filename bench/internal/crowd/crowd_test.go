package crowd

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestCrowd(t *testing.T) {
	const n = 50
	var started atomic.Int32
	gate := NewGate()
	c := Gather(gate, n, func(f func()) {
		started.Add(1)
		go f()
	}, 1000)
	if started.Load() != n {
		t.Fatalf("%d of %d were started", started.Load(), n)
	}
	const span = 30 * time.Millisecond
	gate.Open(time.Now().Add(span))
	members := c.Wait()
	if len(members) != n {
		t.Fatalf("%d members", len(members))
	}
	sum := 0
	for i, m := range members {
		sum += m.Turns
		if m.Turns < 1 || m.LongestWait <= 0 {
			t.Errorf("member %d: %d turns, %v between them", i, m.Turns, m.LongestWait)
		}
		if m.LongestWait > LongestWait(members) {
			t.Errorf("member %d waited %v, longer than the longest", i, m.LongestWait)
		}
	}
	if sum != Turns(members) {
		t.Errorf("%d turns, counted as %d", sum, Turns(members))
	}
}

func TestCrowdOpenedTooLate(t *testing.T) {
	gate := NewGate()
	c := Gather(gate, 3, func(f func()) { go f() }, 10)
	gate.Open(time.Now().Add(-time.Second))
	if turns := Turns(c.Wait()); turns != 0 {
		t.Errorf("%d turns after the end", turns)
	}
}

func TestCalibrate(t *testing.T) {
	short, long := Calibrate(0), Calibrate(10*time.Millisecond)
	if short != 1 || long < 1000 {
		t.Errorf("nothing takes %d steps, 10 ms take %d", short, long)
	}
	if Compute(1, 0) != 1 || Compute(1, 1000) == Compute(1, 1001) {
		t.Error("the steps do not change the state")
	}
}
