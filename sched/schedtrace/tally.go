package schedtrace

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold nanoseconds to within 1 %. What is longer counts as longestNs, save
// for the maximum, which is exact.
const (
	shortestNs = 1
	longestNs  = int64(10 * time.Minute)
	digits     = 2
)

// parts is time by cause, in ns.
type parts [causes]int64

// main is the cause with most of the time, of several the first.
func (p *parts) main() Cause {
	most := Cause(0)
	for c := range p {
		if p[c] > p[most] {
			most = Cause(c)
		}
	}
	return most
}

// A tally is what is kept of one kind of latency in one group.
type tally struct {
	thresholdNs int64
	histogram   *hdrhistogram.Histogram // made by the first
	count, over int64
	sumNs       int64
	maxNs       int64
	causes      [causes]struct {
		count, over int64 // of latencies that are mainly so
		ns          int64 // of all latencies
	}
}

func (t *tally) add(ns int64, p *parts) {
	if t.histogram == nil {
		t.histogram = hdrhistogram.New(shortestNs, longestNs, digits)
	}
	// An error means out of range, and the value is clamped to it.
	_ = t.histogram.RecordValue(min(max(ns, shortestNs), longestNs))
	t.count++
	t.sumNs += ns
	t.maxNs = max(t.maxNs, ns)
	c := &t.causes[p.main()]
	c.count++
	if ns > t.thresholdNs {
		t.over++
		c.over++
	}
	for i := range p {
		t.causes[i].ns += p[i]
	}
}

// quantile is in ns, 0 of nothing.
func (t *tally) quantile(percent float64) int64 {
	if t.histogram == nil {
		return 0
	}
	return min(t.histogram.ValueAtQuantile(percent), t.maxNs)
}

// A sum is a number of intervals and their time.
type sum struct {
	count, ns, maxNs int64
}

func (s *sum) add(ns int64) {
	s.count++
	s.ns += ns
	s.maxNs = max(s.maxNs, ns)
}

func (s *sum) addAll(other sum) {
	s.count += other.count
	s.ns += other.ns
	s.maxNs = max(s.maxNs, other.maxNs)
}
