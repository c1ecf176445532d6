// Package histogram counts values into buckets from paths that may neither wait
// nor allocate, and shows the counts to Prometheus.
//
// # Model
//
// A [Histogram] has bounds that do not change and an atomic counter for each
// bucket. Observe adds one to a counter and the value to the sum: a few
// nanoseconds, no lock, no memory. It is a prometheus.Collector; what is read at
// a scrape is converted then, from the unit of the values (nanoseconds, tokens)
// to that of the metric.
//
//	gaps := histogram.New(prometheus.NewDesc("gap_seconds", "Between two tokens.", nil, nil),
//		histogram.Seconds, .001, .01, .1, 1)
//	registry.MustRegister(gaps)
//	...
//	gaps.Observe(int64(gap))
//
// # Limits
//
// The buckets are classic ones: a native histogram, whose buckets come and go,
// takes locks and memory where it is observed. Several goroutines that observe one
// histogram share its cache lines; what is observed by one each is cheapest. A
// scrape that comes in the middle of an Observe sees its bucket and not its sum.
package histogram
