package load

import (
	"slices"
	"time"
)

// Gaps are the times between two tokens of a stream, of all streams, ascending.
type Gaps []time.Duration

// GapsOf, of a run with Config.KeepArrivals, takes the gaps that end between two moments. A gap that is under way at the
// end counts if it is already longer than it should be, so that a stream that is stalled
// is seen; longest 0 is no such time. Between two answers of a client is none.
func GapsOf(generations []Generation, begin, end time.Time, longest time.Duration) (all Gaps) {
	for _, g := range generations {
		open := g.Cut && len(g.Arrivals) > 0
		for i, at := range g.Arrivals {
			if at.After(end) {
				open = i > 0
				break
			}
			if i > 0 && !at.Before(begin) {
				all = append(all, at.Sub(g.Arrivals[i-1]))
			}
		}
		if !open || longest == 0 {
			continue
		}
		last, _ := slices.BinarySearchFunc(g.Arrivals, end, time.Time.Compare)
		if under := end.Sub(g.Arrivals[max(0, last-1)]); under > longest {
			all = append(all, under)
		}
	}
	slices.Sort(all)
	return all
}

// Quantile is the gap that so large a share is no longer than, 0 of none.
func (g Gaps) Quantile(share float64) time.Duration {
	if len(g) == 0 {
		return 0
	}
	return g[min(int(share*float64(len(g))), len(g)-1)]
}

// Within is the share that is no longer than a time; of none it is 0.
func (g Gaps) Within(longest time.Duration) float64 {
	if len(g) == 0 {
		return 0
	}
	n, _ := slices.BinarySearch(g, longest+1)
	return float64(n) / float64(len(g))
}
