package front

import (
	"context"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// llamaEmbeddings answers with a vector for each text or, where the model does not
// pool, for each token.
func (h *Handler) llamaEmbeddings(x *exchange, w http.ResponseWriter, q *http.Request) error {
	embedder, ok := h.cfg.Generator.(generate.Embedder)
	if !ok {
		return notServed("embeddings", "serve a model for embeddings with a server that has them")
	}
	var body llamaserver.EmbeddingRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	inputs, err := body.Inputs()
	if err != nil {
		return err
	}
	prompts, err := h.joinInputs(x, q, inputs, h.joinPrompt)
	if err != nil {
		return err
	}
	vectors, err := h.unpooled(x, q, embedder, prompts)
	if err != nil {
		return err
	}
	out := x.pour(w, "[")
	for i, of := range vectors {
		out.buffer = llamaserver.AppendEmbeddingBegin(out.buffer, i)
		for k, vector := range of {
			out.buffer = llamaserver.AppendVector(out.buffer, k, vector)
			if !out.send() {
				out.end()
			}
		}
		out.buffer = llamaserver.AppendEmbeddingEnd(out.buffer)
	}
	out.buffer = append(out.buffer, ']')
	out.end()
	return nil
}

// unpooled returns the vectors of each input's tokens or, of a model that pools, its
// one vector.
func (h *Handler) unpooled(x *exchange, q *http.Request, e generate.Embedder, inputs []ask.Prompt) ([][][]float32, error) {
	each, ok := e.(generate.TokenEmbedder)
	if ok {
		var err error
		if ok, err = each.Unpooled(x.attend(q)); err != nil {
			return nil, err
		}
	}
	if ok {
		return h.embedTokens(x, q, each, inputs)
	}
	vectors, _, err := h.embed(x, q, e, inputs, numberBytes, generate.EmbedOptions{})
	if err != nil {
		return nil, err
	}
	all := make([][][]float32, len(vectors))
	for i := range vectors {
		all[i] = vectors[i : i+1]
	}
	return all, nil
}

// embedTokens has an embedder embed the tokens of inputs, with memory for each number
// of their vectors.
func (h *Handler) embedTokens(x *exchange, q *http.Request, e generate.TokenEmbedder, inputs []ask.Prompt) ([][][]float32, error) {
	if err := h.refuseWhileDraining(); err != nil {
		return nil, err
	}
	tokens := 0
	for _, p := range inputs {
		if p.Tokens == nil { // nobody knows how many vectors it has
			_, err := h.tokenizer()
			return nil, err
		}
		tokens += len(p.Tokens)
	}
	if err := x.input.hold(x.input.held + numberBytes*int64(tokens)*int64(h.cfg.Generator.Model().EmbeddingSize)); err != nil {
		return nil, err
	}
	var vectors [][][]float32
	err := x.limit.within(x.attend(q), func(ctx context.Context) (err error) {
		vectors, tokens, err = e.EmbedTokens(ctx, inputs)
		return err
	})
	if err != nil {
		return nil, err
	}
	x.embedded(tokens)
	for i := range vectors {
		if err := checkVectors(vectors[i], len(inputs[i].Tokens)); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}
