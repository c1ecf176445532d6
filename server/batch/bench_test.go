package batch_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/sampling"
)

// The two benchmarks decode the same: b.N tokens for each sequence, greedily,
// bare and through a Loop whose readers only read.

const (
	benchPrompt  = 8
	benchContext = 256
)

func benchSizes(b *testing.B, run func(b *testing.B, model engine.Model, sequences int)) {
	for _, sequences := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(sequences), func(b *testing.B) {
			run(b, llamatest.Load(b), sequences)
			b.ReportMetric(float64(b.N*sequences)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func benchTokens() []engine.Token {
	tokens := make([]engine.Token, benchPrompt)
	for i := range tokens {
		tokens[i] = engine.Token(300 + i)
	}
	return tokens
}

func BenchmarkBare(b *testing.B) {
	benchSizes(b, func(b *testing.B, model engine.Model, sequences int) {
		ctx, err := model.NewContext(engine.ContextConfig{MaxSequences: sequences, ContextTokens: sequences * benchContext})
		if err != nil {
			b.Fatal(err)
		}
		defer ctx.Close()
		sampler, row := sampling.New(ask.Sampling{}), new(sampling.Row)
		step := engine.NewBatch(sequences * benchPrompt)
		next, rows := make([]engine.Token, sequences), make([]int, sequences)
		b.ResetTimer()
		for done := 0; done < b.N; done++ {
			step.Reset()
			position := benchPrompt - 1 + done%(benchContext-benchPrompt)
			for s := range sequences {
				id := engine.SequenceID(s)
				if position == benchPrompt-1 {
					ctx.RemoveSequence(id, 0, -1)
					for i, t := range benchTokens() {
						rows[s] = step.Add(t, i, id, i == benchPrompt-1)
					}
					continue
				}
				rows[s] = step.Add(next[s], position, id, true)
			}
			if err := ctx.Decode(step); err != nil {
				b.Fatal(err)
			}
			for s := range sequences {
				logits, err := ctx.Logits(rows[s])
				if err != nil {
					b.Fatal(err)
				}
				if next[s], err = sampler.Next(row, logits); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkLoop(b *testing.B) {
	benchSizes(b, func(b *testing.B, model engine.Model, sequences int) {
		loop, err := batch.New(model, engine.ContextConfig{ContextTokens: sequences * benchContext}, batch.Config{MaxSequences: sequences})
		if err != nil {
			b.Fatal(err)
		}
		defer loop.Close()
		b.ResetTimer()
		var group sync.WaitGroup
		for range sequences {
			group.Go(func() {
				var dst [16]batch.Result
				for left := b.N; left > 0; {
					limit := min(left, benchContext-benchPrompt)
					g, err := loop.Submit(&ask.Request{
						Prompt: ask.Prompt{Tokens: benchTokens()}, MaxTokens: limit, TopLogprobs: -1, IgnoreEOS: true,
					})
					if err != nil {
						b.Error(err)
						return
					}
					for next := batch.Follow(g); err == nil; {
						_, err = next(dst[:])
					}
					left -= limit
				}
			})
		}
		group.Wait()
	})
}
