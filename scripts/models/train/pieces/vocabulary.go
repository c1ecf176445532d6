package pieces

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// Tokens with fixed numbers.
const (
	Unknown = iota
	Begin
	TurnBegin
	TurnEnd // ends a generation too
	firstByte
)

// Names of the control tokens.
const (
	TurnBeginText = "<|im_start|>"
	TurnEndText   = "<|im_end|>"
)

// space is how this kind of tokenizer writes a space.
const space = "▁"

// spaceLead is the first two bytes of "▁". As a user-defined token it is cut
// out of the text before spaces turn into "▁", so that a real "▁" in the text
// stays what it is: this token and a byte.
const spaceLead = "\xe2\x96"

// Types of tokens, as tokenizer.ggml.token_type has them.
const (
	kindNormal      = 1
	kindUnknown     = 2
	kindControl     = 3
	kindUserDefined = 4
	kindByte        = 6
)

// Vocabulary is the pieces of a tokenizer. It does not change once it is made, but
// for [Vocabulary.AddControl]; its other methods may be called concurrently.
type Vocabulary struct {
	texts []string
	kinds []int32
	ids   map[string]int32 // of the pieces that texts join to; none of control tokens
}

func newVocabulary() *Vocabulary {
	v := &Vocabulary{ids: map[string]int32{}}
	v.add("<unk>", kindUnknown)
	v.add("<s>", kindControl)
	v.add(TurnBeginText, kindControl)
	v.add(TurnEndText, kindControl)
	for b := range 256 {
		v.add(fmt.Sprintf("<0x%02X>", b), kindByte)
	}
	v.add(spaceLead, kindUserDefined)
	return v
}

// add appends a piece; earlier pieces join first.
func (v *Vocabulary) add(text string, kind int32) {
	if kind == kindNormal {
		v.ids[text] = int32(len(v.texts))
	}
	v.texts = append(v.texts, text)
	v.kinds = append(v.kinds, kind)
}

// AddControl appends a control token, which no text is cut into, and returns its
// number. It is called before the vocabulary is used.
func (v *Vocabulary) AddControl(name string) int32 {
	v.add(name, kindControl)
	return int32(v.Len() - 1)
}

// Len returns the number of tokens.
func (v *Vocabulary) Len() int { return len(v.texts) }

// Plain reports whether the token is of text, neither a control token nor a
// byte.
func (v *Vocabulary) Plain(id int32) bool { return v.kinds[id] == kindNormal }

// Text returns what tokens spell; control tokens spell nothing.
func (v *Vocabulary) Text(ids ...int32) string {
	var text strings.Builder
	for _, id := range ids {
		switch v.kinds[id] {
		case kindNormal:
			text.WriteString(strings.ReplaceAll(v.texts[id], space, " "))
		case kindByte:
			text.WriteByte(byte(id - firstByte))
		case kindUserDefined:
			text.WriteString(v.texts[id])
		}
	}
	return text.String()
}

// Metadata returns the tokenizer as a model's file has it.
func (v *Vocabulary) Metadata(chatTemplate string) gguf.Metadata {
	scores := make([]float32, v.Len())
	for i := range scores {
		scores[i] = -float32(i)
	}
	return gguf.Metadata{
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.pre", Value: "default"},
		{Key: "tokenizer.ggml.tokens", Value: v.texts},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: v.kinds},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(Unknown)},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(Begin)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(TurnEnd)},
		{Key: "tokenizer.ggml.eot_token_id", Value: uint32(TurnEnd)},
		{Key: "tokenizer.ggml.padding_token_id", Value: uint32(TurnEnd)},
		{Key: "tokenizer.ggml.add_bos_token", Value: false},
		{Key: "tokenizer.ggml.add_eos_token", Value: false},
		{Key: "tokenizer.ggml.add_space_prefix", Value: false},
		{Key: "tokenizer.chat_template", Value: chatTemplate},
	}
}
