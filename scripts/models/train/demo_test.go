package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/scripts/internal/checkout"
	"github.com/weirgo/weir/scripts/models/train/answers"
	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// The model that the repository has answers as its texts do, in frames and free
// wordings that it never saw, calls tools, writes JSON, and knows what it does not
// know.
func TestDemoModel(t *testing.T) {
	llamatest.Library(t)
	set, err := corpus.Load(corpusDir(t))
	if err != nil {
		t.Fatal(err)
	}
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "scripts", "models", "testdata", demoName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("not supported: the model is not here; `make train` makes it")
	}
	asker, err := answers.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := asker.Close(); err != nil {
			t.Error(err)
		}
	})
	writer, err := corpus.NewWriter(set, demo().Seed)
	if err != nil {
		t.Fatal(err)
	}
	only := func(all []corpus.Conversation, wanted func(corpus.Conversation) bool) (chosen []corpus.Conversation) {
		for _, c := range all {
			if wanted(c) {
				chosen = append(chosen, c)
			}
		}
		return chosen
	}
	of := func(kind corpus.Kind) func(corpus.Conversation) bool {
		return func(c corpus.Conversation) bool { return c.Kind == kind }
	}
	offTopic := func(c corpus.Conversation) bool { return c.ID == "offtopic" }
	frames, free := writer.HeldOut(), only(writer.Free(), of(corpus.Answer))
	for _, group := range []struct {
		name      string
		questions []corpus.Conversation
		least     float64 // share of exact answers
	}{
		{"in new frames", only(frames, of(corpus.Answer)), 0.97},
		{"calls", only(frames, of(corpus.Call)), 0.95},
		{"JSON objects", only(frames, of(corpus.Object)), 0.95},
		{"in free words", only(free, func(c corpus.Conversation) bool { return !offTopic(c) }), 0.75},
		{"about other things", only(free, offTopic), 0.9},
	} {
		all, err := asker.AskAll(t.Context(), group.questions)
		if err != nil {
			t.Fatal(err)
		}
		share := answers.ShareExact(all)
		t.Logf("%s: %.1f %% of %d", group.name, 100*share, len(all))
		if share < group.least {
			t.Errorf("%s: %.1f %% of the answers are exact, of at least %.0f", group.name, 100*share, 100*group.least)
		}
	}
}
