package seeded

import (
	"fmt"
	"math"

	"github.com/weirgo/weir/server/gguf"
)

// weights says how to fill one tensor: ones, or uniform random numbers of a
// spread (standard deviation), which rows may scale.
type weights struct {
	gguf.Tensor
	ones    bool
	spread  float32
	rowGain func(row int) float32 // nil: 1
}

// Spreads of the parts of a layer, in units that make the output as large as
// the input. Sharp attention (queries and keys) looks at few tokens rather
// than at an average of all, which keeps greedy output from settling; the
// residual parts stay smaller than the stream they add to.
const (
	gainQueryKey = 1.8
	gainResidual = 0.9
	gainLogit    = 3 // standard deviation of a whole word's logits
)

// tensors returns the model's tensors in file order.
func (a *architecture) tensors(tokens []token) []weights {
	var all []weights
	vector := func(name string) {
		all = append(all, weights{
			Tensor: gguf.Tensor{Name: name, Type: gguf.F32, Shape: []uint64{uint64(a.embedding)}},
			ones:   true,
		})
	}
	matrix := func(name string, columns, rows int, gain float64) *weights {
		all = append(all, weights{
			Tensor: gguf.Tensor{Name: name, Type: a.matrices, Shape: []uint64{uint64(columns), uint64(rows)}},
			spread: float32(gain / math.Sqrt(float64(columns))),
		})
		return &all[len(all)-1]
	}
	matrix("token_embd.weight", a.embedding, a.vocabulary, math.Sqrt(float64(a.embedding)))
	for layer := range a.layers {
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", layer, part) }
		keys := a.headsKV * a.headSize()
		vector(name("attn_norm"))
		matrix(name("attn_q"), a.embedding, a.embedding, gainQueryKey)
		matrix(name("attn_k"), a.embedding, keys, gainQueryKey)
		matrix(name("attn_v"), a.embedding, keys, 1)
		matrix(name("attn_output"), a.embedding, a.embedding, gainResidual)
		vector(name("ffn_norm"))
		matrix(name("ffn_gate"), a.embedding, a.feedForward, 1)
		matrix(name("ffn_up"), a.embedding, a.feedForward, 1)
		matrix(name("ffn_down"), a.feedForward, a.embedding, gainResidual)
	}
	vector("output_norm.weight")
	output := matrix("output.weight", a.embedding, a.vocabulary, gainLogit)
	output.rowGain = func(row int) float32 { return tokens[row].gain }
	return all
}
