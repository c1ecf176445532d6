package probe

import (
	"encoding/json"
	"math/bits"
	"time"
)

// Buckets is the number of buckets of a [Histogram].
const Buckets = 40

// A Histogram counts durations. Bucket i counts those from 2^i ns to below 2^(i+1) ns;
// the first one those below 2 ns, too, and the last one all longer ones, from 9 minutes
// on.
type Histogram struct {
	Counts [Buckets]uint64
	Sum    time.Duration
}

// Count is how many durations there are.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile is the upper bound of the bucket that the q-quantile is in, q from 0 to 1:
// at most twice the quantile itself. It is 0 if there are no durations.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank := max(1, uint64(q*float64(n)+0.5))
	seen := uint64(0)
	for i, c := range h.Counts {
		if seen += c; seen >= min(rank, n) {
			return bound(i)
		}
	}
	return bound(Buckets - 1)
}

// bound is the shortest duration that is too long for a bucket.
func bound(bucket int) time.Duration { return 2 << bucket }

// bucketOf is the bucket of a duration, as programs in the kernel choose it.
func bucketOf(d time.Duration) int {
	return min(max(bits.Len64(uint64(max(d, 0)))-1, 0), Buckets-1)
}

func (h Histogram) sub(before Histogram) Histogram {
	for i := range h.Counts {
		h.Counts[i] = since(h.Counts[i], before.Counts[i])
	}
	h.Sum = max(0, h.Sum-before.Sum)
	return h
}

// MarshalJSON gives count, sum, quantiles, and the buckets that are not empty by the
// duration below which they end, all in nanoseconds.
func (h Histogram) MarshalJSON() ([]byte, error) {
	buckets := map[int64]uint64{}
	for i, c := range h.Counts {
		if c > 0 {
			buckets[int64(bound(i))] = c
		}
	}
	return json.Marshal(struct {
		Count   uint64           `json:"count"`
		Sum     time.Duration    `json:"sum_ns"`
		P50     time.Duration    `json:"p50_ns"`
		P99     time.Duration    `json:"p99_ns"`
		Max     time.Duration    `json:"max_ns"`
		Buckets map[int64]uint64 `json:"buckets"`
	}{h.Count(), h.Sum, h.Quantile(0.5), h.Quantile(0.99), h.Quantile(1), buckets})
}

// since is how much a counter has grown; 0 if what it belongs to is a new one.
func since(now, before uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}
