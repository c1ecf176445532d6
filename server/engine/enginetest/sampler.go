package enginetest

import (
	"errors"
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// hashStart is the hash of an empty sequence.
const hashStart = 0x9e3779b97f4a7c15

func isNoSpace(err error) bool { return errors.Is(err, engine.ErrNoCacheSpace) }

// mix adds a token to a sequence's hash.
func mix(h uint64, t engine.Token) uint64 { return scramble(h ^ (uint64(t)+1)*0xff51afd7ed558ccd) }

// scramble is the finaliser of MurmurHash3 by Austin Appleby.
func scramble(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// fill computes the logits after a sequence: noise in [-8, 8), with the
// options' wishes on top. Special tokens are never likely by chance.
func (m *Model) fill(dst []float32, hash uint64, tokens []engine.Token) {
	for t := range dst {
		noise := scramble(hash + uint64(t)*0x9e3779b97f4a7c15)
		dst[t] = float32(noise>>40)/(1<<20) - 8
		printable := t >= ' ' && t <= '~'
		if t >= 256 || m.opts.Printable && !printable {
			dst[t] -= 100
		}
	}
	if n := m.opts.EndEvery; n > 0 && scramble(hash^0x5bd1e995)%uint64(n) == 0 {
		dst[EOS] = 100
	}
	if m.opts.Next != nil {
		if t := m.opts.Next(tokens); t >= 0 {
			dst[t] = 200
		}
	}
}

// Sampler is a fake engine.Sampler.
type Sampler struct {
	c      *Context
	draw   draw
	logits []float32
	closed bool
}

// NewSampler implements engine.Context.
func (c *Context) NewSampler(cfg ask.Sampling) (engine.Sampler, error) {
	c.enter()
	defer c.leave()
	c.samplers++
	c.model.samplers.Add(1)
	return &Sampler{c: c, draw: newDraw(cfg), logits: make([]float32, VocabSize)}, nil
}

// Sample implements engine.Sampler.
func (s *Sampler) Sample(r int) (engine.Token, error) {
	s.c.enter()
	defer s.c.leave()
	if s.closed {
		panic("enginetest: sampler used after Close")
	}
	call := s.c.samples
	s.c.samples++
	if fault := s.c.model.opts.SampleFault; fault != nil {
		if err := fault(call); err != nil {
			return 0, err
		}
	}
	s.c.fill(s.logits, r)
	return s.draw.next(s.logits), nil
}

// Close implements engine.Sampler.
func (s *Sampler) Close() {
	s.c.enter()
	defer s.c.leave()
	if s.closed {
		panic("enginetest: sampler closed twice")
	}
	s.closed = true
	s.c.samplers--
	s.c.model.samplers.Add(-1)
}

// draw picks tokens by temperature; the fake ignores top-k, top-p and min-p.
type draw struct {
	temperature float64
	state       uint64
}

func newDraw(cfg ask.Sampling) draw {
	return draw{float64(cfg.Temperature), scramble(uint64(cfg.Seed) + hashStart)}
}

func (d *draw) next(logits []float32) engine.Token {
	best := 0
	for t, v := range logits {
		if v > logits[best] {
			best = t
		}
	}
	if d.temperature <= 0 {
		return engine.Token(best)
	}
	weight := func(v float32) float64 {
		return math.Exp(float64(v-logits[best]) / d.temperature)
	}
	var sum float64
	for _, v := range logits {
		sum += weight(v)
	}
	d.state = scramble(d.state + hashStart)
	left := float64(d.state>>11) / (1 << 53) * sum
	for t, v := range logits {
		if left -= weight(v); left < 0 {
			return engine.Token(t)
		}
	}
	return engine.Token(best)
}

// Reference returns what a sequence alone generates after prompt: at most limit
// tokens, without the end-of-generation token; ended says that one came.
func Reference(m *Model, prompt []engine.Token, cfg ask.Sampling, limit int) (tokens []engine.Token, ended bool) {
	hash := uint64(hashStart)
	for _, t := range prompt {
		hash = mix(hash, t)
	}
	sequence := append([]engine.Token(nil), prompt...)
	logits := make([]float32, VocabSize)
	draw := newDraw(cfg)
	for len(sequence) < len(prompt)+limit {
		m.fill(logits, hash, sequence)
		t := draw.next(logits)
		if m.IsEndOfGeneration(t) {
			return sequence[len(prompt):], true
		}
		hash = mix(hash, t)
		sequence = append(sequence, t)
	}
	return sequence[len(prompt):], false
}
