package sampling

import (
	"math"
	"slices"
)

// Behind a top-k there are few candidates: a list of keys in the order of tokens,
// which each step makes shorter.

// typical reports whether there is a typical-p step.
func (s *Sampler) typical() bool { return s.steps.TypicalP > 0 && s.steps.TypicalP < 1 }

// excludes reports whether there is an XTC step.
func (s *Sampler) excludes() bool {
	return s.steps.XTCProbability > 0 && s.steps.XTCThreshold <= 0.5
}

// dynamic reports whether the temperature depends on the row.
func (s *Sampler) dynamic() bool { return s.steps.DynatempRange > 0 && s.scale != 0 }

// strikes draws whether XTC does something this time.
func (s *Sampler) strikes() bool {
	return s.excludes() && s.random.Float64() <= float64(s.steps.XTCProbability)
}

// listed carries out all steps.
func (s *Sampler) listed(r *Row, strikes bool) choice {
	keys := s.list(r)
	if strikes {
		keys = s.exclude(keys)
	}
	c := choice{keys: keys, listed: true, shift: slices.Max(keys).Logit(), scale: s.scale}
	if s.dynamic() && len(keys) > 1 {
		nats, _ := entropy(keys)
		c.scale = scaleOf(s.temperature(nats, len(keys)))
	}
	if c.scale != 0 {
		c.sum = weighKeys(keys, c.shift, c.scale)
	}
	return c
}

// list returns what the steps before XTC leave.
func (s *Sampler) list(r *Row) []Key {
	typical := s.typical()
	keys := s.first(r)
	if !typical {
		keys, _ = s.few(r)
	}
	r.list = append(r.list[:0], keys...)
	r.list = slices.DeleteFunc(r.list, func(k Key) bool { return k.Logit() == negativeInfinity })
	slices.SortFunc(r.list, byTokens)
	if !typical {
		return r.list
	}
	keys = s.keepTypical(r, r.list)
	keys = s.keepNucleus(r, keys)
	return s.keepLikely(r, keys)
}

// weighKeys returns the sum of the keys' weights.
func weighKeys(keys []Key, shift, scale float32) (sum float64) {
	for _, k := range keys {
		sum += float64(weight(k.Logit(), shift, scale))
	}
	return sum
}

// entropy returns the entropy of the keys at a temperature of 1, in nats, and
// the logarithm of the sum of their exponentials.
func entropy(keys []Key) (nats, logSum float64) {
	shift := slices.Max(keys).Logit()
	sum, moment := 0.0, 0.0
	for _, k := range keys {
		w := float64(weight(k.Logit(), shift, 1))
		sum += w
		moment += float64(w * (float64(k.Logit()) - float64(shift)))
	}
	log := math.Log(sum)
	return max(log-moment/sum, 0), float64(shift) + log
}

// keepTypical leaves the keys whose surprise is nearest to the entropy, until
// they make up TypicalP.
func (s *Sampler) keepTypical(r *Row, keys []Key) []Key {
	nats, logSum := entropy(keys)
	score := func(k Key) Key {
		return keyOf(float32(-math.Abs(logSum-float64(k.Logit())-nats)), int(k.Token()))
	}
	shift := slices.Max(keys).Logit()
	ofScore := measure{of: func(r *Row, k Key) float64 { return float64(weight(r.logits[k.Token()], shift, 1)) }}
	fill := func() []Key {
		r.scores = r.scores[:0]
		for _, k := range keys {
			r.scores = append(r.scores, score(k))
		}
		return r.scores
	}
	cut := r.reachAmong(fill(), float64(s.steps.TypicalP)*weighKeys(keys, shift, 1), ofScore)
	if s.steps.MinKeep > 1 {
		cut = min(cut, r.reachAmong(fill(), float64(s.steps.MinKeep), number))
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return score(k) < cut })
}

// keepNucleus is top-p of a list.
func (s *Sampler) keepNucleus(r *Row, keys []Key) []Key {
	if !s.nucleus() {
		return keys
	}
	shift := slices.Max(keys).Logit()
	ofKey := measure{of: func(_ *Row, k Key) float64 { return float64(weight(k.Logit(), shift, 1)) }}
	r.scores = append(r.scores[:0], keys...)
	return s.keepFrom(r, keys, r.reachAmong(r.scores, float64(s.steps.TopP)*weighKeys(keys, shift, 1), ofKey))
}

// keepLikely is min-p of a list.
func (s *Sampler) keepLikely(r *Row, keys []Key) []Key {
	return s.keepFrom(r, keys, s.least(slices.Max(keys).Logit()))
}

// keepFrom leaves the keys from cut on, at least MinKeep.
func (s *Sampler) keepFrom(r *Row, keys []Key, cut Key) []Key {
	if s.steps.MinKeep > 1 && cut > 0 {
		r.scores = append(r.scores[:0], keys...)
		cut = min(cut, r.reachAmong(r.scores, float64(s.steps.MinKeep), number))
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return k < cut })
}

// exclude is XTC, when it strikes: of the keys that are as likely as
// XTCThreshold, the least likely alone stays.
func (s *Sampler) exclude(keys []Key) []Key {
	shift := slices.Max(keys).Logit()
	bound := float64(s.steps.XTCThreshold) * weighKeys(keys, shift, 1)
	last, above := mostLikely, 0
	for _, k := range keys {
		if float64(weight(k.Logit(), shift, 1)) >= bound {
			last = min(last, k)
			above++
		}
	}
	if above < 2 || len(keys)-above+1 < s.steps.MinKeep {
		return keys
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return k > last })
}

// temperature returns the dynamic temperature, by how near an entropy is to that
// of n equally likely keys.
func (s *Sampler) temperature(nats float64, n int) float64 {
	middle, span := float64(s.steps.Temperature), float64(s.steps.DynatempRange)
	low := max(0, middle-span)
	share := min(nats/math.Log(float64(n)), 1)
	return low + (middle+span-low)*math.Pow(share, float64(number32(s.steps.DynatempExponent)))
}
