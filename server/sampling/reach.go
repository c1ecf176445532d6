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

// reach returns the greatest key such that the keys from it on weigh target or
// more together, each exp((logit - greatest)·scale): with a scale of 1 that is
// their mass, with 0 their number. Keys less than cut are left out, minus
// infinity always; all together weigh total. If the others do not reach target,
// the result is the least that weighs anything, or less.
func (r *Row) reach(cut Key, target, total float64, scale float32) Key {
	cut = max(cut, leastOf(-math.MaxFloat32))
	low, high, above := cut, mostLikely, 0.0
	if len(r.logits) > shortRow {
		low, high, above = r.enclose(cut, target, total, scale)
	}
	r.keys = r.between(r.keys[:0], low, high-1)
	if len(r.keys) == 0 {
		return low
	}
	return r.reachAmong(r.keys, target-above, scale)
}

// enclose returns two keys such that those from low on reach target and those
// from high on do not, which weigh above. Few percent of the row lie between.
//
// They are of a sample of the row, where a guess of what the whole row weighs
// says where to look first; each look is a sum over the row.
func (r *Row) enclose(cut Key, target, total float64, scale float32) (low, high Key, above float64) {
	low, high = cut, mostLikely
	r.keys = r.keys[:0]
	for t := 0; t < len(r.logits); t += len(r.logits) / samples {
		if k := keyOf(number(r.logits[t]), t); k > cut {
			r.keys = append(r.keys, k)
		}
	}
	Sort(r.keys)
	sample := r.keys
	guess := 0.0
	for _, k := range sample {
		guess += float64(weight(k.Logit(), r.greatest, scale))
	}
	at := 0
	for guess *= target / total; at < len(sample) && guess > 0; at++ {
		guess -= float64(weight(sample[at].Logit(), r.greatest, scale))
	}
	for from, to, step := -1, len(sample), sampleStep; to-from > sampleStep; step *= 2 {
		if at <= from || at >= to {
			at = (from + to) / 2
		}
		if weight := r.weigh(sample[at], scale); weight < target {
			from, high, above = at, sample[at], weight
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
func (r *Row) reachAmong(keys []Key, target float64, scale float32) Key {
	weigh := func(k Key) float64 { return float64(weight(k.Logit(), r.greatest, scale)) }
	if r.histogram == nil {
		r.histogram = make([]float64, 1<<digitBits)
	}
	for shift := 64 - digitBits; len(keys) > sortedKeys && shift > 0; shift -= digitBits {
		digit := func(k Key) int { return int(k >> shift & (1<<digitBits - 1)) }
		clear(r.histogram)
		for _, k := range keys {
			r.histogram[digit(k)] += weigh(k)
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
			break // what is left weighs nothing
		}
		keys = slices.DeleteFunc(keys, func(k Key) bool { return digit(k) != at })
	}
	Sort(keys)
	for _, k := range keys {
		if target -= weigh(k); target <= 0 {
			return k
		}
	}
	return keys[len(keys)-1]
}
