package llama_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/seeded"
	"github.com/weirgo/weir/server/sampling"
)

// FuzzRoundTrip: every text comes back from the engine's tokenizer, control
// tokens spelt out in it included.
func FuzzRoundTrip(f *testing.F) {
	model := llamatest.Load(f)
	for _, text := range []string{
		"Hello, world! the quick brown fox", " a  b   c    ", "\n\t\r\x00\x7f",
		"héllo 世界 😀 e\u0301", "▁ ▁▁ a▁b ▂█ ▁\u2580", "<s></s><unk><0x41> <|im_start|>user<|im_end|>",
		strings.Repeat(" ", 100), strings.Repeat("the water", 50),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 4096 {
			return
		}
		tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var back []byte
		for _, token := range tokens {
			back = model.AppendPiece(back, token, false)
		}
		if string(back) != text {
			t.Errorf("%q came back as %q", text, back)
		}
	})
}

func TestControlTokens(t *testing.T) {
	model := llamatest.Load(t)
	tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "<|im_start|>user\nHi<|im_end|>", Control: true})
	if err != nil {
		t.Fatal(err)
	}
	if tokens[0] != model.Info().BOS {
		t.Errorf("the text begins with %d, not with BOS %d", tokens[0], model.Info().BOS)
	}
	if got := string(model.AppendPiece(nil, tokens[1], true)); got != "<|im_start|>" {
		t.Errorf("the first token is %q", got)
	}
	last := tokens[len(tokens)-1]
	if !model.IsEndOfGeneration(last) || !model.IsEndOfGeneration(model.Info().EOS) || last == model.Info().EOS {
		t.Errorf("turn end %d and EOS %d do not end a generation", last, model.Info().EOS)
	}
	if got := string(model.AppendPiece(nil, last, false)); got != "" {
		t.Errorf("a control token prints %q", got)
	}
}

// Greedy output is worth looking at: many different words, no short loop, the
// same text twice, another for another prompt.
func TestGreedyOutput(t *testing.T) {
	model := llamatest.Load(t)
	const length = 400
	texts := map[string]bool{}
	for _, prompt := range []string{"Once upon a time", "The weather today is", "x"} {
		tokens := greedy(t, model, prompt, length)
		again := greedy(t, model, prompt, length)
		distinct := map[engine.Token]bool{}
		var text []byte
		for i, token := range tokens {
			if token != again[i] {
				t.Fatalf("%q: token %d differs from run to run", prompt, i)
			}
			distinct[token] = true
			text = model.AppendPiece(text, token, false)
		}
		texts[string(text)] = true
		if len(distinct) < length/4 {
			t.Errorf("%q: %d different tokens in %d: %q", prompt, len(distinct), length, text)
		}
		if words := strings.Fields(string(text)); len(words) < length/2 {
			t.Errorf("%q: %d words in %d tokens: %q", prompt, len(words), length, text)
		}
		if period := periodOf(tokens[length/2:]); period != 0 {
			t.Errorf("%q: the output repeats every %d tokens: %q", prompt, period, text)
		}
	}
	if len(texts) != 3 {
		t.Errorf("3 prompts gave %d texts", len(texts))
	}
}

// greedy returns the most likely tokens after a prompt, ends of generation
// included.
func greedy(t *testing.T, model engine.Model, prompt string, length int) []engine.Token {
	t.Helper()
	context, err := model.NewContext(engine.ContextConfig{ContextTokens: 1024})
	if err != nil {
		t.Fatal(err)
	}
	defer context.Close()
	sampler, memory := sampling.New(ask.Sampling{}), new(sampling.Row)
	tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: prompt})
	if err != nil {
		t.Fatal(err)
	}
	batch := engine.NewBatch(len(tokens))
	var output []engine.Token
	for position := 0; len(output) < length; {
		row := 0
		batch.Reset()
		for i, token := range tokens {
			row = batch.Add(token, position, 0, i == len(tokens)-1)
			position++
		}
		if err := context.Decode(batch); err != nil {
			t.Fatal(err)
		}
		next := draw(t, context, sampler, memory, row)
		output = append(output, next)
		tokens = []engine.Token{next}
	}
	return output
}

// periodOf returns after how many tokens the output repeats, or 0.
func periodOf(tokens []engine.Token) int {
	for period := 1; period <= len(tokens)/2; period++ {
		repeats := true
		for i := period; i < len(tokens) && repeats; i++ {
			repeats = tokens[i] == tokens[i-period]
		}
		if repeats {
			return period
		}
	}
	return 0
}

// The larger sizes load too, and quantise to k-quants without falling back.
func TestLargerSizesQuantise(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: 30 MB are written")
	}
	library := llamatest.Open(t)
	path := t.TempDir() + "/15m.gguf"
	if err := seeded.Write(path, seeded.Size15M, seeded.DefaultSeed); err != nil {
		t.Fatal(err)
	}
	quantised := t.TempDir() + "/15m-q4_k_m.gguf"
	if err := library.Quantize(t.Context(), path, quantised, "q4_k_m"); err != nil {
		t.Fatal(err)
	}
	model, err := library.Load(t.Context(), quantised, engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got := model.Info().Description; !strings.Contains(got, "Q4_K") {
		t.Errorf("the model is %q", got)
	}
	if err := model.Close(); err != nil {
		t.Error(err)
	}
}
