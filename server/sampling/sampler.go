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
	source rand.PCG
	random rand.Rand // over source
	mu     float64   // the surprise, in bits, up to which Mirostat lets a token be
	edits  *edits    // nil if rows are drawn from as they are
}

// stream is the second word of the generator's seed.
const stream = 0x9e3779b97f4a7c15

// New makes a sampler. Every value of every step is good, as [ask.Sampling]
// says, which Mirostat takes from those that it is instead of. The sequence is
// one of nothing until Begin.
func New(steps ask.Sampling) *Sampler {
	s := new(Sampler)
	s.Init(steps)
	return s
}

// Init makes a sampler what New makes one. From then on it is not copied.
func (s *Sampler) Init(steps ask.Sampling) {
	if steps.Mirostat == 1 || steps.Mirostat == 2 {
		steps = ask.Sampling{
			Temperature: steps.Temperature, Seed: steps.Seed, Penalties: steps.Penalties, Bias: steps.Bias,
			Mirostat: steps.Mirostat, MirostatTau: number32(steps.MirostatTau), MirostatEta: number32(steps.MirostatEta),
		}
	} else {
		steps.Mirostat = 0
	}
	*s = Sampler{steps: steps, scale: scaleOf(float64(steps.Temperature)), mu: 2 * float64(steps.MirostatTau)}
	s.source.Seed(uint64(steps.Seed), stream)
	s.random = *rand.New(&s.source)
	s.Begin(Sequence{})
}

// scaleOf is 1/temperature, 0 if that is greedy.
func scaleOf(temperature float64) float32 {
	if !(temperature > 0) {
		return 0
	}
	return float32(min(1/temperature, math.MaxFloat32))
}

// Sample draws a token from a row that has been read, which it leaves as it is.
// It fails with ErrNoneAllowed. The token counts as drawn with Accept.
func (s *Sampler) Sample(r *Row) (ask.Token, error) {
	token, _, err := s.sample(r, nil, false)
	return token, err
}

// SampleOdds is Sample, and says how likely the token was among those that the steps
// had left. It fills likeliest, whose length is at most the row's, with the likeliest
// of them, as many as there are, in no order.
func (s *Sampler) SampleOdds(r *Row, likeliest []Key) (ask.Token, Odds, error) {
	return s.sample(r, likeliest, true)
}

// sample draws a token, and if odds are asked for, finds them.
func (s *Sampler) sample(r *Row, likeliest []Key, odds bool) (token ask.Token, o Odds, err error) {
	defer r.restore()
	if err := s.edit(r); err != nil {
		return -1, Odds{}, err
	}
	c := s.choose(r, s.strikes())
	token, probability := c.draw(r, &s.random)
	if s.mirostat() {
		s.learn(probability)
	}
	if odds {
		o = Odds{Logit: r.logits[token], Normalizer: c.normalizer(), Top: c.top(r, likeliest)}
	}
	return token, o, nil
}

// edit makes a row what the first steps make of it.
func (s *Sampler) edit(r *Row) error {
	s.Prepare()
	if s.asItIs(r) {
		return nil
	}
	return r.edit(s.edits)
}

// Next reads a row and draws a token from it.
func (s *Sampler) Next(r *Row, logits []float32) (ask.Token, error) {
	if err := r.Read(logits); err != nil {
		return -1, err
	}
	return s.Sample(r)
}

// asItIs reports whether a row gives without edits what it gives with them. Of
// a constraint that holds if all tokens that the first step leaves are allowed:
// then they are the likeliest of those allowed, too. Other steps depend on the
// whole row, and a draw that is taken back is not the one that a masked row
// gives.
func (s *Sampler) asItIs(r *Row) bool {
	e := s.edits
	switch {
	case e == nil || e.idle() && e.allowed == nil:
		return true
	case !e.idle():
		return false
	case s.greedy():
		return allows(e.allowed, r.Likeliest().Token())
	case s.isFew(r) && !s.mirostat() && !(s.steps.TopNSigma > 0):
		r.keys = slices.Grow(r.keys[:0], s.steps.TopK)[:s.steps.TopK]
		r.heap(r.keys)
		return !slices.ContainsFunc(r.keys, func(k Key) bool { return !allows(e.allowed, k.Token()) })
	}
	return false
}

// greedy reports whether the likeliest token is taken, whatever it is.
func (s *Sampler) greedy() bool { return s.scale == 0 && !s.typical() && !s.excludes() }

// choice is what the steps leave of a row: the keys, in the order of tokens, or
// all from a key on. Weights are exp((logit - shift)·scale), a scale of 0 is
// the greatest key alone.
type choice struct {
	keys   []Key
	listed bool
	shift  float32
	scale  float32
	sum    float64 // of the weights
}

// choose carries the steps out. strikes says whether XTC does.
func (s *Sampler) choose(r *Row, strikes bool) choice {
	switch {
	case s.mirostat():
		return s.mirostatChoice(r)
	case s.typical() || strikes || s.dynamic():
		if s.isFew(r) {
			return s.listed(r, strikes)
		}
		return s.wide(r, strikes)
	case s.scale == 0:
		return s.likeliest(r)
	case s.isFew(r):
		keys, sum := s.few(r)
		// Drawn in the order of tokens, as many are: in the order of logits, two
		// that are nearly equal would change places by the rounding of a batch.
		slices.SortFunc(keys, byTokens)
		return choice{keys: keys, listed: true, shift: r.greatest, scale: s.scale, sum: sum}
	}
	return choice{shift: r.greatest, scale: s.scale, sum: r.weigh(s.cutRest(r, s.cutFirst(r)), s.scale)}
}

// likeliest is the choice of the likeliest token.
func (s *Sampler) likeliest(r *Row) choice {
	r.keys = append(r.keys[:0], r.Likeliest())
	return choice{keys: r.keys, listed: true, shift: r.greatest, sum: 1}
}

func byTokens(a, b Key) int { return cmp.Compare(a.Token(), b.Token()) }

// draw returns a token and how likely it was.
func (c *choice) draw(r *Row, random *rand.Rand) (ask.Token, float64) {
	if c.scale == 0 {
		return slices.Max(c.keys).Token(), 1
	}
	target := random.Float64() * c.sum
	if !c.listed {
		token := r.pick(target, c.scale)
		return ask.Token(token), float64(weight(r.logits[token], c.shift, c.scale)) / c.sum
	}
	drawn, of := c.keys[0], 0.0
	for _, k := range c.keys {
		if w := float64(weight(k.Logit(), c.shift, c.scale)); w > 0 {
			drawn, of = k, w // by rounding it may be the last
			if target -= w; target < 0 {
				break
			}
		}
	}
	return drawn.Token(), of / c.sum
}
