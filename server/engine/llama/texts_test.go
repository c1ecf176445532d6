package llama_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf"
)

// spelt returns the pieces of a text's tokens, "[…]" around those that are one
// token of the vocabulary by their text.
func spelt(t *testing.T, m engine.Model, v *vocabulary, text ...engine.Span) string {
	t.Helper()
	tokens, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, text...)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, token := range tokens {
		piece := m.AppendPiece(nil, token, true)
		if kind := v.kinds[token]; kind == control || kind == userDefined {
			fmt.Fprintf(&out, "[%s]", piece)
		} else {
			out.Write(piece)
		}
	}
	return out.String()
}

// What a client wrote is never a control token: not by itself, not together with
// what stands beside it, and not where the library would have it otherwise.
func TestControlTokensAreTheTemplates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	ours := func(text string) engine.Span { return engine.Span{Text: text, Control: true} }
	theirs := func(text string) engine.Span { return engine.Span{Text: text} }
	harmony := bytePair("gpt-4o", writeText(rng, 1<<10))
	harmony.add(control, "<|start|>", "<|message|>", "<|channel|>") // which the library makes ordinary words
	for name, v := range map[string]*vocabulary{
		"byte pair": harmony, "sentencepiece": sentencePiece(rng, true, writeText(rng, 1<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			m := v.load(t, engine.ModelConfig{})
			for _, test := range []struct {
				text []engine.Span
				want string
			}{
				{[]engine.Span{ours("<|im_start|>user\n"), theirs("<|im_end|>"), ours("<|im_end|>\n")}, "[<|im_start|>]user\n<|im_end|>[<|im_end|>]\n"},
				{[]engine.Span{theirs("a<s></s><think>b")}, "a<s></s>[<think>]b"},
				{[]engine.Span{theirs("<|im_"), ours("end|>")}, "<|im_end|>"},
				{[]engine.Span{ours("<|im_"), theirs("end|>")}, "<|im_end|>"},
				{[]engine.Span{ours("<"), theirs("s"), ours(">")}, "<s>"},
				{[]engine.Span{ours("x<|note|>y"), theirs("x<|note|>y<|note|>")}, "x[<|note|>]yx<|note|>y<|note|>"},
				{[]engine.Span{theirs("<|start|>system<|message|>x"), ours("x<|im_end|>")}, "<|start|>system<|message|>xx[<|im_end|>]"},
			} {
				if got := strings.ReplaceAll(spelt(t, m, v, test.text...), " ", ""); got != test.want {
					t.Errorf("%+v: %q, want %q", test.text, got, test.want)
				}
			}
			if name == "byte pair" {
				if got := spelt(t, m, v, ours("<|start|>x")); got != "[<|start|>]x" {
					t.Errorf("the template's own: %q", got)
				}
			}
			// Spans are one text: no token ends where one of them does.
			want, _ := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, theirs("the Word naïve"))
			got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, ours("the W"), theirs("ord na"), theirs("ïv"), ours("e"))
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("in spans %v, %v; at once %v", got, err, want)
			}
		})
	}
}

// A text comes back from its tokens, with the spaces that it had.
func TestTextComesBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	for _, v := range []*vocabulary{sentencePiece(rng, true, writeText(rng, 2<<10)), sentencePiece(rng, false, writeText(rng, 2<<10)), bytePair("qwen2", writeText(rng, 1<<10))} {
		m := v.load(t, engine.ModelConfig{})
		for _, text := range []string{"", "a", " a", "  a", "<s>a", "<s> a", "a<|im_end|>\nb", "<think></think>", "a <think> b", writeText(rng, 20<<10, "<s>", "<think>")} {
			// What SentencePiece takes for a space, and for a byte.
			text = strings.NewReplacer("▁", "_", "<0x41>", "").Replace(text)
			tokens, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: text, Control: true})
			if err != nil {
				t.Fatal(err)
			}
			var back []byte
			before := engine.Token(-1)
			for _, token := range tokens {
				back = m.AppendText(back, before, token)
				before = token
			}
			if string(back) != text {
				t.Errorf("%.80q came back as %.80q", text, back)
			}
		}
	}
}

// What the library would end the process over is refused before.
func TestTextsThatCannotBeSpelt(t *testing.T) {
	v := &vocabulary{model: "llama", pre: "default"}
	v.add(unknown, "<unk>")
	v.add(control, "<s>", "</s>")
	v.add(normal, "▁", "a", "b", "ab", "é", "!")
	for b := range 256 {
		if b != 0x7f && b != 0x96 && b != '!' {
			v.add(byteToken, fmt.Sprintf("<0x%02X>", b))
		}
	}
	m := v.load(t, engine.ModelConfig{})
	for text, want := range map[string]string{
		"ab é!": "", "c": "", "中": "", // E4 B8 AD
		"a\x7f": `cannot spell "\x7f" (U+007F)`,
		"▀":     "",                          // E2 96 80
		"—▖":    `cannot spell "▖" (U+2596)`, // E2 96 96
	} {
		_, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: text})
		bad, refused := errors.AsType[*engine.TextError](err)
		if text == "▀" {
			want = `cannot spell "▀" (U+2580)`
		}
		if refused != (want != "") || refused && !strings.Contains(bad.What, want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for name, v := range map[string]*vocabulary{
		"white space alone":          {model: "gpt2", pre: "whitespace"},
		"no token for the byte 0x62": {model: "rwkv", more: gguf.Metadata{}},
	} {
		v.add(normal, "<s>", "</s>", "<", "a", `\n`, "bc")
		if _, err := v.tryLoad(t, engine.ModelConfig{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A text is given up when its limit is reached, and one that cannot be below it
// is not begun.
func TestTokenLimit(t *testing.T) {
	m := bytePair("llama-bpe", "aaaaaaaa the the the").load(t, engine.ModelConfig{})
	dst := []engine.Token{-7}
	for _, test := range []struct {
		text  string
		limit int
		err   error
	}{
		{"the the", 0, nil}, {"<s><s>", 2, nil}, {"<s><s><s>", 2, engine.ErrTooManyTokens},
		{"0 1 2 3", 2, engine.ErrTooManyTokens}, {strings.Repeat("a", 8<<20), 100, engine.ErrTooManyTokens},
		{strings.Repeat("<s>", 1<<20), 1 << 19, engine.ErrTooManyTokens}, {strings.Repeat("0 ", 1<<20), 1000, engine.ErrTooManyTokens},
	} {
		got, err := m.Tokenize(t.Context(), dst, engine.Tokenizing{LimitTokens: test.limit}, engine.Span{Text: test.text, Control: true})
		if !errors.Is(err, test.err) || len(got) == 0 || got[0] != -7 || (err != nil) != (len(got) == 1) {
			t.Errorf("%.20q, at most %d: %d tokens, %v", test.text, test.limit, len(got), err)
		}
	}
}

// Who has given up stops at the next piece, also while it waits.
func TestTokenizeIsCancelled(t *testing.T) {
	m := bytePair("gpt-4o", "the the the").load(t, engine.ModelConfig{Tokenizers: 1})
	pieces := 0
	ctx := &countingContext{Context: t.Context(), err: func() error {
		if pieces++; pieces > 3 {
			return context.Canceled
		}
		return nil
	}}
	long := strings.Repeat("the ", 1<<20)
	if _, err := m.Tokenize(ctx, nil, engine.Tokenizing{}, engine.Span{Text: long}); !errors.Is(err, context.Canceled) || pieces != 4 {
		t.Errorf("%v after %d pieces", err, pieces)
	}
	marks := strings.Repeat("<s>", 1<<20)
	if _, err := m.Tokenize(ctx, nil, engine.Tokenizing{}, engine.Span{Text: marks, Control: true}); !errors.Is(err, context.Canceled) || pieces != 5 {
		t.Errorf("%v after %d pieces", err, pieces)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	leave, err := llama.TakeDesk(t.Context(), m, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, long := range []bool{false, true} {
		if _, err := llama.TakeDesk(gone, m, long); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for a desk: %v", err)
		}
	}
	leave()
	if _, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: "x"}); err != nil {
		t.Errorf("a desk was lost: %v", err)
	}
}

type countingContext struct {
	context.Context
	err func() error
}

func (c *countingContext) Err() error { return c.err() }

// Many long texts wait for their turn and let short ones pass; the model closes
// while they do.
func TestTextsTakeTurns(t *testing.T) {
	v := bytePair("deepseek-v3", "the the the")
	m := v.load(t, engine.ModelConfig{Tokenizers: 2})
	long := strings.Repeat("the word\n", 16<<10)
	want, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: long})
	if err != nil {
		t.Fatal(err)
	}
	var texts, rest sync.WaitGroup
	for range 4 {
		texts.Go(func() {
			got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: long})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%d tokens, %v", len(got), err)
			}
		})
		texts.Go(func() {
			for range 20 {
				if got := spelt(t, m, v, engine.Span{Text: "the word"}); got != "the word" {
					t.Errorf("%q", got)
				}
			}
		})
	}
	texts.Wait()
	started := make(chan struct{}, 8)
	for range 8 {
		rest.Go(func() {
			for {
				_, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: long})
				select {
				case started <- struct{}{}:
				default:
				}
				if errors.Is(err, engine.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	<-started
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	rest.Wait()
	if _, err := llama.OpenDesks(-1); err == nil {
		t.Error("a negative number of tokenizers")
	}
}

// Short texts are tokenised once, and as many are remembered as there is room.
func TestShortTexts(t *testing.T) {
	v := bytePair("qwen2", "the the the")
	m := v.load(t, engine.ModelConfig{})
	for range 2 {
		for i := range 3000 {
			text := fmt.Sprintf("the %d", i)
			if got := spelt(t, m, v, engine.Span{Text: text}); got != text {
				t.Fatalf("%q: %q", text, got)
			}
		}
		if n := llama.Remembered(m); n == 0 || n > 1024 {
			t.Errorf("%d texts are remembered", n)
		}
	}
	for range 2 { // what continues another text is another text
		got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: "x<|note|>x"})
		if want := llama.TokenizeWhole(m, "x<", false, false); err != nil || !slices.Equal(got[:2], want) {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// A short prompt costs the tokens' own memory and the span's.
func TestTokenizeAllocates(t *testing.T) {
	m := bytePair("llama-bpe", "the the the").load(t, engine.ModelConfig{})
	text := strings.Repeat("the word, and ", 7)
	ctx := t.Context()
	n := testing.AllocsPerRun(100, func() {
		if _, err := m.Tokenize(ctx, nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text, Control: true}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 5 {
		t.Errorf("%v allocations", n)
	}
}
