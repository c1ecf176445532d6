package llama_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

func TestInfo(t *testing.T) {
	model := llamatest.Load(t)
	info := model.Info()
	if info.Name != "weir-tiny" || info.VocabSize != 2048 || info.TrainedContext != 2048 || info.EmbeddingSize != 128 {
		t.Errorf("%+v", info)
	}
	if info.Parameters < 1e6 || info.SizeBytes < 4*info.Parameters || info.Description == "" {
		t.Errorf("%+v", info)
	}
	if info.BOS < 0 || info.EOS < 0 || !model.IsEndOfGeneration(info.EOS) || model.IsEndOfGeneration(info.BOS) {
		t.Errorf("BOS %d, EOS %d", info.BOS, info.EOS)
	}
	if !strings.Contains(info.ChatTemplate, "<|im_start|>") {
		t.Errorf("chat template %q", info.ChatTemplate)
	}
}

func TestMetadata(t *testing.T) {
	model := llamatest.Load(t)
	long := model.Info().ChatTemplate
	if len(long) <= 256 {
		t.Fatalf("the chat template of %d bytes is not longer than one buffer", len(long))
	}
	for _, test := range []struct {
		key, value string
		ok         bool
	}{
		{"general.architecture", "llama", true},
		{"llama.context_length", "2048", true},
		{"tokenizer.chat_template", long, true},
		{"absent", "", false},
		{"", "", false},
		{"general.architecture\x00", "", false},
	} {
		if value, ok := model.Metadata(test.key); value != test.value || ok != test.ok {
			t.Errorf("%q: %q, %t", test.key, value, ok)
		}
	}
}

func TestTokenizeRoundTrip(t *testing.T) {
	model := llamatest.Load(t)
	for _, text := range []string{
		"", "a", "Hello, world", "  two  spaces ", "tab\tand\nnewlines\r\n\n", "naïve café — 東京 🦊👩‍👩‍👧",
		"\x00\x01", "<|im_start|>user\nhi<|im_end|>", strings.Repeat("word ", 5000), strings.Repeat("é", 3000),
	} {
		tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		for _, token := range tokens {
			out = model.AppendPiece(out, token, false)
		}
		// The tokenizer puts a space before a text.
		if got := strings.TrimPrefix(string(out), " "); got != strings.TrimPrefix(text, " ") {
			t.Errorf("%.60q came back as %.60q", text, got)
		}
	}
}

func TestTokenize(t *testing.T) {
	model := llamatest.Load(t)
	info := model.Info()
	tokens := func(text string, special, parse bool) []engine.Token {
		got, err := model.Tokenize(t.Context(), []engine.Token{-7}, engine.Tokenizing{AddSpecial: special}, engine.Span{Text: text, Control: parse})
		if err != nil {
			t.Fatal(err)
		}
		if got[0] != -7 {
			t.Fatalf("%q: what was in dst is gone: %v", text, got)
		}
		return got[1:]
	}
	if got := tokens("hello", true, false); got[0] != info.BOS {
		t.Errorf("with special tokens %v does not begin with %d", got, info.BOS)
	}
	if got := tokens("hello", false, false); got[0] == info.BOS {
		t.Errorf("without special tokens %v begins with %d", got, info.BOS)
	}
	marked, plain := tokens("<|im_end|>", false, true), tokens("<|im_end|>", false, false)
	if len(marked) >= len(plain) {
		t.Errorf("parsed as special: %v, as text: %v", marked, plain)
	}
	if got := model.AppendPiece(nil, marked[len(marked)-1], false); len(got) != 0 {
		t.Errorf("a control token gives %q without special", got)
	}
	if got := model.AppendPiece(nil, marked[len(marked)-1], true); string(got) != "<|im_end|>" {
		t.Errorf("a control token gives %q with special", got)
	}
	// Not UTF-8: no crash, and what comes back is UTF-8.
	var out []byte
	for _, token := range tokens("a\xff\xfe\xc3(\xf0\x9f", false, false) {
		out = model.AppendPiece(out, token, false)
	}
	if !utf8.Valid(out) || !bytes.ContainsRune(out, utf8.RuneError) {
		t.Errorf("invalid bytes became %q", out)
	}
}

func TestPiecesOutOfRange(t *testing.T) {
	model := llamatest.Load(t)
	for _, token := range []engine.Token{-1, engine.Token(model.Info().VocabSize), 1 << 30} {
		if got := model.AppendPiece(nil, token, true); len(got) != 0 || model.IsEndOfGeneration(token) {
			t.Errorf("token %d: %q", token, got)
		}
	}
}

func TestLoadFails(t *testing.T) {
	lib := llamatest.Open(t)
	dir := t.TempDir()
	model := llamatest.Model(t)
	content, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, content)
		return path
	}
	strange := filepath.Join(dir, "strange.gguf")
	write(t, strange, gguf.Metadata{{Key: "general.architecture", Value: "strange"},
		{Key: "tokenizer.ggml.model", Value: "gpt2"}, {Key: "tokenizer.ggml.tokens", Value: []string{"a"}}})
	bare := filepath.Join(dir, "bare.gguf")
	write(t, bare, gguf.Metadata{{Key: "general.architecture", Value: "llama"}})
	tests := []struct {
		name, path string
		want       []string
	}{
		{"absent", filepath.Join(dir, "absent.gguf"), []string{"absent.gguf", "make models"}},
		{"directory", dir, []string{"directory"}},
		{"text", file("text.gguf", "hello, I am no model at all"), []string{"text.gguf", "GGUF"}},
		{"empty", file("empty.gguf", ""), []string{"empty.gguf"}},
		{"truncated", file("short.gguf", string(content[:len(content)-100])),
			[]string{"short.gguf", strconv.Itoa(len(content) - 100), strconv.Itoa(len(content))}},
		{"truncated header", file("header.gguf", string(content[:3000])), []string{"header.gguf"}},
		{"unknown architecture", strange, []string{"strange.gguf", "unknown model architecture: 'strange'", "check that"}},
		{"no hyperparameters", bare, []string{"bare.gguf", "llama.block_count is missing", "convert it again"}},
		{"NUL in the path", dir + "/a\x00b", []string{"invalid"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := lib.Load(t.Context(), test.path, engine.ModelConfig{})
			if err == nil {
				m.Close()
				t.Fatal("no error")
			}
			for _, words := range test.want {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %q does not say %q", err, words)
				}
			}
		})
	}
	if _, err := lib.Load(t.Context(), filepath.Join(dir, "absent.gguf"), engine.ModelConfig{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
}

// write makes a GGUF file without tensors.
func write(t *testing.T, path string, metadata gguf.Metadata) {
	t.Helper()
	w, err := gguf.Create(path, metadata, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestLoadProgress(t *testing.T) {
	lib := llamatest.Open(t)
	path := llamatest.Model(t)
	for _, cfg := range []engine.ModelConfig{{}, {NoMemoryMap: true}, {GPULayers: -1}} {
		var shares []float32
		cfg.Progress = func(share float32) { shares = append(shares, share) }
		model, err := lib.Load(t.Context(), path, cfg)
		if err != nil {
			t.Fatal(err)
		}
		model.Close()
		if len(shares) < 2 || shares[len(shares)-1] != 1 {
			t.Errorf("progress %v", shares)
		}
		for i, share := range shares {
			if share < 0 || share > 1 || i > 0 && share < shares[i-1] {
				t.Errorf("progress %v", shares)
			}
		}
	}
}

func TestLoadCancelled(t *testing.T) {
	lib := llamatest.Open(t)
	path := llamatest.Model(t)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	model, err := lib.Load(ctx, path, engine.ModelConfig{NoMemoryMap: true, Progress: func(float32) {
		calls++
		cancel()
	}})
	if err == nil {
		model.Close()
	}
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if _, err := lib.Load(ctx, path, engine.ModelConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v when cancelled before", err)
	}
}

func TestCloseOrder(t *testing.T) {
	model, err := llamatest.Open(t).Load(t.Context(), llamatest.Model(t), engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := model.NewContext(engine.ContextConfig{ContextTokens: 256})
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Close(); err == nil || !strings.Contains(err.Error(), "1 contexts are open") {
		t.Errorf("model with a context: %v", err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("context: %v", err)
		}
	}
	batch := engine.NewBatch(1)
	batch.Add(300, 0, 0, true)
	if err := c.Decode(batch); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("decode: %v", err)
	}
	if _, err := c.Logits(0); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("logits: %v", err)
	}
	if c.RemoveSequence(0, 0, -1) {
		t.Error("a closed context removed a sequence")
	}
	c.Abort()
	c.Resume()
	for range 2 {
		if err := model.Close(); err != nil {
			t.Errorf("model: %v", err)
		}
	}
	if _, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "x", Control: true}); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("tokenize: %v", err)
	}
	if _, err := model.NewContext(engine.ContextConfig{}); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("context: %v", err)
	}
	if _, ok := model.Metadata("general.name"); ok {
		t.Error("a closed model has metadata")
	}
	if got := model.AppendPiece(nil, 300, true); len(got) == 0 {
		t.Error("a closed model has no pieces")
	}
}

func TestModelIsConcurrent(t *testing.T) {
	model := llamatest.Load(t)
	want := tokenize(t, model, "the same text for all of them")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				got, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "the same text for all of them"})
				if err != nil || len(got) != len(want) {
					t.Errorf("%v, %v; want %v", got, err, want)
				}
				if name, ok := model.Metadata("general.name"); !ok || name != "weir-tiny" {
					t.Errorf("name %q", name)
				}
			}
		})
	}
	all.Wait()
}

// TestNothingLeaks loads, uses and closes again and again. What one round
// takes is far more than what all of them may leave.
func TestNothingLeaks(t *testing.T) {
	lib := llamatest.Open(t)
	path := llamatest.Model(t)
	round := func() {
		model, err := lib.Load(t.Context(), path, engine.ModelConfig{NoMemoryMap: true})
		if err != nil {
			t.Fatal(err)
		}
		generate(t, model, "Once upon a time", 2)
		if err := model.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		round()
	}
	before := residentBytes(t)
	const rounds = 40
	for range rounds {
		round()
	}
	if grown := residentBytes(t) - before; grown > rounds<<20 {
		t.Errorf("%d rounds left %d MB behind", rounds, grown>>20)
	}
}

func residentBytes(t *testing.T) int64 {
	t.Helper()
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("not supported: %v", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(content))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
