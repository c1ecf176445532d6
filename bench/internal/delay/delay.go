package delay

import (
	"math"
	"slices"
	"time"
)

// Set is a sample of delays. The zero Set is empty. It belongs to one
// goroutine at a time.
type Set struct {
	values []time.Duration
	sorted bool
}

// Add adds one delay. One below zero, which two clocks may give, counts as
// zero.
func (s *Set) Add(d time.Duration) {
	s.values = append(s.values, max(d, 0))
	s.sorted = false
}

// AddDue does work at each due time, from first until ends, every after every,
// and adds how late it began. What was due while an earlier one waited for a
// processor is late, too.
func (s *Set) AddDue(first, ends time.Time, every time.Duration, work func(begun time.Time)) {
	for due := first; due.Before(ends); due = due.Add(every) {
		now := time.Now()
		if now.Before(due) {
			time.Sleep(due.Sub(now))
			now = time.Now()
		}
		s.Add(now.Sub(due))
		work(now)
	}
}

// Merge adds all delays of other.
func (s *Set) Merge(other *Set) {
	s.values = append(s.values, other.values...)
	s.sorted = false
}

// Len returns the number of delays.
func (s *Set) Len() int { return len(s.values) }

// Quantile returns the smallest delay that is not exceeded by the fraction q,
// 0 to 1, of all; 0 of an empty set.
func (s *Set) Quantile(q float64) time.Duration {
	if len(s.values) == 0 {
		return 0
	}
	if !s.sorted {
		slices.Sort(s.values)
		s.sorted = true
	}
	rank := int(math.Ceil(q * float64(len(s.values))))
	return s.values[min(max(rank, 1), len(s.values))-1]
}

// Max returns the longest delay, 0 of an empty set.
func (s *Set) Max() time.Duration { return s.Quantile(1) }

// Mean returns the arithmetic mean, 0 of an empty set.
func (s *Set) Mean() time.Duration {
	if len(s.values) == 0 {
		return 0
	}
	sum := 0.0
	for _, d := range s.values {
		sum += float64(d)
	}
	return time.Duration(sum / float64(len(s.values)))
}

// WithOmitted returns the delays that requests sent at the interval every,
// however late the last answer is, would have had: one that waits for d holds
// up those due in the meantime, which wait for d - every, d - 2 every, and so
// on. A client that sends nothing while it waits omits them, and so counts a
// long wait as once as bad as a short one (HdrHistogram's correction of
// coordinated omission).
func (s *Set) WithOmitted(every time.Duration) *Set {
	var all Set
	for _, d := range s.values {
		for ; d > 0; d -= every {
			all.Add(d)
			if every <= 0 {
				break
			}
		}
	}
	return &all
}

// ShareOver returns the fraction of delays longer than limit, 0 of an empty
// set.
func (s *Set) ShareOver(limit time.Duration) float64 {
	if len(s.values) == 0 {
		return 0
	}
	over := 0
	for _, d := range s.values {
		if d > limit {
			over++
		}
	}
	return float64(over) / float64(len(s.values))
}

// A Setter takes named measurements; a sample.Recorder is one.
type Setter interface {
	Set(name string, value float64)
}

// Units of recorded delays.
var (
	Microseconds = Unit{"us", time.Microsecond}
	Milliseconds = Unit{"ms", time.Millisecond}
)

// A Unit is what a measurement counts in, and the last word of its name.
type Unit struct {
	name string
	of   time.Duration
}

// In converts d.
func (u Unit) In(d time.Duration) float64 { return float64(d) / float64(u.of) }

// Record sets prefix_mean, _p50, _p99 and _max in unit u, and prefix_count.
func (s *Set) Record(r Setter, prefix string, u Unit) {
	r.Set(prefix+"_mean_"+u.name, u.In(s.Mean()))
	r.Set(prefix+"_p50_"+u.name, u.In(s.Quantile(0.50)))
	r.Set(prefix+"_p99_"+u.name, u.In(s.Quantile(0.99)))
	r.Set(prefix+"_max_"+u.name, u.In(s.Max()))
	r.Set(prefix+"_count", float64(s.Len()))
}
