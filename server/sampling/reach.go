package sampling

import (
	"math"
	"slices"
)

// Bounds of the search for a key.
const (
	shortRow   = 8192 // is searched as it is
	samples    = 512  // of a longer one
	sampleStep = 16   // samples between the keys that enclose what is searched
	sortedKeys = 256
	digitBits  = 11
)

// measure is what a key counts for, and the keys of a row from one on.
type measure struct {
	of   func(*Row, Key) float64
	from func(*Row, Key) float64
}

// number counts keys, mass adds up exp(logit - greatest).
var (
	number = measure{
		of:   func(*Row, Key) float64 { return 1 },
		from: func(r *Row, cut Key) float64 { return float64(r.count(cut)) },
	}
	mass = measure{
		of:   func(r *Row, k Key) float64 { return float64(weight(k.Logit(), r.greatest, 1)) },
		from: func(r *Row, cut Key) float64 { return r.weigh(cut, 1) },
	}
)

// reach returns the greatest key such that the keys from it on measure target or
// more together. Keys less than cut are left out, minus infinity always; all
// together measure total. If the others do not reach target, the result is the
// least that counts for anything, or less.
func (r *Row) reach(cut Key, target, total float64, m measure) Key {
	cut = max(cut, leastOf(-math.MaxFloat32))
	low, high, above := cut, mostLikely, 0.0
	if len(r.logits) > shortRow {
		low, high, above = r.enclose(cut, target, total, m)
	}
	r.keys = r.between(r.keys[:0], low, high-1)
	if len(r.keys) == 0 {
		return low
	}
	return r.reachAmong(r.keys, target-above, m)
}

// enclose returns two keys such that those from low on reach target and those
// from high on do not, which measure above. Few percent of the row lie between.
//
// They are of a sample of the row, which also says where to look first; each look
// is a pass over the row.
func (r *Row) enclose(cut Key, target, total float64, m measure) (low, high Key, above float64) {
	low, high = cut, mostLikely
	r.keys = r.keys[:0]
	for t := 0; t < len(r.logits); t += len(r.logits) / samples {
		if k := keyOf(orImpossible(r.logits[t]), t); k > cut {
			r.keys = append(r.keys, k)
		}
	}
	Sort(r.keys)
	sample := r.keys
	guess := 0.0
	for _, k := range sample {
		guess += m.of(r, k)
	}
	at := 0
	for guess *= target / total; at < len(sample) && guess > 0; at++ {
		guess -= m.of(r, sample[at])
	}
	for from, to, step := -1, len(sample), sampleStep; to-from > sampleStep; step *= 2 {
		if at <= from || at >= to {
			at = (from + to) / 2
		}
		if sum := m.from(r, sample[at]); sum < target {
			from, high, above = at, sample[at], sum
			at += step
		} else {
			to, low = at, sample[at]
			at -= step
		}
	}
	return low, high, above
}

// reachAmong is reach among keys, which it moves: a radix selection, by sorting
// once few are left.
func (r *Row) reachAmong(keys []Key, target float64, m measure) Key {
	if r.histogram == nil {
		r.histogram = make([]float64, 1<<digitBits)
	}
	for shift := 64 - digitBits; len(keys) > sortedKeys && shift > 0; shift -= digitBits {
		digit := func(k Key) int { return int(k >> shift & (1<<digitBits - 1)) }
		clear(r.histogram)
		for _, k := range keys {
			r.histogram[digit(k)] += m.of(r, k)
		}
		// The digit at which target is reached or, by rounding, the last.
		at, rest := -1, target
		for d, weight := range slices.Backward(r.histogram) {
			if weight > 0 {
				if at, target = d, rest; weight >= rest {
					break
				}
				rest -= weight
			}
		}
		if at < 0 {
			break // what is left counts for nothing
		}
		keys = slices.DeleteFunc(keys, func(k Key) bool { return digit(k) != at })
	}
	Sort(keys)
	for _, k := range keys {
		if target -= m.of(r, k); target <= 0 {
			return k
		}
	}
	return keys[len(keys)-1]
}
