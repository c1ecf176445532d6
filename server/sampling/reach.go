package sampling

import (
	"math"
	"slices"
)

// Bounds of the search for a key.
const (
	deepest    = 64 // below the greatest logit, where looking for a range ends
	halvings   = 4  // of the range
	sortedKeys = 256
	digitBits  = 11
)

// reach returns the greatest key such that the keys from it on weigh target or
// more together, each exp((logit - greatest)·scale): with a scale of 1 that is
// their mass, with 0 their number. Keys less than cut are left out, minus
// infinity always; if the others do not reach target, the result is the least that
// weighs anything, or less.
//
// Sums over the row find a range of logits that holds the key and some percent
// of the row. Only the keys in it are copied.
func (r *Row) reach(cut Key, target float64, scale float32) Key {
	cut = max(cut, leastOf(-math.MaxFloat32))
	// From low on they reach target; from high on they weigh above, too little.
	low, high, above := cut, mostLikely, 0.0
	look := func(middle Key) (reached bool) {
		weight := r.weigh(middle, scale)
		if reached = weight >= target; reached {
			low = middle
		} else {
			high, above = middle, weight
		}
		return reached
	}
	for depth := float32(1); depth <= deepest; depth *= 2 {
		if middle := leastOf(r.greatest - depth); middle <= cut || look(middle) {
			break
		}
	}
	for range halvings {
		if middle := leastOf(low.Logit()/2 + min(high.Logit(), r.greatest)/2); middle > low && middle < high {
			look(middle)
		}
	}
	r.keys = r.between(r.keys[:0], low, high-1)
	if len(r.keys) == 0 {
		return low
	}
	return r.reachAmong(r.keys, target-above, scale)
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
	descending(keys)
	for _, k := range keys {
		if target -= weigh(k); target <= 0 {
			return k
		}
	}
	return keys[len(keys)-1]
}
