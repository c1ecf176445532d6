package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/weirgo/weir/scripts/internal/checkout"
	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/lesson"
	"github.com/weirgo/weir/scripts/models/train/modelfile"
	"github.com/weirgo/weir/scripts/models/train/network"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

// corpusDir returns the folder of the demo model's texts; WEIR_CORPUS names
// another.
func corpusDir(t *testing.T) string {
	dir := os.Getenv("WEIR_CORPUS")
	if dir == "" {
		root, err := checkout.Root()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(root, "scripts", "models", "corpus")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("not supported: there is no corpus at %s", dir)
	}
	return dir
}

// The whole corpus is in the form, fits into the context, and is cut by the
// engine into the tokens that are trained on.
func TestCorpus(t *testing.T) {
	set, err := corpus.Load(corpusDir(t))
	if err != nil {
		t.Fatal(err)
	}
	recipe := demo()
	e, err := lesson.Learn(set.Train, recipe.Vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(network.Shape{
		Vocabulary: e.Vocabulary.Len(), Embedding: 32, Layers: 1, Heads: 1, HeadsKV: 1, FeedForward: 32, Context: recipe.Shape.Context,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	about := modelfile.About{Name: "corpus", Tokenizer: e.Vocabulary.Metadata(lesson.Template)}
	if err := modelfile.Write(path, n, about, gguf.F32); err != nil {
		t.Fatal(err)
	}
	model, err := llamatest.Open(t).Load(t.Context(), path, engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	template, err := chat.New(model.Info().ChatTemplate, "", "")
	if err != nil {
		t.Fatal(err)
	}
	most, all := 0, corpus.Questions(slices.Concat(set.Train, set.HeldOut))
	for _, c := range all {
		tokens, _, err := e.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		if most = max(most, len(tokens)); len(tokens) > recipe.Shape.Context {
			t.Errorf("%s has %d tokens", c.ID, len(tokens))
		}
		rendered, err := lesson.Render(template, c, len(c.Messages))
		if err != nil {
			t.Fatal(err)
		}
		var spans []engine.Span
		for _, p := range rendered {
			spans = append(spans, engine.Span{Text: p.Text, Control: p.Trusted})
		}
		ids, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, spans...)
		if err != nil {
			t.Fatal(err)
		}
		if topic, ok := e.Topic(c); ok { // the model's own word, of no text
			at := slices.Index(tokens, topic)
			tokens = slices.Delete(tokens, at, at+1)
		}
		for i, token := range tokens {
			if i >= len(ids) || int32(ids[i]) != token {
				t.Fatalf("%s: token %d of %v is another in the engine: %v", c.ID, i, tokens, ids)
			}
		}
	}
	t.Logf("%d conversations of up to %d tokens", len(all), most)
}
