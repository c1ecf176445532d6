package llama_test

import (
	"math"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// Heads of 32 have no flash attention on a CPU with vectors of 64, unless it is
// wanted. Both give the same but for rounding.
func TestFlashAttention(t *testing.T) {
	model := llamatest.Load(t)
	if size := llama.HeadSize(model); size != 32 {
		t.Fatalf("heads of %d, not 32", size)
	}
	logits := map[engine.FlashAttention][]float32{}
	for _, wanted := range []engine.FlashAttention{engine.FlashAttentionAuto, engine.FlashAttentionOn, engine.FlashAttentionOff} {
		c := newContext(t, model, engine.ContextConfig{ContextTokens: 256, FlashAttention: wanted})
		const tokens = 40
		batch := engine.NewBatch(tokens)
		for at := range tokens {
			batch.Add(engine.Token(300+at), at, 0, at == tokens-1)
		}
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		row, err := c.Logits(tokens - 1)
		if err != nil {
			t.Fatal(err)
		}
		logits[wanted] = slices.Clone(row)
	}
	on, off := logits[engine.FlashAttentionOn], logits[engine.FlashAttentionOff]
	if slices.Equal(on, off) {
		t.Error("with and without: the same bits, so it makes no difference")
	}
	for i := range on {
		if math.Abs(float64(on[i]-off[i])) > 0.05 {
			t.Fatalf("logit %d: %v with, %v without", i, on[i], off[i])
		}
	}
	want := on
	if llama.SlowFlashAttention(model) {
		want = off
	}
	if !slices.Equal(logits[engine.FlashAttentionAuto], want) {
		t.Error("by default: other logits than those of what is faster")
	}
}
