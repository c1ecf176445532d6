package sampling

import (
	"math"
	"slices"
)

// mirostatKeys is how many of the likeliest tokens Mirostat 1 estimates the
// shape of a row by.
const mirostatKeys = 100

// mirostat reports whether Mirostat chooses what may be drawn.
func (s *Sampler) mirostat() bool { return s.steps.Mirostat != 0 && s.scale != 0 }

// mirostatChoice leaves the tokens whose surprise is up to mu: by the row's
// shape, which gives their number, or by the surprise itself.
func (s *Sampler) mirostatChoice(r *Row) choice {
	cut := Key(0)
	if s.steps.Mirostat == 1 {
		cut = r.nth(s.mirostatNumber(r))
	} else {
		// The logarithm of a probability is (logit - greatest)·scale - log(sum).
		logit := float64(r.greatest) + (math.Log(r.weigh(0, s.scale))-s.mu*math.Ln2)/float64(s.scale)
		if logit > -math.MaxFloat32 {
			cut = min(leastOf(float32(min(logit, float64(r.greatest)))), r.Likeliest())
		}
	}
	return choice{shift: r.greatest, scale: s.scale, sum: r.weigh(cut, s.scale)}
}

// mirostatNumber estimates of how many tokens the least likely has a surprise of
// mu, if probabilities fall by a power of the rank (Zipf's law), whose exponent
// is fitted to the likeliest tokens.
func (s *Sampler) mirostatNumber(r *Row) int {
	n := min(mirostatKeys, len(r.logits))
	r.keys = slices.Grow(r.keys[:0], n)[:n]
	r.heap(r.keys)
	Sort(r.keys)
	products, squares := 0.0, 0.0
	for i := range n - 1 {
		if r.keys[i+1].Logit() == negativeInfinity {
			break
		}
		rank := math.Log(float64(i+2) / float64(i+1))
		fall := (float64(r.keys[i].Logit()) - float64(r.keys[i+1].Logit())) * float64(s.scale)
		products += float64(rank * fall)
		squares += float64(rank * rank)
	}
	if squares == 0 {
		return 1
	}
	exponent := products / squares
	excess := exponent - 1
	size := float64(len(r.logits))
	total := excess / (1 - math.Pow(size, -excess))
	if math.Abs(excess) < 1e-9 { // its limit
		total = 1 / math.Log(size)
	}
	k := math.Pow(total*math.Exp2(s.mu), 1/exponent)
	switch {
	case !(k >= 1):
		return 1
	case k >= size:
		return len(r.logits)
	}
	return int(k)
}

// learn moves mu so that the surprise comes near to the target.
func (s *Sampler) learn(probability float64) {
	surprise := -math.Log2(probability)
	s.mu -= float64(s.steps.MirostatEta) * (surprise - float64(s.steps.MirostatTau))
}
