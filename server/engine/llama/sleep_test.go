package llama_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// sleeping is a model of this package.
type sleeping interface {
	engine.SleepingModel
	MappedBytes() uint64
}

// firstRow decodes a token in a context of its own, and returns its logits.
func firstRow(t *testing.T, model engine.Model) []float32 {
	t.Helper()
	c, err := model.NewContext(engine.ContextConfig{ContextTokens: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Decode(oneToken()); err != nil {
		t.Fatal(err)
	}
	row, err := c.Logits(0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(row)
}

// A model that was unloaded has no memory mapped, knows what is fixed of it, and is
// the same when it is there again, for who watches it, too.
func TestUnloadAndReload(t *testing.T) {
	_, m := mappedModel(t)
	model := m.(sleeping)
	found := watch(t, model)
	text := engine.Span{Text: "The river runs to the sea, and more."}
	before, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, text)
	if err != nil {
		t.Fatal(err)
	}
	row, info, piece := firstRow(t, model), model.Info(), string(model.AppendPiece(nil, 300, true))
	for range 3 {
		for range 2 { // once is enough
			if err := model.Unload(); err != nil {
				t.Fatal(err)
			}
		}
		if n := model.MappedBytes(); n != 0 {
			t.Errorf("%d bytes are mapped", n)
		}
		if _, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{}, text); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("tokenize: %v", err)
		}
		if _, err := model.NewContext(engine.ContextConfig{ContextTokens: 256}); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("make context: %v", err)
		}
		if _, ok := model.Metadata("general.architecture"); ok {
			t.Error("there is metadata")
		}
		if got := string(model.AppendPiece(nil, 300, true)); model.Info() != info || got != piece {
			t.Errorf("%+v and %q, had %+v and %q", model.Info(), got, info, piece)
		}
		for range 2 {
			if err := model.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if model.MappedBytes() == 0 {
			t.Error("nothing is mapped")
		}
		if after, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, text); err != nil || !slices.Equal(after, before) {
			t.Errorf("%v, %v, want %v", after, err, before)
		}
		if !slices.Equal(firstRow(t, model), row) {
			t.Error("it computes otherwise")
		}
	}
	select {
	case err := <-found:
		t.Errorf("the watch has found %v", err)
	default:
	}
}

func TestUnloadIsRefusedWithContexts(t *testing.T) {
	_, m := mappedModel(t)
	c := newContext(t, m, engine.ContextConfig{ContextTokens: 256})
	if err := m.(sleeping).Unload(); err == nil {
		t.Fatal("unloaded under a context")
	}
	if err := c.Decode(oneToken()); err != nil {
		t.Error(err)
	}
}

// What is in the file by then must be what was there: nobody has tried another one.
func TestReloadOfAnotherFile(t *testing.T) {
	path, m := mappedModel(t)
	model := m.(sleeping)
	if err := model.Unload(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(content)
	for i := len(other) / 2; i < len(other); i++ {
		other[i] ^= 1
	}
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := model.Reload(t.Context()); !errors.Is(err, llama.ErrFileChanged) || model.MappedBytes() != 0 {
		t.Errorf("another file: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := model.Reload(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	given, give := context.WithCancel(t.Context())
	give()
	if err := model.Reload(given); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if err := model.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// A model may be closed while it is unloaded, and is not loaded afterwards.
func TestCloseUnloaded(t *testing.T) {
	_, m := mappedModel(t)
	model := m.(sleeping)
	if err := model.Unload(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(model.Close(), model.Close()); err != nil {
		t.Fatal(err)
	}
	if err := model.Reload(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("reload: %v", err)
	}
	if err := model.Unload(); err != nil {
		t.Error(err)
	}
}
