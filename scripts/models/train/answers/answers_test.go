package answers

import (
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// A model that has learnt nothing answers something, in its own template, and
// the same again.
func TestAsk(t *testing.T) {
	llamatest.Library(t)
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := seeded.Write(path, seeded.Tiny, seeded.DefaultSeed); err != nil {
		t.Fatal(err)
	}
	asker, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	asker.limit = 60 // tokens: it seldom ends by itself
	question := corpus.Conversation{ID: "hello", Messages: []ask.Message{
		{Role: "user", Content: "Hello!"}, {Role: "assistant", Content: "Good day."},
	}}
	all, err := asker.AskAll(t.Context(), []corpus.Conversation{question, question})
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Want != "Good day." || all[0].Got == "" || all[0].Got != all[1].Got {
		t.Errorf("%+v", all)
	}
	if all[0].Exact() || ShareExact(all) != 0 {
		t.Errorf("%q is exact", all[0].Got)
	}
	asker.limit = 8
	if _, err := asker.Ask(t.Context(), question); err == nil {
		t.Error("a question longer than the context is asked")
	}
}

func TestNoModel(t *testing.T) {
	llamatest.Library(t)
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none.gguf")); err == nil {
		t.Error("no file is opened")
	}
}

func TestShares(t *testing.T) {
	a := []Answer{{Got: "a", Want: "a"}, {Got: "b", Want: "c"}, {Got: "d", Want: "d"}, {Got: "e", Want: "e"}}
	b := []Answer{{Got: "a"}, {Got: "b"}, {Got: "x"}, {Got: "y"}}
	if ShareExact(a) != 0.75 || Agree(a, b) != 0.5 || ShareExact(nil) != 0 {
		t.Errorf("%v %v", ShareExact(a), Agree(a, b))
	}
}
