package llama_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// places returns where a model's text may be cut.
func places(m engine.Model, text string) (at []int) {
	for i := 1; i < len(text); i++ {
		if llama.Breaks(m, text, i) {
			at = append(at, i)
		}
	}
	return at
}

// Where words of a pre-tokenizer are said to end, the library finds the same
// tokens on both sides as in the whole.
func TestWordsEndWhereTheyAreCut(t *testing.T) {
	sample := writeText(rand.New(rand.NewPCG(0, 1)), 4<<10)
	for _, pre := range preTokenizers {
		t.Run(pre, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(pre))))
			most := 200
			if testing.Short() {
				most = 20
			}
			m := bytePair(pre, sample).load(t, engine.ModelConfig{})
			cut := 0
			for range 40 {
				text := writeText(rng, 300)
				whole := llama.TokenizeWhole(m, text, false, false)
				for _, at := range places(m, text) {
					if cut++; cut > most {
						return
					}
					parts := slices.Concat(llama.TokenizeWhole(m, text[:at], false, false), llama.TokenizeWhole(m, text[at:], false, false))
					if !slices.Equal(parts, whole) {
						t.Fatalf("%q and %q have the tokens %v, together %v", text[:at], text[at:], parts, whole)
					}
				}
			}
			if cut == 0 {
				t.Error("no text could be cut")
			}
		})
	}
}

// A text's tokens are those that the library gives for it in one call: for every
// pre-tokenizer, with and without control tokens, and for SentencePiece with and
// without the space it puts before a text.
func TestTokensAreTheLibrarys(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	vocabularies := map[string]*vocabulary{
		"space":    sentencePiece(rng, true, writeText(rng, 4<<10)),
		"no space": sentencePiece(rng, false, writeText(rng, 4<<10)),
	}
	pres := preTokenizers
	if testing.Short() {
		pres = []string{"llama-bpe", "gpt-2", "qwen2", "gpt-4o", "deepseek-v3", "gemma4", "superbpe", "exaone-moe"}
	}
	sample := writeText(rng, 4<<10)
	for _, pre := range pres {
		vocabularies[pre] = bytePair(pre, sample)
	}
	for name, v := range vocabularies {
		t.Run(name, func(t *testing.T) {
			m := v.load(t, engine.ModelConfig{})
			// Without "<|note|>", which the library finds in any text.
			for _, text := range []string{"", "x", " x", "<s>", "<s>x", "</s></s>", "<think>", "a<think> b</think>\n", "<|im_end|>\n",
				"<|im_start|>user\nhi<|im_end|>\n", writeText(rng, 100), writeText(rng, 30<<10),
				writeText(rng, 30<<10, "<s>", "<|im_start|>", "<think>", "<|im_end|>\n", "<tool_call>"),
			} {
				for _, how := range []struct{ special, control bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
					want := llama.TokenizeWhole(m, text, how.special, how.control)
					got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: how.special}, engine.Span{Text: text, Control: how.control})
					if err != nil || !slices.Equal(got, want) {
						t.Fatalf("%+v, %.80q: %v\n%s", how, text, err, difference(m, got, want))
					}
				}
			}
		})
	}
}

// difference shows where two runs of tokens part.
func difference(m engine.Model, got, want []engine.Token) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	spell := func(tokens []engine.Token) (out []string) {
		for _, token := range tokens[max(0, at-3):min(len(tokens), at+5)] {
			out = append(out, string(m.AppendPiece(nil, token, true)))
		}
		return out
	}
	return fmt.Sprintf("%d and %d tokens, from %d on %q, want %q", len(got), len(want), at, spell(got), spell(want))
}
