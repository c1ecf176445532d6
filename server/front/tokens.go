package front

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
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
	if err := h.receive(x, w, q, &request); err != nil {
		return err
	}
	tokenizer, err := h.tokenizer()
	if err != nil {
		return err
	}
	var tokens []ask.Token
	for i, part := range request.Content {
		switch {
		case part.Tokens == nil:
			part.Tokens, err = tokenizer.Tokenize(x.attend(q), part.Text, request.AddSpecial && i == 0, request.ParsesSpecial())
		case request.WithPieces:
			err = checkTokens(tokenizer, part.Tokens)
		}
		if err != nil {
			return llamaserver.TokenizeFault(err)
		}
		tokens = append(tokens, part.Tokens...)
	}
	out := x.pour(w, llamaserver.TokensBegin)
	var piece []byte
	for i, t := range tokens {
		if i > 0 {
			out.buffer = append(out.buffer, ',')
		}
		if !request.WithPieces {
			out.buffer = strconv.AppendInt(out.buffer, int64(t), 10)
		} else {
			if piece, err = tokenizer.Spell(piece[:0], t); err != nil {
				return out.fail(err)
			}
			out.buffer = llamaserver.AppendTokenPiece(out.buffer, t, piece)
		}
		if !out.send() {
			break
		}
	}
	out.buffer = append(out.buffer, llamaserver.TokensEnd...)
	out.end()
	return nil
}

// spelledAtOnce is how many tokens' text is there at once.
const spelledAtOnce = 1 << 10

// checkTokens finds what cannot be spelled, before the status is sent.
func checkTokens(tokenizer generate.Tokenizer, tokens []ask.Token) error {
	var piece []byte
	for some := range slices.Chunk(tokens, spelledAtOnce) {
		var err error
		if piece, err = tokenizer.Spell(piece[:0], some...); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) detokenize(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var request llamaserver.DetokenizeRequest
	if err := h.receive(x, w, q, &request); err != nil {
		return err
	}
	tokenizer, err := h.tokenizer()
	if err != nil {
		return err
	}
	if err := checkTokens(tokenizer, request.Tokens); err != nil {
		return llamaserver.DetokenizeFault(err)
	}
	out := x.pour(w, llamaserver.ContentBegin)
	var piece []byte
	var text llamaserver.Text // tokens may end within a character
	before := ask.Token(-1)
	for some := range slices.Chunk(request.Tokens, spelledAtOnce) {
		if piece, err = tokenizer.AppendText(piece[:0], before, some...); err != nil {
			return out.fail(err)
		}
		before = some[len(some)-1]
		out.buffer = text.Append(out.buffer, piece)
		if !out.send() {
			break
		}
	}
	out.buffer = append(text.End(out.buffer), llamaserver.ContentEnd...)
	out.end()
	return nil
}
