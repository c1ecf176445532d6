package load

import (
	"slices"
	"testing"
	"time"
)

func TestGaps(t *testing.T) {
	start := time.Now()
	at := func(ms ...int) (times []time.Time) {
		for _, n := range ms {
			times = append(times, start.Add(time.Duration(n)*time.Millisecond))
		}
		return times
	}
	begin, end := at(100)[0], at(200)[0]
	for _, c := range []struct {
		name    string
		g       Generation
		longest int // ms
		want    []int
	}{
		{"before", Generation{Arrivals: at(10, 20)}, 5, nil},
		{"into it", Generation{Arrivals: at(90, 120, 150)}, 5, []int{30, 30}},
		{"the first token", Generation{Arrivals: at(150)}, 5, nil},
		{"out of it, late", Generation{Arrivals: at(150, 190, 230)}, 5, []int{10, 40}},
		{"out of it, not late", Generation{Arrivals: at(150, 190, 230)}, 20, []int{40}},
		{"no objective", Generation{Arrivals: at(150, 190, 230)}, 0, []int{40}},
		{"stalled all the time", Generation{Arrivals: at(80, 90), Cut: true}, 20, []int{110}},
		{"stalled, and on afterwards", Generation{Arrivals: at(80, 90, 250), Cut: true}, 20, []int{110}},
		{"ended", Generation{Arrivals: at(110, 120)}, 5, []int{10}},
		{"cut off at the end", Generation{Arrivals: at(170, 195), Cut: true}, 20, []int{25}},
		{"begun afterwards", Generation{Arrivals: at(220, 230), Cut: true}, 5, nil},
		{"nothing came", Generation{Cut: true}, 5, nil},
	} {
		var want Gaps
		for _, ms := range c.want {
			want = append(want, time.Duration(ms)*time.Millisecond)
		}
		if got := GapsOf([]Generation{c.g}, begin, end, time.Duration(c.longest)*time.Millisecond); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
}

func TestSharesOfGaps(t *testing.T) {
	g := Gaps{1, 2, 2, 3, 10}
	for _, c := range []struct {
		longest time.Duration
		want    float64
	}{{0, 0}, {1, 0.2}, {2, 0.6}, {9, 0.8}, {10, 1}} {
		if got := g.Within(c.longest); got != c.want {
			t.Errorf("within %d: %v, want %v", c.longest, got, c.want)
		}
	}
	if g.Quantile(0.5) != 2 || g.Quantile(0.99) != 10 || g.Quantile(1) != 10 || Gaps(nil).Quantile(0.5) != 0 || Gaps(nil).Within(1) != 0 {
		t.Errorf("quantiles %v, %v", g.Quantile(0.5), g.Quantile(0.99))
	}
}
