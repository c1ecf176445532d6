package hftokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// split is one of the library's ways to cut text before merging, and the
// pre_tokenizer that asks for it.
type split struct {
	name         string
	ignoreMerges bool // a piece that is a token is taken whole
	steps        []string
}

// Expressions and other steps of pre_tokenizers, as signature writes them.
const (
	bytesOnly  = "bytes"
	bytesSplit = "bytes, split as by GPT-2"
	oneDigit   = "digits, one by one"

	cl100k = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen35 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	o200k  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	tekken = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|` +
		`\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	deepseekDigits = `\p{N}{1,3}`
	deepseekCJK    = `[一-龥぀-ゟ゠-ヿ]+`
	deepseekRest   = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|" +
		" ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
)

// splits in order of preference. Where ignore_merges has no entry of its own,
// either is taken: it matters only for tokens that no merges make.
var splits = []split{
	{"gpt-2", false, []string{bytesSplit}},
	{"llama-bpe", true, []string{cl100k, bytesOnly}},
	{"dbrx", false, []string{cl100k, bytesOnly}},
	{"qwen2", false, []string{qwen2, bytesOnly}},
	{"qwen35", false, []string{qwen35, bytesOnly}},
	// Not "gpt-4o", which takes combining marks for no part of a word.
	{"granite-embed-multi-97m", false, []string{o200k, bytesOnly}},
	{"tekken", true, []string{tekken, bytesOnly}},
	{"deepseek-v3", false, []string{deepseekDigits, deepseekCJK, deepseekRest, bytesOnly}},
	{"smollm", false, []string{oneDigit, bytesSplit}},
}

// PreTokenizers returns the names that a pre_tokenizer can be recognised as.
func PreTokenizers() []string {
	names := make([]string, len(splits))
	for i := range splits {
		names[i] = splits[i].name
	}
	return names
}

// preTokenizer returns the library's name for how a byte-level tokenizer cuts
// text.
func (t *Tokenizer) preTokenizer() (string, error) {
	steps, found := t.signature(), ""
	for _, s := range splits {
		if slices.Equal(s.steps, steps) && (found == "" || s.ignoreMerges == t.source.Model.IgnoreMerges) {
			found = s.name
		}
	}
	if found == "" {
		return "", fmt.Errorf("no split of the library is known to be its pre_tokenizer (%s): "+
			"name one with --pre if you know that they are the same; known are %s",
			strings.Join(steps, "; "), strings.Join(PreTokenizers(), ", "))
	}
	return found, nil
}

// signature returns the steps of the pre_tokenizer, each as a text that is the
// same for steps that do the same.
func (t *Tokenizer) signature() []string {
	var texts []string
	for _, s := range flatten(t.source.PreTokenizer) {
		text := s.Type
		switch {
		case s.Type == "ByteLevel" && (s.UseRegex == nil || *s.UseRegex):
			text = bytesSplit
		case s.Type == "ByteLevel":
			text = bytesOnly
		case s.Type == "Digits" && s.IndividualDigits:
			text = oneDigit
		case s.Type == "Split" && s.Pattern.Regex != "" && s.isolates():
			text = s.Pattern.Regex
		}
		texts = append(texts, text)
	}
	return texts
}

// isolates reports whether what the pattern finds becomes a piece of its own.
// Keeping only what is found is the same for expressions that find everything,
// and those that stand in splits do.
func (s *step) isolates() bool {
	return s.Behavior == "Isolated" && !s.Invert || s.Behavior == "Removed" && s.Invert
}

// flatten returns the steps of a sequence in order, also of sequences in it.
func flatten(s *step) []step {
	if s == nil {
		return nil
	}
	inner := slices.Concat(s.Normalizers, s.PreTokenizers, s.Processors)
	if s.Type != "Sequence" {
		return []step{*s}
	}
	var all []step
	for i := range inner {
		all = append(all, flatten(&inner[i])...)
	}
	return all
}
