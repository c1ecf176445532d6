package main

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modelFolder is a Hugging Face folder whose tokenizer has bytes, a space and
// two pieces.
func modelFolder(t *testing.T) string {
	t.Helper()
	vocabulary := map[string]int{"<unk>": 0, "▁": 257, "a": 258, "b": 259, "ab": 260, "▁ab": 261}
	for b := range 256 {
		vocabulary[fmt.Sprintf("<0x%02X>", b)] = 1 + b
	}
	space := map[string]any{"type": "Replace", "pattern": map[string]string{"String": " "}, "content": "▁"}
	text, err := json.Marshal(map[string]any{
		"normalizer":   map[string]any{"type": "Sequence", "normalizers": []any{space, map[string]string{"type": "NFC"}}},
		"added_tokens": []any{map[string]any{"id": 262, "content": "<|end|>", "special": true}},
		"model": map[string]any{
			"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": vocabulary,
			"merges": []string{"a b", "▁ ab"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "tokenizer.json", text)
	config := filepath.Join(filepath.Dir(path), "tokenizer_config.json")
	if err := os.WriteFile(config, []byte(`{"eos_token":"<|end|>","chat_template":"{{ messages[0].content }}"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

// The model that comes out is served, and has the tokenizer's numbers.
func TestFromTokenizer(t *testing.T) {
	out := filepath.Join(t.TempDir(), "made.gguf")
	code, stdout, stderr := weir(t, nil, "models", "from-tokenizer", modelFolder(t), out)
	if code != exitDone || !strings.Contains(stdout, "made.gguf: written, llama pieces, split default") || !strings.Contains(stdout, "note: texts are normalized by NFC") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	server := start(t, "-m", out)
	response, err := http.Post(server.url+"/tokenize", "application/json", strings.NewReader(`{"content":"ab ab!\n"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if want := `{"tokens":[260,261,34,11]}`; err != nil || strings.TrimSpace(string(answer)) != want {
		t.Errorf("%s, %v; want %s", answer, err, want)
	}
}

func TestFromTokenizerRefuses(t *testing.T) {
	missing := t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{missing, "out.gguf"}, exitFailed, filepath.Join(missing, "tokenizer.json")},
		{[]string{modelFolder(t), filepath.Join(missing, "no", "out.gguf")}, exitFailed, "no such file"},
		{[]string{modelFolder(t)}, exitUsage, "DIR OUT.gguf"},
	} {
		code, _, stderr := weir(t, nil, append([]string{"models", "from-tokenizer"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.text) {
			t.Errorf("%v: exit code %d, %q", test.args, code, stderr)
		}
	}
}
