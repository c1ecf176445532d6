package record

import (
	"math"
	"math/bits"
	"runtime/metrics"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// A source is where records come from: the runtime, or a script in tests.
type source interface {
	// supported reports whether there are records, and if not, why.
	supported() (ok bool, why string)
	// subscribe has deliver called with records from now on, one call at a time,
	// until the subscription is closed. lost is how many are missing by now.
	subscribe(deliver func(records []Record, lost uint64)) (subscription, error)
	now() int64                 // on the clock of the records
	groups() map[int32]string   // names of the groups that are open, by their ids
	reason(reason uint8) string // a wait reason in words
	stop(reason uint64) string  // why the world was stopped, in words
	goroutine() uint64          // the caller's id
}

// A subscription is what [source.subscribe] returns.
type subscription interface {
	// Flush returns when what was recorded before has been delivered.
	Flush()
	// Close ends it: no call of deliver runs afterwards.
	Close()
}

// Supported reports whether the running program's scheduler can be followed, and
// why not otherwise. What is left then is Snapshot.Process, and requests without
// timelines.
func Supported() (ok bool, why string) { return theSource().supported() }

// processWaits reads the runtime's own histogram of all waits.
func processWaits(h *Histogram) {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() == metrics.KindFloat64Histogram {
		convert(h, sample[0].Value.Float64Histogram())
	}
}

// convert adds a histogram in seconds, by the lower bounds of its buckets.
func convert(h *Histogram, from *metrics.Float64Histogram) {
	for i, n := range from.Counts {
		ns := from.Buckets[i] * float64(time.Second)
		if n == 0 {
			continue
		}
		low := int64(0)
		if ns > 0 {
			low = int64(min(math.Round(ns), math.MaxInt64/2))
		}
		h.Counts[min(bits.Len64(uint64(low)), ggroup.WaitBuckets-1)] += n
		h.Sum += time.Duration(low) * time.Duration(n)
	}
}
