package llama_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

func TestQuantize(t *testing.T) {
	lib := llamatest.Open(t)
	src := llamatest.Model(t)
	dir := t.TempDir()
	full := fileSize(t, src)
	for _, name := range []string{"q8_0", "Q4_0", "Q4_K_M", "F16"} {
		dst := filepath.Join(dir, name+".gguf")
		if err := lib.Quantize(t.Context(), src, dst, name); err != nil {
			t.Fatal(err)
		}
		if size := fileSize(t, dst); size >= full {
			t.Errorf("%s: %d bytes, not fewer than %d", name, size, full)
		}
		model, err := lib.Load(t.Context(), dst, engine.ModelConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if text := generate(t, model, "Once upon a time", 8); len(text) != 8 {
			t.Errorf("%s: %d tokens", name, len(text))
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	}
	if left := names(t, dir); len(left) != 4 {
		t.Errorf("left behind: %q", left)
	}
}

func TestQuantizeRefuses(t *testing.T) {
	lib := llamatest.Open(t)
	src := llamatest.Model(t)
	dir := t.TempDir()
	dst := filepath.Join(dir, "out.gguf")
	if err := os.WriteFile(dst, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.gguf")
	if err := os.WriteFile(broken, []byte("GGUFxxxx"), 0o644); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name     string
		ctx      context.Context
		src, dst string
		kind     string
		want     string
	}{
		{"type", t.Context(), src, dst, "Q9", "choose one of"},
		{"source", t.Context(), broken, dst, "Q8_0", "broken.gguf"},
		{"folder", t.Context(), src, filepath.Join(dir, "no", "out.gguf"), "Q8_0", "no such file"},
		{"cancelled", cancelled, src, dst, "Q8_0", "canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := lib.Quantize(test.ctx, test.src, test.dst, test.kind)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if content, err := os.ReadFile(dst); err != nil || string(content) != "before" {
		t.Errorf("the old file is %q, %v", content, err)
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
	if err := lib.Quantize(cancelled, src, dst, "Q8_0"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v is not context.Canceled", err)
	}
	if len(llama.QuantizeTypes()) == 0 {
		t.Error("no types")
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
