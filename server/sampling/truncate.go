package sampling

import (
	"math"
	"slices"
)

// isFew reports whether top-k leaves so few tokens that they are copied.
func (s *Sampler) isFew(r *Row) bool {
	return s.steps.TopK > 0 && s.steps.TopK <= heapKeys && s.steps.TopK < len(r.logits)
}

// first returns the keys that top-n-sigma and top-k leave where isFew, likeliest
// first.
func (s *Sampler) first(r *Row) []Key {
	r.keys = slices.Grow(r.keys[:0], s.steps.TopK)
	keys := r.keys[:s.steps.TopK]
	r.heap(keys)
	Sort(keys)
	if cut := s.sigma(r); cut > 0 {
		keys = keys[:1+countFrom(keys[1:], cut)]
	}
	return keys
}

// countFrom returns how many of sorted keys there are from cut on.
func countFrom(sorted []Key, cut Key) int {
	for i, k := range sorted {
		if k < cut {
			return i
		}
	}
	return len(sorted)
}

// few returns the keys that may be drawn, likeliest first, and the sum of their
// weights.
func (s *Sampler) few(r *Row) (keys []Key, sum float64) {
	keys = s.first(r)
	if s.nucleus() {
		for _, k := range keys {
			sum += float64(weight(k.Logit(), r.greatest, 1))
		}
		left := sum * float64(s.steps.TopP)
		for i, k := range keys {
			if left -= float64(weight(k.Logit(), r.greatest, 1)); left <= 0 && i+1 >= s.steps.MinKeep {
				keys = keys[:i+1]
				break
			}
		}
	}
	least := s.least(r.greatest)
	sum = 0
	for i, k := range keys {
		if k < least && i >= s.steps.MinKeep {
			return keys[:i], sum
		}
		sum += float64(weight(k.Logit(), r.greatest, s.scale))
	}
	return keys, sum
}

// cutFirst returns the least key that top-n-sigma and top-k leave.
func (s *Sampler) cutFirst(r *Row) Key {
	cut := s.sigma(r)
	if k := s.steps.TopK; k > 0 && k < len(r.logits) {
		cut = max(cut, r.nth(k))
	}
	return cut
}

// cutRest returns the least key that may be drawn, of those that the steps before
// top-p leave, from cut on.
func (s *Sampler) cutRest(r *Row, cut Key) Key {
	least := s.least(r.greatest)
	keep := mostLikely
	if s.steps.MinKeep > 1 && (least > 0 || s.nucleus()) {
		keep = r.nth(s.steps.MinKeep)
		least = min(least, keep)
	}
	if s.nucleus() {
		cut = max(cut, min(s.nucleusCut(r, cut, least), keep))
	}
	return max(cut, least)
}

// nth returns the key that n keys are not less than, 0 if there are not so many.
func (r *Row) nth(n int) Key {
	switch {
	case n >= len(r.logits):
		return 0
	case n <= heapKeys:
		r.keys = slices.Grow(r.keys[:0], n)[:n]
		r.heap(r.keys)
		return r.keys[0]
	}
	return r.reach(0, float64(n), float64(len(r.logits)), number)
}

// nucleusCut returns the cut that top-p makes of the keys from cut on. If min-p
// leaves out more than that, it is cut.
func (s *Sampler) nucleusCut(r *Row, cut, least Key) Key {
	sum := r.weigh(cut, 1)
	p := float64(s.steps.TopP)
	if least > cut && r.weigh(least, 1) <= p*sum {
		return cut
	}
	return r.reach(cut, p*sum, sum, mass)
}

// nucleus reports whether there is a top-p step.
func (s *Sampler) nucleus() bool { return s.steps.TopP > 0 && s.steps.TopP < 1 }

// least returns the least key that min-p leaves of those up to a logit, 0 if
// there is no such step.
func (s *Sampler) least(greatest float32) Key {
	p := s.steps.MinP
	if !(p > 0) {
		return 0
	}
	logit := greatest + float32(math.Log(float64(min(p, 1))))
	return leastOf(max(logit, -math.MaxFloat32))
}

// sigma returns the least key that is within TopNSigma standard deviations of
// the greatest, 0 if there is no such step.
func (s *Sampler) sigma(r *Row) Key {
	if !(s.steps.TopNSigma > 0) {
		return 0
	}
	// Of the distances to the greatest, which are no larger than the row is wide.
	n, sum, squares := 0, 0.0, 0.0
	for _, v := range r.logits {
		if v > negativeInfinity {
			d := float64(v) - float64(r.greatest)
			n++
			sum += d
			squares += float64(d * d)
		}
	}
	mean := sum / float64(n)
	deviation := math.Sqrt(max(squares/float64(n)-float64(mean*mean), 0))
	logit := float64(r.greatest) - float64(s.steps.TopNSigma)*deviation
	return leastOf(float32(max(logit, -math.MaxFloat32)))
}
