package seeded

import (
	"fmt"

	"github.com/weirgo/weir/server/gguf"
)

// around is the body that a vocabulary of somebody else's gets: so small that
// the vocabulary's own matrices are nearly all of the file (256 bytes a
// token).
var around = architecture{
	embedding: 64, layers: 2, heads: 2, headsKV: 1,
	feedForward: 192, context: 4096, matrices: gguf.F16,
}

// WriteAround makes a model around a vocabulary and puts it at path, which
// changes only when the whole file is there. tokenizer is the tokenizer.* part
// of the metadata; it must hold the tokens ([]string) and their types
// ([]int32). The same arguments give the same bytes.
func WriteAround(path, name string, tokenizer gguf.Metadata, seed uint64) error {
	tokens, err := tokensOf(tokenizer)
	if err != nil {
		return fmt.Errorf("seeded: write %s: %w", path, err)
	}
	a := around
	a.vocabulary = len(tokens)
	metadata := append(append(a.general(name, seed), a.hyperparameters()...), tokenizer...)
	if err := a.write(path, metadata, tokens, seed); err != nil {
		return fmt.Errorf("seeded: write %s: %w", name, err)
	}
	return nil
}

// tokensOf reads a vocabulary from metadata, with the gains of this package's
// own: generations are text, and end seldom.
func tokensOf(tokenizer gguf.Metadata) ([]token, error) {
	stored, _ := tokenizer.Get("tokenizer.ggml.tokens")
	texts, _ := stored.([]string)
	stored, _ = tokenizer.Get("tokenizer.ggml.token_type")
	kinds, _ := stored.([]int32)
	if len(texts) == 0 || len(kinds) != len(texts) {
		return nil, fmt.Errorf("the metadata has %d tokens and %d types of tokens", len(texts), len(kinds))
	}
	tokens := make([]token, len(texts))
	for i, text := range texts {
		tokens[i] = token{text: text, kind: tokenKind(kinds[i]), gain: gainSilent}
		switch tokens[i].kind {
		case kindNormal, kindUserDefined:
			tokens[i].gain = gainWord
		case kindByte:
			tokens[i].gain = gainByte
		}
	}
	if end, ok := tokenizer.Uint("tokenizer.ggml.eos_token_id"); ok && end < uint64(len(tokens)) {
		tokens[end].gain = gainEnd
	}
	return tokens, nil
}
