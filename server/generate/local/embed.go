package local

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
)

// Embed implements generate.Embedder. A text's marks are read as a completion's
// prompt is.
func (g *Generator) Embed(ctx context.Context, prompts []ask.Prompt, o generate.EmbedOptions) (vectors [][]float32, tokens int, err error) {
	if err := g.sleep.enter(ctx); err != nil {
		return nil, 0, err
	}
	defer g.sleep.leave()
	pooling, err := g.loop.Pooling()
	if err != nil {
		return nil, 0, asFault(err)
	}
	if pooling == engine.PoolingNone {
		return nil, 0, &ask.Fault{
			Kind: ask.Unsupported, What: "the model keeps a vector for each token, and none for a text",
			Remedy: "start the server with another pooling",
		}
	}
	pooled, tokens, err := g.embed(ctx, prompts)
	if err != nil {
		return nil, 0, err
	}
	vectors = make([][]float32, len(pooled))
	for i := range pooled {
		if vectors[i], err = shape(pooled[i][0], o.Dimensions, !o.Raw && pooling != engine.PoolingRank); err != nil {
			return nil, 0, err
		}
	}
	return vectors, tokens, nil
}

// Unpooled implements generate.TokenEmbedder.
func (g *Generator) Unpooled(ctx context.Context) (bool, error) {
	if err := g.sleep.enter(ctx); err != nil {
		return false, err
	}
	defer g.sleep.leave()
	pooling, err := g.loop.Pooling()
	if err != nil {
		return false, asFault(err)
	}
	return pooling == engine.PoolingNone, nil
}

// EmbedTokens implements generate.TokenEmbedder.
func (g *Generator) EmbedTokens(ctx context.Context, prompts []ask.Prompt) (vectors [][][]float32, tokens int, err error) {
	if err := g.sleep.enter(ctx); err != nil {
		return nil, 0, err
	}
	defer g.sleep.leave()
	switch unpooled, err := g.Unpooled(ctx); {
	case err != nil:
		return nil, 0, err
	case !unpooled:
		return nil, 0, &ask.Fault{
			Kind: ask.Unsupported, What: "the model keeps a vector for each text, and none for a token",
			Remedy: "start the server with --pooling none",
		}
	}
	return g.embed(ctx, prompts)
}

// embed returns the vectors of each input, and the tokens of all.
func (g *Generator) embed(ctx context.Context, prompts []ask.Prompt) (vectors [][][]float32, tokens int, err error) {
	inputs := make([][]engine.Token, len(prompts))
	for i, p := range prompts {
		if inputs[i], err = g.inputTokens(ctx, p); err != nil {
			return nil, 0, err
		}
		tokens += len(inputs[i])
	}
	if vectors, err = g.loop.Embed(ctx, inputs); err != nil {
		return nil, 0, asFault(err)
	}
	return vectors, tokens, nil
}

// inputTokens returns the tokens of an input.
func (g *Generator) inputTokens(ctx context.Context, p ask.Prompt) ([]engine.Token, error) {
	if p.Tokens != nil {
		return p.Tokens, g.checkTokens("input", p.Tokens)
	}
	return g.promptTokens(ctx, "input", g.tokenizing.PromptTokens, engine.Span{Text: p.Text, Control: true})
}

// shape cuts a vector and, if unit, makes its length 1; one of zeros stays.
func shape(v []float32, dimensions int, unit bool) ([]float32, error) {
	if dimensions < 0 || dimensions > len(v) {
		return nil, ask.Invalid("dimensions", fmt.Sprintf("%d is out of range: 1 to %d", dimensions, len(v)))
	}
	if dimensions > 0 {
		v = v[:dimensions]
	}
	squares := 0.0
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	if unit && squares > 0 {
		length := math.Sqrt(squares)
		for i, x := range v {
			v[i] = float32(float64(x) / length)
		}
	}
	return v, nil
}

// asFault is err, or the server's own failure if it is no fault.
func asFault(err error) error {
	if _, ok := errors.AsType[*ask.Fault](err); ok {
		return err
	}
	return ask.Failed(err)
}
