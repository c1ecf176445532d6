package front

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are counters by labels of closed sets. A prometheus.CounterVec holds a lock
// while it is read, which who counts may have to wait for; the goroutine that reads
// these may be stopped at any moment, for as long as its quota wants, and nobody
// notices. They are safe for concurrent use.
type counts struct {
	about  *prometheus.Desc
	labels int      // how many there are, 1 or 2
	by     sync.Map // [2]string, the labels' values, to *atomic.Uint64
}

// newCounts makes counters of a name, with one label or two.
func newCounts(name, help string, always prometheus.Labels, labels ...string) *counts {
	return &counts{about: prometheus.NewDesc(name, help, labels, always), labels: len(labels)}
}

// add counts one. of are the labels' values.
func (c *counts) add(of [2]string) {
	n, known := c.by.Load(of)
	if !known {
		n, _ = c.by.LoadOrStore(of, new(atomic.Uint64))
	}
	n.(*atomic.Uint64).Add(1)
}

// Describe implements prometheus.Collector.
func (c *counts) Describe(out chan<- *prometheus.Desc) { out <- c.about }

// Collect implements prometheus.Collector.
func (c *counts) Collect(out chan<- prometheus.Metric) {
	c.by.Range(func(of, n any) bool {
		values := of.([2]string)
		out <- prometheus.MustNewConstMetric(c.about, counter, float64(n.(*atomic.Uint64).Load()), values[:c.labels]...)
		return true
	})
}
