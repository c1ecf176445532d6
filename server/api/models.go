package api

import (
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

func (h *Handler) model() openai.Model {
	return openai.Model{
		ID:      h.cfg.ModelID,
		Object:  "model",
		Created: h.started.Unix(),
		OwnedBy: "weir",
		Meta: &openai.ModelMeta{
			VocabSize:      h.info.VocabSize,
			TrainedContext: h.info.TrainedContext,
			EmbeddingSize:  h.info.EmbeddingSize,
			Parameters:     h.info.Parameters,
			SizeBytes:      h.info.SizeBytes,
		},
	}
}

func (h *Handler) listModels(w http.ResponseWriter, _ *http.Request) error {
	return h.writeJSON(w, openai.ModelList{Object: "list", Data: []openai.Model{h.model()}})
}

func (h *Handler) getModel(w http.ResponseWriter, r *http.Request) error {
	if err := h.checkModel(r.PathValue("id")); err != nil {
		return err
	}
	return h.writeJSON(w, h.model())
}

// health answers for load balancers, and asks for no key.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	if h.draining.Load() {
		return shuttingDown()
	}
	return h.writeJSON(w, struct {
		Status string `json:"status"`
	}{"ok"})
}

func (h *Handler) tokenize(w http.ResponseWriter, r *http.Request) error {
	var request openai.TokenizeRequest
	if err := openai.Decode(r.Body, &request); err != nil {
		return err
	}
	parseSpecial := request.ParseSpecial == nil || *request.ParseSpecial
	tokens, err := h.cfg.Model.Tokenize([]engine.Token{}, request.Content, request.AddSpecial, parseSpecial)
	if err != nil {
		return err
	}
	if !request.WithPieces {
		return h.writeJSON(w, openai.TokenizeResponse[engine.Token]{Tokens: tokens})
	}
	out := openai.TokenizeResponse[openai.TokenPiece]{Tokens: make([]openai.TokenPiece, len(tokens))}
	for i, t := range tokens {
		out.Tokens[i] = openai.NewTokenPiece(t, h.cfg.Model.AppendPiece(nil, t, true))
	}
	return h.writeJSON(w, out)
}

func (h *Handler) detokenize(w http.ResponseWriter, r *http.Request) error {
	var request openai.DetokenizeRequest
	if err := openai.Decode(r.Body, &request); err != nil {
		return err
	}
	if err := openai.CheckTokens("tokens", request.Tokens, h.info.VocabSize); err != nil {
		return err
	}
	var text []byte
	for _, t := range request.Tokens {
		text = h.cfg.Model.AppendPiece(text, t, true)
	}
	// Tokens may end within a character.
	return h.writeJSON(w, openai.DetokenizeResponse{Content: strings.ToValidUTF8(string(text), "\uFFFD")})
}
