package front

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/openai"
)

// embedder returns the generator's, if it has one.
func (h *Handler) embedder() (generate.Embedder, error) {
	if e, ok := h.cfg.Generator.(generate.Embedder); ok {
		return e, nil
	}
	return nil, &ask.Fault{
		Kind: ask.NotServed, What: "embeddings are not supported by this server", Remedy: "ask a server that serves an embedding model",
	}
}

func (h *Handler) embeddings(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.EmbeddingRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	dimensions, err := body.Check()
	if err != nil {
		return err
	}
	embedder, err := h.embedder()
	if err != nil {
		return err
	}
	model := h.cfg.Generator.Model()
	if err := generate.CheckModel(model, h.modelName(body.Model)); err != nil {
		return err
	}
	if n := model.EmbeddingSize; dimensions > n {
		return ask.Invalid("dimensions", fmt.Sprintf("%d is out of range: 1 to %d", dimensions, n))
	}
	h.metrics.countIgnored(body.Ignored())
	prompts, err := h.joinInputs(x, q, body.Input, h.joinParts)
	if err != nil {
		return err
	}
	vectors, tokens, err := h.embed(x, q, embedder, prompts, numberBytes, generate.EmbedOptions{Dimensions: dimensions})
	if err != nil {
		return err
	}
	out := x.pour(w, openai.EmbeddingsBegin)
	for i, vector := range vectors {
		if i > 0 {
			out.buffer = append(out.buffer, ',')
		}
		out.buffer = openai.AppendEmbedding(out.buffer, i, vector, body.Base64())
		if !out.send() {
			break
		}
	}
	out.buffer = openai.AppendEmbeddingsEnd(out.buffer, model.ID, tokens)
	out.end()
	return nil
}

// What a number of a vector takes: itself, and with its JSON, about.
const (
	numberBytes        = 4
	numberAndJSONBytes = 20
)

// embed has an embedder embed inputs, with memory for each number of the answer.
func (h *Handler) embed(x *exchange, q *http.Request, e generate.Embedder, inputs []ask.Prompt, bytes int64, o generate.EmbedOptions) (vectors [][]float32, tokens int, err error) {
	if err := h.refuseWhileDraining(); err != nil {
		return nil, 0, err
	}
	numbers := int64(len(inputs)) * int64(h.cfg.Generator.Model().EmbeddingSize)
	if err := x.input.hold(x.input.held + bytes*numbers); err != nil {
		return nil, 0, err
	}
	err = x.limit.within(x.attend(q), func(ctx context.Context) error {
		vectors, tokens, err = e.Embed(ctx, inputs, o)
		return err
	})
	if err == nil {
		x.embedded(tokens)
		err = checkVectors(vectors, len(inputs))
	}
	return vectors, tokens, err
}

// joinInputs makes a prompt of the parts of each input, within the limit.
func (h *Handler) joinInputs(x *exchange, q *http.Request, inputs [][]ask.Prompt, join func(context.Context, []ask.Prompt) (ask.Prompt, error)) ([]ask.Prompt, error) {
	prompts := make([]ask.Prompt, len(inputs))
	err := x.limit.within(x.attend(q), func(ctx context.Context) (err error) {
		for i, parts := range inputs {
			if prompts[i], err = join(ctx, parts); err != nil {
				return err
			}
		}
		return nil
	})
	return prompts, err
}

// joinParts is joinPrompt for several parts. One alone is left as it is.
func (h *Handler) joinParts(ctx context.Context, parts []ask.Prompt) (ask.Prompt, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	return h.joinPrompt(ctx, parts)
}

// checkVectors finds what JSON cannot say, before the status is sent.
func checkVectors(vectors [][]float32, wanted int) error {
	if len(vectors) != wanted {
		return ask.Failed(fmt.Errorf("front: embed: %d vectors for %d texts", len(vectors), wanted))
	}
	for i, vector := range vectors {
		for _, v := range vector {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return ask.Failed(fmt.Errorf("front: embed: vector %d is not finite", i))
			}
		}
	}
	return nil
}
