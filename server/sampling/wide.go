package sampling

import (
	"cmp"
	"math"
	"slices"
)

// Where many tokens are left, the steps that choose otherwise than by a least
// key work in passes over the row: what they leave out at its upper end they
// forbid in a copy.

// wide carries out all steps.
func (s *Sampler) wide(r *Row, strikes bool) choice {
	cut := s.cutFirst(r)
	if s.typical() {
		cut = s.typicalCut(r, cut)
	}
	cut = s.cutRest(r, cut)
	if strikes {
		s.excludeWide(r, cut)
	}
	scale := s.scale
	if s.dynamic() {
		if n := r.count(cut); n > 1 {
			nats, _ := r.entropy(cut)
			scale = scaleOf(s.temperature(nats, n))
		}
	}
	if scale == 0 {
		return s.likeliest(r)
	}
	return choice{shift: r.greatest, scale: scale, sum: r.weigh(cut, scale)}
}

// forbidAbove forbids the keys after least, which is in the row and stays, that
// keep does not want.
func (r *Row) forbidAbove(least Key, keep func(Key) bool) {
	r.own()
	r.keys = r.between(r.keys[:0], least, mostLikely)
	for _, k := range r.keys {
		if !keep(k) {
			r.logits[k.Token()] = negativeInfinity
		}
	}
	r.greatest = maximum(r.logits)
}

// entropy returns the entropy of the keys from cut on at a temperature of 1, in
// nats, and the logarithm of the sum of their exponentials.
func (r *Row) entropy(cut Key) (nats, logSum float64) {
	sum, moment := 0.0, 0.0
	for _, p := range r.parts(cut) {
		for _, v := range r.logits[p.from:p.to] {
			if v > p.floor {
				d := v - r.greatest // may be infinite, and weighs nothing then
				if w := float64(exp(d)); w > 0 {
					sum += w
					moment += float64(w * float64(d))
				}
			}
		}
	}
	log := math.Log(sum)
	return max(log-moment/sum, 0), float64(r.greatest) + log
}

// excludeWide is XTC, when it strikes, over the keys from cut on.
func (s *Sampler) excludeWide(r *Row, cut Key) {
	bound := float64(r.greatest) + math.Log(float64(s.steps.XTCThreshold)*r.weigh(cut, 1))
	if bound > float64(r.greatest) {
		return
	}
	from := cut
	if bound > -math.MaxFloat32 {
		from = max(cut, leastOf(float32(bound)))
	}
	r.keys = r.between(r.keys[:0], from, mostLikely)
	if len(r.keys) < 2 || s.steps.MinKeep > 1 && r.count(cut)-len(r.keys)+1 < s.steps.MinKeep {
		return
	}
	last := slices.Min(r.keys)
	r.forbidAbove(last, func(k Key) bool { return k == last })
}

// Bounds of the search for what is typical.
const (
	bisections = 30
	bandKeys   = 1024 // so few are looked at one by one
	widest     = 1e6
)

// band is the keys whose logit is within a distance of the center, those from
// low on without those from above on.
type band struct{ low, above Key }

func bandOf(center, distance float64, cut Key) band {
	low, high := float32(center-distance), float32(center+distance)
	if float64(low) < center-distance {
		low = math.Nextafter32(low, math.MaxFloat32)
	}
	if float64(high) > center+distance {
		high = below(high)
	}
	above := mostLikely
	if high < math.MaxFloat32 {
		above = leastOf(math.Nextafter32(high, math.MaxFloat32))
	}
	return band{max(cut, leastOf(max(low, -math.MaxFloat32))), max(cut, above)}
}

func (r *Row) weighBand(b band) float64 { return r.weigh(b.low, 1) - r.weigh(b.above, 1) }
func (r *Row) countBand(b band) int     { return r.count(b.low) - r.count(b.above) }

// typicalCut is typical-p over the keys from cut on: it forbids those that are
// too likely, and returns the least of those that are left. They are the nearest
// to the center, the logit of a token that is as surprising as the entropy. How
// near is found by halving a distance, until few keys are between what is near
// enough for sure and what is not.
func (s *Sampler) typicalCut(r *Row, cut Key) Key {
	nats, logSum := r.entropy(cut)
	center := logSum - nats
	target := float64(s.steps.TypicalP) * math.Exp(logSum-float64(r.greatest))
	enough := func(b band) bool {
		return r.weighBand(b) > target && (s.steps.MinKeep <= 1 || r.countBand(b) >= s.steps.MinKeep)
	}
	near, inner, inside := -1.0, band{mostLikely, mostLikely}, 0
	far := max(1, float64(r.greatest)-center)
	outer := bandOf(center, far, cut)
	for !enough(outer) {
		if !(far <= widest) {
			return cut // by rounding, or for MinKeep
		}
		near, inner, inside = far, outer, r.countBand(outer)
		far *= 2
		outer = bandOf(center, far, cut)
	}
	outside := r.countBand(outer)
	for n := 0; n < bisections && outside-inside > bandKeys; n++ {
		middle := (max(near, 0) + far) / 2
		if b := bandOf(center, middle, cut); enough(b) {
			far, outer, outside = middle, b, r.countBand(b)
		} else {
			near, inner, inside = middle, b, r.countBand(b)
		}
	}
	r.list = r.between(r.list[:0], outer.low, outer.above-1)
	if near >= 0 {
		r.list = slices.DeleteFunc(r.list, func(k Key) bool { return k >= inner.low && k < inner.above })
	}
	distance := func(k Key) float64 { return math.Abs(float64(k.Logit()) - center) }
	nearer := func(a, b Key) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a.Token(), b.Token()))
	}
	slices.SortFunc(r.list, nearer)
	sum, count := 0.0, inside
	if near >= 0 {
		sum = r.weighBand(inner)
	}
	last := r.list[len(r.list)-1]
	for _, k := range r.list {
		count++
		if sum += float64(weight(k.Logit(), r.greatest, 1)); sum > target && count >= s.steps.MinKeep {
			last = k
			break
		}
	}
	edge := bandOf(center, distance(last), cut)
	least := edge.low
	if float64(last.Logit()) < center {
		least = max(cut, last)
	}
	if top := leastOf(float32(center)); top <= keyOf(r.greatest, 0) {
		r.forbidAbove(max(least, top), func(k Key) bool { return nearer(k, last) <= 0 })
	}
	return least
}
