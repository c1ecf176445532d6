package hftokenizer

import (
	"fmt"

	"github.com/weirgo/weir/server/gguf"
)

// Metadata returns the tokenizer.* entries of a GGUF file. pre names the
// library's split of text before merging; "" has it recognised.
func (t *Tokenizer) Metadata(pre string) (gguf.Metadata, error) {
	var m gguf.Metadata
	var err error
	switch {
	case t.byteLevel():
		m, err = t.byteLevelModel(pre)
	case t.source.Model.ByteFallback:
		m, err = t.characterModel(pre)
	default:
		err = fmt.Errorf("its BPE works neither on bytes nor on characters with bytes to fall back to: the library has no such kind")
	}
	if err != nil {
		return nil, fmt.Errorf("hftokenizer: convert: %w", err)
	}
	return append(m, t.common()...), nil
}

// byteLevel reports whether pieces are made of bytes, each written as a
// character.
func (t *Tokenizer) byteLevel() bool {
	for _, s := range flatten(t.source.PreTokenizer) {
		if s.Type == "ByteLevel" {
			return true
		}
	}
	return false
}

// byteLevelModel returns what is particular to byte-level BPE.
func (t *Tokenizer) byteLevelModel(pre string) (gguf.Metadata, error) {
	if pre == "" {
		var err error
		if pre, err = t.preTokenizer(); err != nil {
			return nil, err
		}
	}
	merges := make([]string, len(t.merges))
	for i, m := range t.merges {
		merges[i] = m.left + " " + m.right
	}
	return gguf.Metadata{
		{Key: "tokenizer.ggml.model", Value: "gpt2"},
		{Key: "tokenizer.ggml.pre", Value: pre},
		{Key: "tokenizer.ggml.merges", Value: merges},
	}, nil
}

// common returns what both kinds have.
func (t *Tokenizer) common() gguf.Metadata {
	texts := make([]string, len(t.tokens))
	kinds := make([]int32, len(t.tokens))
	for i, tok := range t.tokens {
		texts[i], kinds[i] = tok.text, int32(tok.kind)
	}
	m := gguf.Metadata{
		{Key: "tokenizer.ggml.tokens", Value: texts},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
	}
	end, padding := t.config.End, t.config.Padding
	for _, special := range []struct {
		key     string
		choices []tokenText
	}{
		// Without an entry the library takes some number that it had for GPT-2.
		{"tokenizer.ggml.bos_token_id", []tokenText{t.config.Begin, padding, end}},
		{"tokenizer.ggml.eos_token_id", []tokenText{end, padding}},
		{"tokenizer.ggml.padding_token_id", []tokenText{padding}},
		{"tokenizer.ggml.unknown_token_id", []tokenText{t.config.Unknown, tokenText(deref(t.source.Model.Unknown))}},
	} {
		for _, text := range special.choices {
			if number, ok := t.number[string(text)]; ok && text != "" {
				m = append(m, gguf.KV{Key: special.key, Value: uint32(number)})
				break
			}
		}
	}
	m = append(m,
		gguf.KV{Key: "tokenizer.ggml.add_bos_token", Value: t.addsBegin()},
		gguf.KV{Key: "tokenizer.ggml.add_eos_token", Value: t.addsEnd()})
	return append(m, t.chatTemplates()...)
}

// chatTemplates returns the first template, and the others by their names.
func (t *Tokenizer) chatTemplates() gguf.Metadata {
	var m gguf.Metadata
	var names []string
	for _, tmpl := range t.templates {
		key := "tokenizer.chat_template"
		if tmpl.name != "" {
			key += "." + tmpl.name
			names = append(names, tmpl.name)
		}
		m = append(m, gguf.KV{Key: key, Value: tmpl.source})
	}
	if names != nil {
		m = append(m, gguf.KV{Key: "tokenizer.chat_templates", Value: names})
	}
	return m
}

// addsBegin reports whether texts begin with the begin token.
func (t *Tokenizer) addsBegin() bool {
	if t.config.AddBegin != nil {
		return *t.config.AddBegin
	}
	parts := t.around()
	return len(parts) > 0 && isToken(parts[0], t.config.Begin)
}

// addsEnd reports whether texts end with the end token.
func (t *Tokenizer) addsEnd() bool {
	if t.config.AddEnd != nil {
		return *t.config.AddEnd
	}
	parts := t.around()
	return len(parts) > 0 && isToken(parts[len(parts)-1], t.config.End)
}

func isToken(part templatePart, text tokenText) bool {
	return part.SpecialToken != nil && text != "" && part.SpecialToken.ID == string(text)
}

// around returns the post-processor's template for one text.
func (t *Tokenizer) around() []templatePart {
	for _, s := range flatten(t.source.PostProcessor) {
		if s.Type == "TemplateProcessing" {
			return s.Single
		}
	}
	return nil
}
