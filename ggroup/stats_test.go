package ggroup_test

import (
	"math"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

func TestWaitQuantile(t *testing.T) {
	var none ggroup.Wait
	if got := none.Quantile(0.5); got != 0 {
		t.Errorf("Quantile without waits = %v, want 0", got)
	}
	var w ggroup.Wait
	w.Counts[10] = 98 // below 1024 ns
	w.Counts[20] = 1  // below 1.05 ms
	w.Counts[ggroup.WaitBuckets-1] = 1
	if n := w.Count(); n != 100 {
		t.Errorf("Count = %d, want 100", n)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{
		{-1, 1 << 10}, {0, 1 << 10}, {0.5, 1 << 10}, {0.98, 1 << 10},
		{0.99, 1 << 20}, {0.995, math.MaxInt64}, {1, math.MaxInt64}, {2, math.MaxInt64},
	} {
		if got := w.Quantile(c.q); got != c.want {
			t.Errorf("Quantile(%v) = %v, want %v", c.q, got, c.want)
		}
	}
	before := ggroup.Wait{Sum: time.Second}
	before.Counts[10] = 90
	w.Sum = 3 * time.Second
	d := w.Sub(&before)
	if d.Sum != 2*time.Second || d.Counts[10] != 8 || d.Count() != 10 {
		t.Errorf("Sub = %+v", d)
	}
}
