package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// newMaker returns a maker for a folder of the test and what it has printed.
func newMaker(t *testing.T) (*maker, *strings.Builder) {
	out := &strings.Builder{}
	return &maker{dir: filepath.Join(t.TempDir(), "new", "models"), seed: seeded.DefaultSeed, out: out}, out
}

func TestFilesThatAreUpToDateStay(t *testing.T) {
	m, out := newMaker(t)
	path := filepath.Join(m.dir, "tiny.gguf")
	run := func(want string) {
		t.Helper()
		out.Reset()
		if err := m.run(t.Context(), []string{"tiny"}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out.String(), path+": "+want) {
			t.Errorf("printed %q, not %q", out, want)
		}
	}
	run("written, 4.2 MB")
	run("up to date")
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	run("written")
	m.seed++
	run("written")
	run("up to date")
}

func TestQuantised(t *testing.T) {
	library := llamatest.Open(t)
	m, out := newMaker(t)
	args := []string{"tiny:Q8_0", "tiny:q4_k_m", "tiny-q8_0"}
	if err := m.run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "written"); got != 3 || !strings.HasSuffix(out.String(), "up to date\n") {
		t.Errorf("printed %q", out)
	}
	for _, name := range []string{"tiny-q8_0.gguf", "tiny-q4_k_m.gguf"} {
		model, err := library.Load(t.Context(), filepath.Join(m.dir, name), engine.ModelConfig{})
		if err != nil {
			t.Error(err)
			continue
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestQuantisedWithoutLibrary(t *testing.T) {
	t.Setenv("LLAMA_LIB", t.TempDir())
	m, _ := newMaker(t)
	if err := m.run(t.Context(), []string{"tiny:q8_0"}); err == nil || !strings.Contains(err.Error(), "LLAMA_LIB") {
		t.Errorf("run: %v", err)
	}
	if entries, _ := os.ReadDir(m.dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}

func TestBadArguments(t *testing.T) {
	for arg, text := range map[string]string{
		"70b": "tiny, 15m, 110m", "tiny:": "q8_0", "tiny:q99": "q8_0", "": "tiny",
	} {
		m, _ := newMaker(t)
		err := m.run(t.Context(), []string{"tiny", arg})
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, which lacks %q", arg, err, text)
		}
		if _, err := os.Stat(m.dir); err == nil {
			t.Errorf("%q: something was made", arg)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, _ := newMaker(t)
	if err := m.run(ctx, []string{"tiny"}); !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
}

func TestDemo(t *testing.T) {
	m, out := newMaker(t)
	m.demo = filepath.Join(t.TempDir(), "weir-demo.gguf")
	if err := m.run(t.Context(), []string{"demo"}); err == nil || !strings.Contains(err.Error(), "make train") {
		t.Errorf("without the file: %v", err)
	}
	for _, content := range []string{"one", "two"} {
		if err := os.WriteFile(m.demo, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"written", "up to date"} {
			out.Reset()
			if err := m.run(t.Context(), []string{"demo"}); err != nil || !strings.Contains(out.String(), "demo.gguf: "+want) {
				t.Errorf("%s: %v, printed %q", want, err, out)
			}
		}
		if made, err := os.ReadFile(filepath.Join(m.dir, "demo.gguf")); err != nil || string(made) != content {
			t.Errorf("%q, %v", made, err)
		}
	}
	if entries, _ := os.ReadDir(m.dir); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
	if err := m.run(t.Context(), []string{"demo:q8_0"}); !errors.Is(err, errUsage) {
		t.Errorf("another type: %v", err)
	}
}
