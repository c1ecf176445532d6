package llama

import (
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// pieces is a vocabulary's texts, copied out of the library once: a call for
// each token of each stream would cost more than the look-up.
type pieces struct {
	text  []byte
	start []uint32 // of token i in text; one more at the end
	kind  []pieceKind
}

type pieceKind uint8

const (
	pieceControl pieceKind = 1 << iota // shown only on request
	pieceEnd                           // ends a generation
	pieceSpecial                       // found in a text by its own text
)

func newPieces(c *sys.Library, vocab sys.Vocab, size int) *pieces {
	p := &pieces{start: make([]uint32, 1, size+1), kind: make([]pieceKind, size)}
	buf := make([]byte, 128)
	for token := range int32(size) {
		n := c.Piece(vocab, token, buf, true)
		if n < 0 {
			buf = make([]byte, -n)
			n = c.Piece(vocab, token, buf, true)
		}
		p.text = append(p.text, buf[:max(0, n)]...)
		p.start = append(p.start, uint32(len(p.text)))
		attr := c.Attr(vocab, token)
		if attr&(sys.AttrControl|sys.AttrUnknown) != 0 {
			p.kind[token] |= pieceControl | pieceSpecial
		}
		if attr&sys.AttrUserDefined != 0 {
			p.kind[token] |= pieceSpecial
		}
		if c.IsEOG(vocab, token) {
			p.kind[token] |= pieceEnd
		}
	}
	return p
}

func (p *pieces) append(dst []byte, token engine.Token, special bool) []byte {
	if !p.holds(token) || p.kind[token]&pieceControl != 0 && !special {
		return dst
	}
	return append(dst, p.of(token)...)
}

// of returns the bytes of a token of the vocabulary.
func (p *pieces) of(token engine.Token) []byte { return p.text[p.start[token]:p.start[token+1]] }

func (p *pieces) special(token engine.Token) bool {
	return p.holds(token) && p.kind[token]&pieceSpecial != 0
}

// all gives the text of every token.
func (p *pieces) all(yield func(string) bool) {
	for token := range p.kind {
		if !yield(string(p.of(engine.Token(token)))) {
			return
		}
	}
}

func (p *pieces) ends(token engine.Token) bool {
	return p.holds(token) && p.kind[token]&pieceEnd != 0
}

func (p *pieces) holds(token engine.Token) bool { return uint(token) < uint(len(p.kind)) }
