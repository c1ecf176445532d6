package check

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirgo/weir/server/gguf"
)

// Kinds of tokenizers, as tokenizer.ggml.model has them.
const (
	sentencePiece = "llama"
	bytePairs     = "gpt2"
	wordPiece     = "bert"
	unigram       = "t5"
	trie          = "rwkv"
)

// Types of tokens, as tokenizer.ggml.token_type has them.
const byteToken = 6

// maxTokenID is one less than the most tokens: ids are an int32.
const maxTokenID = math.MaxInt32 - 1

// vocabulary is what the metadata says of tokens.
type vocabulary struct {
	kind   string
	tokens []string
	types  []int32 // nil: all normal
	ids    map[string]int
}

// checkVocabulary checks that every text has tokens, and every token a text.
func (m *Model) checkVocabulary() error {
	kind, _ := m.Metadata.Get("tokenizer.ggml.model")
	v := vocabulary{}
	v.kind, _ = kind.(string)
	switch v.kind {
	case "":
		return gguf.Malformed("tokenizer.ggml.model is %s", shown(kind))
	case "none", "no_vocab":
		return gguf.Malformed("it has no vocabulary: use a complete model file")
	}
	stored, _ := m.Metadata.Get("tokenizer.ggml.tokens")
	v.tokens, _ = stored.([]string)
	if len(v.tokens) == 0 || len(v.tokens) > maxTokenID {
		return gguf.Malformed("tokenizer.ggml.tokens is no array of at least one text")
	}
	for _, rule := range []func() error{
		v.checkTexts,
		func() error { return v.checkTypes(m.Metadata) },
		func() error { return v.checkScores(m.Metadata) },
		func() error { return v.checkMerges(m.Metadata) },
		func() error { return v.checkSpecial(m.Metadata) },
		v.checkBytes,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts: the library maps texts to ids, and asserts that it gets as many
// of the one as of the other. It reads them as C strings.
func (v *vocabulary) checkTexts() error {
	v.ids = make(map[string]int, len(v.tokens))
	for id, text := range v.tokens {
		switch {
		case text == "":
			text = fmt.Sprintf("[EMPTY_%d]", id) // what the library makes of it
		case strings.ContainsRune(text, 0):
			return gguf.Malformed("token %d, %q, has a NUL", id, shown(text))
		case v.kind == bytePairs && !utf8.ValidString(text): // each character stands for a byte
			return gguf.Malformed("token %d, %s, is not UTF-8", id, shown(text))
		}
		if first, there := v.ids[text]; there {
			return gguf.Malformed("tokens %d and %d are both %s", first, id, shown(text))
		}
		v.ids[text] = id
	}
	return nil
}

func (v *vocabulary) checkTypes(metadata gguf.Metadata) error {
	stored, there := metadata.Get("tokenizer.ggml.token_type")
	if !there {
		return nil
	}
	types, ok := stored.([]int32)
	if !ok || len(types) != len(v.tokens) {
		return gguf.Malformed("tokenizer.ggml.token_type is no array of int32 with one for each of %d tokens", len(v.tokens))
	}
	v.types = types
	for id, kind := range types {
		if kind != byteToken {
			continue
		}
		switch v.kind {
		case wordPiece:
			return gguf.Malformed("token %d is a byte, which this kind of vocabulary does not have", id)
		case sentencePiece, unigram, bytePairs, "gemma4":
			if !isByte(v.tokens[id]) {
				return gguf.Malformed("token %d, %s, is a byte and not called like <0x0A>", id, shown(v.tokens[id]))
			}
		}
	}
	return nil
}

// isByte reports whether a text is that of a byte token.
func isByte(text string) bool {
	digits, begins := strings.CutPrefix(text, "<0x")
	digits, ends := strings.CutSuffix(digits, ">")
	_, err := strconv.ParseUint(digits, 16, 8)
	return begins && ends && len(digits) == 2 && err == nil
}

// checkScores: pieces are joined in the order of scores, which NaN has none of.
func (v *vocabulary) checkScores(metadata gguf.Metadata) error {
	stored, there := metadata.Get("tokenizer.ggml.scores")
	if !there {
		return nil
	}
	count := -1
	switch scores := stored.(type) {
	case []int32:
		count = len(scores)
	case []float32:
		count = len(scores)
		if id := slices.IndexFunc(scores, func(s float32) bool { return s != s }); id >= 0 {
			return gguf.Malformed("the score of token %d is not a number", id)
		}
	}
	if count != len(v.tokens) {
		return gguf.Malformed("tokenizer.ggml.scores is no array of numbers with one for each of %d tokens", len(v.tokens))
	}
	return nil
}

// checkMerges: a merge is two texts with a space between.
func (v *vocabulary) checkMerges(metadata gguf.Metadata) error {
	stored, there := metadata.Get("tokenizer.ggml.merges")
	if !there {
		return nil // the library says whether it needs them
	}
	merges, ok := stored.([]string)
	if !ok {
		return gguf.Malformed("tokenizer.ggml.merges is no array of texts")
	}
	for i, merge := range merges {
		// The first text is not empty, so its own first byte may be a space.
		space := -1
		if merge != "" {
			space = strings.IndexByte(merge[1:], ' ')
		}
		if space < 0 || space+2 == len(merge) || strings.ContainsRune(merge, 0) || !utf8.ValidString(merge) {
			return gguf.Malformed("merge %d, %s, is not two texts with a space between", i, shown(merge))
		}
	}
	return nil
}

// checkSpecial: ids of tokens that begin and end texts are tokens.
func (v *vocabulary) checkSpecial(metadata gguf.Metadata) error {
	for _, name := range []string{"bos", "eos", "eot", "eom"} {
		key := "tokenizer.ggml." + name + "_token_id"
		stored, there := metadata.Get(key)
		if !there {
			continue
		}
		if id, ok := stored.(uint32); !ok || uint64(id) >= uint64(len(v.tokens)) {
			return gguf.Malformed("%s is %s, and the vocabulary has tokens 0 to %d", key, shown(stored), len(v.tokens)-1)
		}
	}
	return nil
}

// checkBytes: text without a token of its own becomes tokens of its bytes, and
// a missing one ends the process. Bytes that UTF-8 does not have are not asked
// for.
func (v *vocabulary) checkBytes() error {
	switch v.kind {
	case sentencePiece:
	case trie:
		return v.checkBranches()
	default:
		return nil // others leave out what they have no token for
	}
	for b := range 256 {
		if b == 0xc0 || b == 0xc1 || b > 0xf4 {
			continue
		}
		name := fmt.Sprintf("<0x%02X>", b)
		if _, there := v.ids[name]; there {
			continue
		}
		if _, there := v.ids[string(rune(b))]; b >= utf8.RuneSelf || !there {
			return gguf.Malformed("token %s is missing: text with that byte could not be tokenised", name)
		}
	}
	return nil
}

// checkBranches: the library walks down a tree of tokens' bytes and takes the
// longest token on its way; where it finds none it walks the same way for ever.
// So the first byte of each token is to be a token.
func (v *vocabulary) checkBranches() error {
	var alone, first [256]bool
	for _, token := range v.tokens {
		if text := unescape(token); text != "" {
			first[text[0]] = true
			alone[text[0]] = alone[text[0]] || len(text) == 1
		}
	}
	for b := range first {
		if first[b] && !alone[b] {
			return gguf.Malformed("the byte 0x%02X begins tokens and is none: text with it could not be tokenised", b)
		}
	}
	return nil
}

// unescape reads a token of a [trie] as the library does.
func unescape(token string) string {
	var text []byte
	for i := 0; i < len(token); i++ {
		if token[i] != '\\' || i+1 == len(token) {
			text = append(text, token[i])
			continue
		}
		i++
		switch token[i] {
		case 't':
			text = append(text, '\t')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 'x':
			if b, err := strconv.ParseUint(token[i+1:min(i+3, len(token))], 16, 8); err == nil {
				text = append(text, byte(b))
				i += 2
			}
		default:
			text = append(text, token[i])
		}
	}
	return string(text)
}
