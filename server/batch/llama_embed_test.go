package batch_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

// TestLlamaEmbeds: vectors of inputs that are embedded together, beside a
// generation, are those of each alone.
func TestLlamaEmbeds(t *testing.T) {
	loop, model := openLlama(t, batch.Config{MaxSequences: 2, EmbeddingTokens: 64, EmbeddingSequences: 4})
	var inputs [][]engine.Token
	for i := range 9 {
		tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: fmt.Sprintf("input number %d of some more", i*i)})
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, tokens)
	}
	g := submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: inputs[0]}, MaxTokens: 60, TopLogprobs: -1, IgnoreEOS: true})
	together, err := loop.Embed(t.Context(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i, tokens := range inputs {
		group.Go(func() {
			alone, err := loop.Embed(t.Context(), [][]engine.Token{tokens})
			if err != nil {
				t.Error(err)
				return
			}
			a, b := alone[0][0], together[i][0]
			var product, lengths float64
			for n := range a {
				product += float64(a[n]) * float64(b[n])
				lengths += float64(a[n])*float64(a[n]) + float64(b[n])*float64(b[n])
			}
			if len(a) != model.Info().EmbeddingSize || math.Abs(2*product/lengths-1) > 1e-4 {
				t.Errorf("input %d: the vectors differ: %v", i, 2*product/lengths)
			}
		})
	}
	group.Wait()
	if tokens, f := read(g); len(tokens) != 60 || f.Err != nil {
		t.Errorf("%d tokens, %+v", len(tokens), f)
	}
}
