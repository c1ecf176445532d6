package llamaserver

import (
	"encoding/json/jsontext"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// TokenizeRequest is the body of POST /tokenize.
type TokenizeRequest struct {
	Content      string `json:"content"`
	AddSpecial   bool   `json:"add_special"`
	ParseSpecial *bool  `json:"parse_special"` // default true
	WithPieces   bool   `json:"with_pieces"`
}

// ParsesSpecial is ParseSpecial with its default.
func (r *TokenizeRequest) ParsesSpecial() bool { return r.ParseSpecial == nil || *r.ParseSpecial }

// DetokenizeRequest is the body of POST /detokenize.
type DetokenizeRequest struct {
	Tokens []ask.Token `json:"tokens"`
}

// DetokenizeFault gives a generator's fault the names of the request's fields.
func DetokenizeFault(err error) error { return wire.Rename(err, "prompt", "tokens") }

// TokenPiece is a token with its text, or its bytes where they are not UTF-8.
type TokenPiece struct {
	ID    ask.Token      `json:"id"`
	Piece jsontext.Value `json:"piece"` // string or array of bytes
}

// NewTokenPiece returns the piece of a token.
func NewTokenPiece(token ask.Token, text []byte) TokenPiece {
	if utf8.Valid(text) {
		return TokenPiece{token, wire.AppendJSONString(nil, text)}
	}
	return TokenPiece{token, wire.AppendByteArray(nil, text)}
}

// TokenizeResponse is the body of POST /tokenize: token ids, or TokenPieces
// where the request asked for them.
type TokenizeResponse[T ask.Token | TokenPiece] struct {
	Tokens []T `json:"tokens"`
}

// DetokenizeResponse is the body of POST /detokenize.
type DetokenizeResponse struct {
	Content string `json:"content"`
}
