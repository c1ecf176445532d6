package sampling

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Sampler draws the tokens of one sequence. It belongs to one goroutine at a
// time.
type Sampler struct {
	steps  ask.Sampling
	scale  float32 // 1/temperature, 0 if greedy
	random *rand.Rand
}

// stream is the second word of the generator's seed.
const stream = 0x9e3779b97f4a7c15

// New makes a sampler. Every value of every step is good, as [ask.Sampling]
// says.
func New(steps ask.Sampling) *Sampler {
	s := &Sampler{steps: steps, random: rand.New(rand.NewPCG(uint64(steps.Seed), stream))}
	if steps.Temperature > 0 {
		s.scale = min(1/steps.Temperature, math.MaxFloat32)
	}
	return s
}

// Sample draws a token from a row that has been read.
func (s *Sampler) Sample(r *Row) ask.Token {
	if s.scale == 0 {
		return r.Likeliest().Token()
	}
	if s.isFew(r) {
		keys, sum := s.few(r)
		// Drawn in the order of tokens, as many are: in the order of logits, two
		// that are nearly equal would change places by the rounding of a batch.
		slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Token(), b.Token()) })
		target := s.random.Float64() * sum
		for _, k := range keys {
			if target -= float64(weight(k.Logit(), r.greatest, s.scale)); target < 0 {
				return k.Token()
			}
		}
		return r.Likeliest().Token() // by rounding
	}
	sum := r.weigh(s.cut(r), s.scale)
	return ask.Token(r.pick(s.random.Float64()*sum, s.scale))
}

// Next reads a row and draws a token from it.
func (s *Sampler) Next(r *Row, logits []float32) (ask.Token, error) {
	if err := r.Read(logits); err != nil {
		return -1, err
	}
	return s.Sample(r), nil
}

// isFew reports whether top-k leaves so few tokens that they are copied.
func (s *Sampler) isFew(r *Row) bool {
	return s.steps.TopK > 0 && s.steps.TopK <= heapKeys && s.steps.TopK < len(r.logits)
}

// few returns the keys that may be drawn, likeliest first, and the sum of their
// weights.
func (s *Sampler) few(r *Row) (keys []Key, sum float64) {
	r.keys = slices.Grow(r.keys[:0], s.steps.TopK)
	keys = r.keys[:s.steps.TopK]
	r.heap(keys)
	Sort(keys)
	if s.nucleus() {
		for _, k := range keys {
			sum += float64(weight(k.Logit(), r.greatest, 1))
		}
		left := sum * float64(s.steps.TopP)
		for i, k := range keys {
			if left -= float64(weight(k.Logit(), r.greatest, 1)); left <= 0 {
				keys = keys[:i+1]
				break
			}
		}
	}
	least := s.least(r)
	sum = 0
	for i, k := range keys {
		if k < least {
			return keys[:i], sum
		}
		sum += float64(weight(k.Logit(), r.greatest, s.scale))
	}
	return keys, sum
}

// cut returns the least key that may be drawn.
func (s *Sampler) cut(r *Row) Key {
	cut := Key(0)
	if k := s.steps.TopK; k > 0 && k < len(r.logits) {
		cut = r.reach(0, float64(k), float64(len(r.logits)), number)
	}
	least := s.least(r)
	if s.nucleus() {
		cut = s.nucleusCut(r, cut, least)
	}
	return max(cut, least)
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

// least returns the least key that min-p leaves, 0 if there is no such step.
func (s *Sampler) least(r *Row) Key {
	p := s.steps.MinP
	if !(p > 0) {
		return 0
	}
	logit := r.greatest + float32(math.Log(float64(min(p, 1))))
	return leastOf(logit)
}

// Chance is a token that may be drawn.
type Chance struct {
	Token       ask.Token
	Probability float64
}

// Chances appends the tokens that Sample may draw from the row, in no order. It
// draws none.
func (s *Sampler) Chances(dst []Chance, r *Row) []Chance {
	if s.scale == 0 {
		return append(dst, Chance{r.Likeliest().Token(), 1})
	}
	var keys []Key
	var sum float64
	if s.isFew(r) {
		keys, sum = s.few(r)
	} else {
		cut := s.cut(r)
		keys, sum = r.between(nil, cut, mostLikely), r.weigh(cut, s.scale)
	}
	for _, k := range keys {
		if w := float64(weight(k.Logit(), r.greatest, s.scale)); w > 0 {
			dst = append(dst, Chance{k.Token(), w / sum})
		}
	}
	return dst
}
