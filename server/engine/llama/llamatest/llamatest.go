package llamatest

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// Library returns the directory of the engine library. It skips the test if
// there is none.
func Library(t testing.TB) (dir string) {
	t.Helper()
	dir, err := llama.FindLibrary()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Open opens the engine library, with its warnings and errors in the test's
// log.
func Open(t testing.TB) *llama.Library {
	t.Helper()
	dir := Library(t)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	lib, err := llama.Open(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	// The library outlives the test and must not write to its log then.
	t.Cleanup(func() { llama.Open(dir, nil) })
	return lib
}

// Model returns the path of a tiny model with random weights, the same ones
// each time: about a million parameters, a tokenizer with byte fallback and a
// chat template. It lies in a directory of the test's own.
func Model(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tiny.gguf")
	if err := os.WriteFile(path, tamper.Sound(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Load loads the tiny model and closes it when the test ends.
func Load(t testing.TB) engine.Model {
	t.Helper()
	lib := Open(t)
	model, err := lib.Load(context.Background(), Model(t), engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return model
}
