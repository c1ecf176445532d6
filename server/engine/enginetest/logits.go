package enginetest

import (
	"errors"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
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

// Reference returns what a sequence alone generates after prompt: at most limit
// tokens, without the end-of-generation token; ended says that one came.
func Reference(m *Model, prompt []engine.Token, cfg ask.Sampling, limit int) (tokens []engine.Token, ended bool) {
	hash := uint64(hashStart)
	for _, t := range prompt {
		hash = mix(hash, t)
	}
	sequence := append([]engine.Token(nil), prompt...)
	logits := make([]float32, VocabSize)
	sampler, row := sampling.New(cfg), new(sampling.Row)
	sampler.Begin(sampling.Sequence{Prompt: prompt})
	for len(sequence) < len(prompt)+limit {
		m.fill(logits, hash, sequence)
		t, err := sampler.Next(row, logits)
		if err != nil {
			panic("enginetest: " + err.Error())
		}
		if m.IsEndOfGeneration(t) {
			return sequence[len(prompt):], true
		}
		sampler.Accept(t)
		hash = mix(hash, t)
		sequence = append(sequence, t)
	}
	return sequence[len(prompt):], false
}
