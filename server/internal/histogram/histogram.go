package histogram

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Units of a metric, in those of the values observed.
const (
	Seconds = float64(time.Second) // of values in nanoseconds
	Count   = 1.0                  // of values that are counts
)

// Histogram counts values. It is safe for concurrent use.
type Histogram struct {
	desc   *prometheus.Desc
	unit   float64
	shown  []float64 // upper bounds in the metric's unit
	bounds []int64   // the same in that of the values, ascending
	counts []atomic.Uint64
	sum    atomic.Int64
}

var _ prometheus.Collector = (*Histogram)(nil)

// New makes a histogram whose metric is desc, without labels that vary. A value of
// unit is one of the metric. bounds are the buckets' upper ends in the metric's
// unit, ascending and inclusive; one above them all is there without being named.
func New(desc *prometheus.Desc, unit float64, bounds ...float64) *Histogram {
	h := &Histogram{desc: desc, unit: unit, shown: bounds, bounds: make([]int64, len(bounds)), counts: make([]atomic.Uint64, len(bounds)+1)}
	for i, bound := range bounds {
		h.bounds[i] = int64(math.Round(bound * unit))
		if i > 0 && h.bounds[i] <= h.bounds[i-1] {
			panic("histogram: bounds do not ascend")
		}
	}
	return h
}

// Observe counts a value.
func (h *Histogram) Observe(value int64) { h.ObserveN(value, 1) }

// ObserveN counts n equal values.
func (h *Histogram) ObserveN(value int64, n int) {
	low, high := 0, len(h.bounds)
	for low < high {
		if middle := int(uint(low+high) / 2); h.bounds[middle] < value {
			low = middle + 1
		} else {
			high = middle
		}
	}
	h.counts[low].Add(uint64(n))
	h.sum.Add(value * int64(n))
}

// Describe implements prometheus.Collector.
func (h *Histogram) Describe(out chan<- *prometheus.Desc) { out <- h.desc }

// Collect implements prometheus.Collector.
func (h *Histogram) Collect(out chan<- prometheus.Metric) {
	buckets := make(map[float64]uint64, len(h.shown))
	seen := uint64(0)
	for i := range h.counts {
		seen += h.counts[i].Load()
		if i < len(h.shown) {
			buckets[h.shown[i]] = seen
		}
	}
	out <- prometheus.MustNewConstHistogram(h.desc, seen, float64(h.sum.Load())/h.unit, buckets)
}
