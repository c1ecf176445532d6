package hftokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weirgo/weir/server/gguf"
)

// space is how pieces of characters write a space.
const space = "▁"

// characterModel returns what is particular to BPE over characters with bytes
// to fall back to.
func (t *Tokenizer) characterModel(pre string) (gguf.Metadata, error) {
	prefix, err := t.spaces()
	if err != nil {
		return nil, err
	}
	for b := range 256 {
		if !t.spells(byte(b)) {
			return nil, fmt.Errorf("it has no token <0x%02X>, and the library ends the process when a text needs it", b)
		}
	}
	if pre == "" {
		pre = "default"
	}
	return gguf.Metadata{
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.pre", Value: pre},
		{Key: "tokenizer.ggml.scores", Value: t.scores()},
		{Key: "tokenizer.ggml.add_space_prefix", Value: prefix},
	}, nil
}

// spells reports whether there is a token for a byte, as "<0x0A>" or, if it is
// a character of its own, as that.
func (t *Tokenizer) spells(b byte) bool {
	_, ok := t.number[fmt.Sprintf("<0x%02X>", b)]
	if !ok && b < utf8.RuneSelf {
		_, ok = t.number[string(rune(b))]
	}
	return ok
}

// scores returns, for each token, the negative rank of the first merge that
// makes it: the library joins the pair with the highest score first. What no
// merge makes comes after all that some merge does.
func (t *Tokenizer) scores() []float32 {
	scores := make([]float32, len(t.tokens))
	for i := range scores {
		scores[i] = -float32(len(t.merges))
	}
	for rank := len(t.merges) - 1; rank >= 0; rank-- {
		if number, ok := t.number[t.merges[rank].left+t.merges[rank].right]; ok {
			scores[number] = -float32(rank)
		}
	}
	return scores
}

// spaces checks that spaces become "▁", as the library makes them, and reports
// whether one goes in front of the text.
func (t *Tokenizer) spaces() (prefix bool, err error) {
	replaced := false
	for _, s := range flatten(t.source.Normalizer) {
		switch {
		case s.Type == "Prepend" && s.Prepend == space:
			prefix = true
		case s.Type == "Replace" && s.Pattern.String == " " && s.Content == space:
			replaced = true
		}
	}
	for _, s := range flatten(t.source.PreTokenizer) {
		switch {
		case s.Type == "Metaspace" && s.Replacement == space:
			replaced = true
			prefix = s.PrependScheme != "never" && (s.AddPrefixSpace == nil || *s.AddPrefixSpace)
		case s.Type == "Split" && s.Pattern.String == " ": // there are no spaces any more
		default:
			return false, fmt.Errorf("its pre_tokenizer has a step %s, which the library does not have", s.Type)
		}
	}
	if !replaced {
		return false, errors.New(`its spaces do not become "▁", as the library makes them`)
	}
	return prefix, nil
}
