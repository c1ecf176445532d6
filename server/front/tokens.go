package front

import (
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// tokenizer returns the generator's, if it has one.
func (h *Handler) tokenizer() (generate.Tokenizer, error) {
	if t, ok := h.cfg.Generator.(generate.Tokenizer); ok {
		return t, nil
	}
	return nil, &ask.Fault{
		Kind: ask.TokenizerMissing, What: "this model's vocabulary is not here", Remedy: "ask the server that runs it",
	}
}

func (h *Handler) tokenize(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var request llamaserver.TokenizeRequest
	if err := wire.Decode(q.Body, &request); err != nil {
		return err
	}
	tokenizer, err := h.tokenizer()
	if err != nil {
		return err
	}
	tokens, err := tokenizer.Tokenize(q.Context(), request.Content, request.AddSpecial, request.ParsesSpecial())
	if err != nil {
		return err
	}
	if !request.WithPieces {
		return h.writeJSON(x, w, llamaserver.TokenizeResponse[ask.Token]{Tokens: tokens})
	}
	out := llamaserver.TokenizeResponse[llamaserver.TokenPiece]{Tokens: make([]llamaserver.TokenPiece, len(tokens))}
	var piece []byte
	for i, t := range tokens {
		if piece, err = tokenizer.Spell(piece[:0], t); err != nil {
			return err
		}
		out.Tokens[i] = llamaserver.NewTokenPiece(t, piece)
	}
	return h.writeJSON(x, w, out)
}

func (h *Handler) detokenize(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var request llamaserver.DetokenizeRequest
	if err := wire.Decode(q.Body, &request); err != nil {
		return err
	}
	tokenizer, err := h.tokenizer()
	if err != nil {
		return err
	}
	text, err := tokenizer.Spell(nil, request.Tokens...)
	if err != nil {
		return llamaserver.DetokenizeFault(err)
	}
	// Tokens may end within a character.
	return h.writeJSON(x, w, llamaserver.DetokenizeResponse{Content: strings.ToValidUTF8(string(text), "\uFFFD")})
}
