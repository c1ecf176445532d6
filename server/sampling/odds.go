package sampling

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Odds is how likely a token was when it was drawn, and those beside it.
type Odds struct {
	Logit float32 // of the token, as the steps had changed it
	Normalizer
	Top int // how many likeliest tokens were filled in
}

// Normalizer makes log-probabilities of logits. Its zero value gives each token all.
type Normalizer struct {
	Shift  float32
	Scale  float32
	LogSum float64
}

// Logprob is the natural logarithm of the probability of a token with that logit.
func (n Normalizer) Logprob(logit float32) float32 {
	return float32((float64(logit)-float64(n.Shift))*float64(n.Scale) - n.LogSum)
}

// Normalizer is that of all tokens of the row as it was read, before any step.
func (r *Row) Normalizer() Normalizer { return Normalizer{Scale: 1, LogSum: r.LogSum()} }

// normalizer is that of the tokens of a choice.
func (c *choice) normalizer() Normalizer {
	if c.scale == 0 {
		return Normalizer{}
	}
	return Normalizer{c.shift, c.scale, math.Log(c.sum)}
}

// all gives the keys that may be drawn, those of no weight included, unless the
// greatest alone may.
func (c *choice) all(r *Row) iter.Seq[Key] {
	if c.listed {
		return slices.Values(c.keys)
	}
	return func(yield func(Key) bool) {
		for _, s := range r.spans {
			for t := s.from; t < s.to; t++ {
				if v := r.logits[t]; v > s.floor && !yield(keyOf(v, t)) {
					return
				}
			}
		}
	}
}

// top fills dst with the likeliest keys that may be drawn, and returns how many
// there are.
func (c *choice) top(r *Row, dst []Key) int {
	switch {
	case len(dst) == 0:
		return 0
	case c.scale == 0:
		dst[0] = slices.Max(c.keys)
		return 1
	}
	found := dst[:0]
	if c.listed {
		Sort(c.keys) // nobody draws from them any more
		found = append(found, c.keys[:min(len(c.keys), len(dst))]...)
	} else {
		r.Top(dst)
		for _, k := range dst {
			at := slices.IndexFunc(r.spans, func(s span) bool { return int(k.Token()) < s.to })
			if k.Logit() > r.spans[at].floor {
				found = append(found, k)
			}
		}
	}
	found = slices.DeleteFunc(found, func(k Key) bool { return !(weight(k.Logit(), c.shift, c.scale) > 0) })
	return len(found)
}

// Chance is a token that may be drawn.
type Chance struct {
	Token       ask.Token
	Probability float64
}

// Chances appends the tokens that Sample may draw from the row, in no order. It
// draws none. There are none where Sample fails.
func (s *Sampler) Chances(dst []Chance, r *Row) []Chance {
	if !s.excludes() {
		return s.chances(dst, r, false, 1)
	}
	begin, p := len(dst), min(float64(s.steps.XTCProbability), 1)
	dst = s.chances(s.chances(dst, r, true, p), r, false, 1-p)
	both := dst[begin:]
	slices.SortFunc(both, func(a, b Chance) int { return cmp.Compare(a.Token, b.Token) })
	n := 0
	for _, c := range both {
		if n > 0 && both[n-1].Token == c.Token {
			both[n-1].Probability += c.Probability
			continue
		}
		both[n] = c
		n++
	}
	return dst[:begin+n]
}

// chances appends what Sample may draw if XTC strikes or not, times share.
func (s *Sampler) chances(dst []Chance, r *Row, strikes bool, share float64) []Chance {
	defer r.restore()
	if share == 0 || s.edit(r) != nil {
		return dst
	}
	c := s.choose(r, strikes)
	if c.scale == 0 {
		return append(dst, Chance{slices.Max(c.keys).Token(), share})
	}
	for k := range c.all(r) {
		if w := float64(weight(k.Logit(), c.shift, c.scale)); w > 0 {
			dst = append(dst, Chance{k.Token(), share * w / c.sum})
		}
	}
	return dst
}
