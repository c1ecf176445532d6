package llama_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

// preTokenizers are all the library's names, but for those that are another's
// under a second name.
var preTokenizers = strings.Fields(`default minicpm5 llama-bpe deepseek-llm deepseek-coder deepseek-v3 spark2_5
	youtu falcon mpt starcoder gpt-2 jais-2 gemma4 sarvam-moe whitespace refact command-r qwen2 qwen35 stablelm2
	olmo dbrx smaug-bpe poro-chat glm4 viking jais tekken smollm codeshell bloom gpt3-finnish exaone exaone-moe
	chameleon minerva-7b gpt-4o llama4 granite-embed-multi-97m granite-embed-multi-311m tiny_aya cohere2moe superbpe
	trillion granite-docling bailingmoe seed-coder hunyuan hunyuan-dense hy_v4 joyai-llm kimi-k2 ufakzeka grok-2
	afmoe laguna minimax-m2 solar-open mellum2`)

// Kinds of token.
const (
	normal = iota + 1
	unknown
	control
	userDefined
	unused
	byteToken
)

// vocabulary is the tokenizer of a model without weights.
type vocabulary struct {
	model, pre string
	tokens     []string
	kinds      []int32
	scores     []float32
	merges     []string
	more       gguf.Metadata
}

func (v *vocabulary) add(kind int32, tokens ...string) {
	for _, token := range tokens {
		if !slices.Contains(v.tokens, token) && !strings.Contains(token, "\x00") { // to the library a text ends there
			v.tokens, v.kinds = append(v.tokens, token), append(v.kinds, kind)
			v.scores = append(v.scores, -float32(len(v.tokens)))
		}
	}
}

// load makes a model of a vocabulary that closes when the test ends.
func (v *vocabulary) load(t testing.TB, cfg engine.ModelConfig) engine.Model {
	t.Helper()
	m, err := v.tryLoad(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (v *vocabulary) tryLoad(t testing.TB, cfg engine.ModelConfig) (engine.Model, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vocabulary.gguf")
	w, err := gguf.Create(path, append(gguf.Metadata{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.context_length", Value: uint32(2048)},
		{Key: "llama.embedding_length", Value: uint32(32)},
		{Key: "llama.block_count", Value: uint32(1)},
		{Key: "llama.feed_forward_length", Value: uint32(32)},
		{Key: "llama.attention.head_count", Value: uint32(1)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "tokenizer.ggml.model", Value: v.model},
		{Key: "tokenizer.ggml.pre", Value: v.pre},
		{Key: "tokenizer.ggml.tokens", Value: v.tokens},
		{Key: "tokenizer.ggml.token_type", Value: v.kinds},
		{Key: "tokenizer.ggml.scores", Value: v.scores},
		{Key: "tokenizer.ggml.merges", Value: v.merges},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(slices.Index(v.tokens, "<s>"))},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(slices.Index(v.tokens, "</s>"))},
	}, v.more...), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	m, err := llamatest.Open(t).LoadUnchecked(path, cfg)
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

// marks are the control tokens and others of their kind in made vocabularies.
func (v *vocabulary) marks() {
	v.add(control, "<s>", "</s>", "<|im_start|>", "<|im_end|>")
	v.add(userDefined, "<think>", "<tool_call>", "<|note|>")
}

// bytePair learns a vocabulary from texts without looking for words in them:
// only a pre-tokenizer keeps its merges apart.
func bytePair(pre string, texts ...string) *vocabulary {
	v := &vocabulary{model: "gpt2", pre: pre}
	raw := pre == "gemma4" || pre == "granite-embed-multi-311m" || pre == "sarvam-moe" || pre == "whitespace"
	if pre == "whitespace" {
		v.model = "whitespace"
	}
	v.add(unknown, "<unk>")
	v.marks()
	for b := range 256 {
		if raw {
			v.add(byteToken, fmt.Sprintf("<0x%02X>", b))
		} else {
			v.add(normal, string(byteLetter(byte(b))))
		}
	}
	first, pairs := learn(raw, strings.Join(texts, "\n"))
	v.add(normal, first...)
	for _, pair := range pairs {
		v.merges = append(v.merges, pair[0]+" "+pair[1])
		v.add(normal, pair[0]+pair[1])
	}
	return v
}

// learned is what learn made of a text, by text.
var learned sync.Map

type lesson struct {
	symbols []string
	pairs   [][2]string
}

// learn returns the symbols of a text, raw or in byte letters, and which of
// their pairs to merge.
func learn(raw bool, text string) ([]string, [][2]string) {
	key := fmt.Sprint(raw, text)
	if known, ok := learned.Load(key); ok {
		return known.(lesson).symbols, known.(lesson).pairs
	}
	var symbols []string
	if raw {
		symbols = strings.Split(strings.ReplaceAll(text, " ", "▁"), "")
	} else {
		for _, b := range []byte(text) {
			symbols = append(symbols, string(byteLetter(b)))
		}
	}
	l := lesson{symbols: slices.Compact(slices.Sorted(slices.Values(symbols)))}
	for range 300 {
		counts := map[[2]string]int{}
		var best [2]string
		for i := 1; i < len(symbols); i++ {
			pair := [2]string{symbols[i-1], symbols[i]}
			if raw && strings.ContainsAny(pair[0]+pair[1], "\n\x00") {
				continue // the library takes it for a mistake
			}
			if counts[pair]++; counts[pair] > counts[best] {
				best = pair
			}
		}
		if counts[best] == 0 {
			break
		}
		l.pairs = append(l.pairs, best)
		joined := symbols[:0]
		for i := 0; i < len(symbols); i++ {
			if i+1 < len(symbols) && symbols[i] == best[0] && symbols[i+1] == best[1] {
				symbols[i+1] = best[0] + best[1]
				continue
			}
			joined = append(joined, symbols[i])
		}
		symbols = joined
	}
	learned.Store(key, l)
	return l.symbols, l.pairs
}

// byteLetter is the letter that stands for a byte in GPT-2's vocabularies.
func byteLetter(b byte) rune {
	plain := func(b int) bool { return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae }
	if plain(int(b)) {
		return rune(b)
	}
	n := rune(256)
	for c := range int(b) {
		if !plain(c) {
			n++
		}
	}
	return n
}

// sentencePiece makes a vocabulary of a few hundred pieces of texts.
func sentencePiece(rng *rand.Rand, leadingSpace bool, texts ...string) *vocabulary {
	v := &vocabulary{model: "llama", pre: "default", more: gguf.Metadata{
		{Key: "tokenizer.ggml.add_space_prefix", Value: leadingSpace},
		{Key: "tokenizer.ggml.add_eos_token", Value: true},
	}}
	v.add(unknown, "<unk>")
	v.marks()
	for b := range 256 {
		v.add(byteToken, fmt.Sprintf("<0x%02X>", b))
	}
	v.add(normal, "▁")
	for _, text := range texts {
		runes := []rune(strings.ReplaceAll(text, " ", "▁"))
		for range 150 {
			at := rng.IntN(len(runes) - 8)
			for n := 1; n <= 2+rng.IntN(5); n++ { // a piece is merged from pieces
				if piece := string(runes[at : at+n]); !strings.Contains(piece, "\n") {
					v.add(normal, piece)
				}
			}
		}
	}
	return v
}

// snippets are what places to cut are made of, and what looks like them.
var snippets = []string{
	"a", "the", "Word", "HTML", "it's", "we'LL", "naïve", "привет", "नमस्ते", "مرحبا", "안녕", "日本語", "かな", "中文", "e\u0301", "\u0301",
	" ", " ", " ", "  ", "   ", "\n", "\n", "\n\n", " \n", "\n ", "\r\n", "\t", "\u00a0", "\u3000", "\u0085", "\v", "\x1c", "\u200b", "\u180e", "\ufeff",
	"0", "7", "42", "123", "4567", "1234567", "٣٤", "²", "x1", "1x", ".", ",", "!", "?!", "...", "--", "'", "\"", "(", ")", "|", "$", "+", "=", "<", ">", "_", "/", "\\", "~",
	"。", "，", "、", "；", "！", "「", "」", "…", "—", "–", "▁", "🦊", "👩‍👩‍👧", "\x00", "\x7f", "<0x41>", "İ", "ß", "ǅ", "ª",
}

// writeText gives a text of about n bytes.
func writeText(rng *rand.Rand, n int, more ...string) string {
	var text strings.Builder
	all := slices.Concat(snippets, more)
	for text.Len() < n {
		s := all[rng.IntN(len(all))]
		for range 1 + rng.IntN(3)*rng.IntN(2) {
			text.WriteString(s)
		}
	}
	return text.String()
}
