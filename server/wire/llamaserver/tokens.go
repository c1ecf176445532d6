package llamaserver

import (
	"strconv"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// TokenizeRequest is the body of POST /tokenize.
type TokenizeRequest struct {
	Content      Mixed `json:"content"`
	AddSpecial   bool  `json:"add_special"`
	ParseSpecial *bool `json:"parse_special"` // default true
	WithPieces   bool  `json:"with_pieces"`
}

// ParsesSpecial is ParseSpecial with its default.
func (r *TokenizeRequest) ParsesSpecial() bool { return r.ParseSpecial == nil || *r.ParseSpecial }

// DetokenizeRequest is the body of POST /detokenize.
type DetokenizeRequest struct {
	Tokens wire.Tokens `json:"tokens"`
}

// TokenizeFault gives a generator's fault the names of the request's fields.
func TokenizeFault(err error) error { return wire.Rename(err, "prompt", "content") }

// DetokenizeFault gives a generator's fault the names of the request's fields.
func DetokenizeFault(err error) error { return wire.Rename(err, "prompt", "tokens") }

// The answers are spelled piece by piece: a body of 8 MiB may have as many tokens,
// and an answer many times its size.

// TokensBegin and TokensEnd enclose the elements of an answer to /tokenize,
// which commas separate: token ids, or what AppendTokenPiece appends.
const (
	TokensBegin = `{"tokens":[`
	TokensEnd   = `]}`
)

// AppendTokenPiece appends a token with its text, or with its bytes where they
// are not UTF-8.
func AppendTokenPiece(dst []byte, token ask.Token, text []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, int64(token), 10)
	dst = append(dst, `,"piece":`...)
	if utf8.Valid(text) {
		dst = wire.AppendJSONString(dst, text)
	} else {
		dst = wire.AppendByteArray(dst, text)
	}
	return append(dst, '}')
}

// ContentBegin and ContentEnd enclose the text of an answer to /detokenize, which
// a Text spells.
const (
	ContentBegin = `{"content":"`
	ContentEnd   = `"}`
)

// Text spells bytes that come in pieces, within a JSON string. What is not UTF-8
// becomes U+FFFD, one for each run of such bytes, wherever the pieces meet. The
// zero value is ready.
type Text struct {
	cut     []byte // begins a character
	invalid bool   // within a run that is spelled already
}

// Append appends a piece.
func (t *Text) Append(dst, piece []byte) []byte { return t.append(dst, piece, false) }

// End appends what is left when there is no more.
func (t *Text) End(dst []byte) []byte { return t.append(dst, nil, true) }

func (t *Text) append(dst, piece []byte, last bool) []byte {
	if len(t.cut) > 0 {
		piece = append(t.cut, piece...)
	}
	from, i := 0, 0
	for i < len(piece) && (last || utf8.FullRune(piece[i:])) {
		r, size := utf8.DecodeRune(piece[i:])
		if r != utf8.RuneError || size > 1 {
			t.invalid = false
			i += size
			continue
		}
		dst = wire.AppendJSONText(dst, piece[from:i])
		if !t.invalid {
			dst = append(dst, "\uFFFD"...)
		}
		t.invalid = true
		i++
		from = i
	}
	dst = wire.AppendJSONText(dst, piece[from:i])
	t.cut = append([]byte(nil), piece[i:]...)
	return dst
}
