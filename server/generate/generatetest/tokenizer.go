package generatetest

import (
	"context"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// The vocabulary: bytes, and three control tokens.
const vocabSize = 259

var controls = []struct {
	token ask.Token
	text  string
}{{256, "<|bos|>"}, {257, "<|eos|>"}, {258, "<|sep|>"}}

// Tokenize implements generate.Tokenizer.
func (g *Generator) Tokenize(_ context.Context, s string, addSpecial, parseSpecial bool) ([]ask.Token, error) {
	tokens := []ask.Token{}
	if addSpecial {
		tokens = append(tokens, controls[0].token)
	}
next:
	for len(s) > 0 {
		for _, c := range controls {
			if rest, ok := strings.CutPrefix(s, c.text); ok && parseSpecial {
				tokens, s = append(tokens, c.token), rest
				continue next
			}
		}
		tokens, s = append(tokens, ask.Token(s[0])), s[1:]
	}
	return tokens, nil
}

// Spell implements generate.Tokenizer.
func (g *Generator) Spell(dst []byte, tokens ...ask.Token) ([]byte, error) {
	for _, t := range tokens {
		switch {
		case t >= 0 && t < 256:
			dst = append(dst, byte(t))
		case t >= 256 && t < vocabSize:
			dst = append(dst, controls[t-256].text...)
		default:
			return dst, &ask.Fault{Kind: ask.InvalidValue, Param: "prompt", What: "prompt: a token outside the vocabulary"}
		}
	}
	return dst, nil
}

// AppendText implements generate.Tokenizer.
func (g *Generator) AppendText(dst []byte, _ ask.Token, tokens ...ask.Token) ([]byte, error) {
	return g.Spell(dst, tokens...)
}
