package llama_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// watcher is what a model of this package offers beyond engine.Model.
type watcher interface {
	Watch(ctx context.Context) error
}

// mappedModel loads a model from a file of its own.
func mappedModel(t *testing.T) (path string, model engine.Model) {
	t.Helper()
	lib := llamatest.Open(t)
	path = llamatest.Model(t)
	model, err := lib.Load(t.Context(), path, engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return path, model
}

// watch begins to watch; what it finds comes through the channel.
func watch(t *testing.T, model engine.Model) <-chan error {
	ctx, cancel := context.WithCancel(t.Context())
	found, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		found <- model.(watcher).Watch(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return found
}

func hear(t *testing.T, found <-chan error) error {
	t.Helper()
	select {
	case err := <-found:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the change was not noticed in a minute")
		return nil
	}
}

func oneToken() *engine.Batch {
	b := engine.NewBatch(1)
	b.Add(300, 0, 0, true)
	return b
}

// TestFileLosesItsEnd: computing with weights that are not there any more is
// an error, not the end of the process.
func TestFileLosesItsEnd(t *testing.T) {
	path, model := mappedModel(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256, MaxSequences: 2})
	if err := c.Decode(oneToken()); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	b := oneToken()
	b.Sequences[0] = 1
	if err := c.Decode(b); !errors.Is(err, llama.ErrFileChanged) {
		t.Errorf("decode: %v", err)
	}
	if _, err := c.Logits(0); err == nil {
		t.Error("there are logits of weights that are lost")
	}
	err := model.(watcher).Watch(t.Context())
	if !errors.Is(err, llama.ErrFileChanged) || !strings.Contains(err.Error(), "has 1048576") || !strings.Contains(err.Error(), path) {
		t.Errorf("watch: %v", err)
	}
}

func TestFileIsWrittenTo(t *testing.T) {
	path, model := mappedModel(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256})
	found := watch(t, model)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(content[1<<20:], 1<<19); err == nil {
		err = file.Truncate(int64(len(content))) // same size, other weights
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := hear(t, found); !errors.Is(err, llama.ErrFileChanged) || !strings.Contains(err.Error(), "rename them over") {
		t.Errorf("watch: %v", err)
	}
	if err := c.Decode(oneToken()); !errors.Is(err, llama.ErrFileChanged) {
		t.Errorf("decode: %v", err)
	}
}

// TestFileIsTouched: a new time and a new name change nothing.
func TestFileIsTouched(t *testing.T) {
	path, model := mappedModel(t)
	found := watch(t, model)
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.WriteFile(other, []byte("another model"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256})
	if err := c.Decode(oneToken()); err != nil {
		t.Error(err)
	}
	// Nobody says that nothing happened: look as Watch does, twice.
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := model.(watcher).Watch(ctx); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-found:
		t.Errorf("watch: %v", err)
	default:
	}
}

// TestReadFileIsNotWatched: what has been read into memory stays.
func TestReadFileIsNotWatched(t *testing.T) {
	lib := llamatest.Open(t)
	path := llamatest.Model(t)
	model, err := lib.Load(t.Context(), path, engine.ModelConfig{NoMemoryMap: true})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	c, err := model.NewContext(engine.ContextConfig{ContextTokens: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Decode(oneToken()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := model.(watcher).Watch(ctx); err != nil {
		t.Error(err)
	}
}

func TestVocabulary(t *testing.T) {
	lib := llamatest.Open(t)
	v, err := lib.LoadVocabulary(t.Context(), llamatest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	if v.Info().VocabSize != 2048 {
		t.Errorf("%d tokens", v.Info().VocabSize)
	}
	whole := llamatest.Load(t)
	for _, text := range []string{"", "hello water", "<|im_start|>", "日本語\x7f"} {
		got, err := v.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text, Control: true})
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text, Control: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("%q: %v, with weights %v", text, got, want)
		}
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if _, err := v.Tokenize(t.Context(), nil, engine.Tokenizing{}, engine.Span{Text: "a"}); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
