package main

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/hftokenizer"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// folder returns where the vocabularies are, which `make test-vocab` says: it
// takes a minute, too long for every run of the tests.
func folder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WEIR_VOCAB")
	if dir == "" {
		t.Skip("WEIR_VOCAB names no folder with vocabularies: run `make test-vocab`")
	}
	return dir
}

// load converts a vocabulary and loads the model. control are the tokens that
// the file calls so: the library makes others of some.
func load(t *testing.T, dir, name string) (model engine.Model, control map[engine.Token]bool) {
	t.Helper()
	library := llamatest.Open(t)
	tokenizer, err := hftokenizer.Read(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := tokenizer.Metadata("")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".gguf")
	if err := seeded.WriteAround(path, name, metadata, seeded.DefaultSeed); err != nil {
		t.Fatal(err)
	}
	model, err = library.Load(t.Context(), path, engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	kinds, _ := metadata.Get("tokenizer.ggml.token_type")
	const kindControl = 3
	control = map[engine.Token]bool{}
	for i, kind := range kinds.([]int32) {
		control[engine.Token(i)] = kind == kindControl
	}
	return model, control
}

// answers are the reference's.
type answers struct {
	IDs     [][]engine.Token `json:"ids"`
	Special []engine.Token   `json:"special"` // the first text's, with begin and end
}

func askReference(t *testing.T, dir, name string, texts []text) answers {
	t.Helper()
	var question struct {
		Texts []string `json:"texts"`
	}
	for _, s := range texts {
		question.Texts = append(question.Texts, s.content)
	}
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "reference.js", filepath.Join(dir, referenceName, "main.js"), filepath.Join(dir, name))
	node.Stdin = bytes.NewReader(input)
	output, err := node.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("node: %v\n%s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var a answers
	if err := json.Unmarshal(output, &a); err != nil || len(a.IDs) != len(texts) {
		t.Fatalf("the reference answered %d of %d texts: %v", len(a.IDs), len(texts), err)
	}
	return a
}

// tokenize returns the library's tokens.
func tokenize(t *testing.T, model engine.Model, content string, addSpecial, parseSpecial bool) []engine.Token {
	t.Helper()
	ids, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: addSpecial}, engine.Span{Text: content, Control: parseSpecial})
	if err != nil {
		t.Fatalf("tokenize %q: %v", content, err)
	}
	return ids
}

// beginAndEnd is the text that is asked with the tokens that go around it.
var beginAndEnd = text{"begin and end", "Hi there"}

// asText marks the name of a text whose tokens differ only where control
// tokens in it are to be text.
const asText = " (as text)"

// TestTokenIDs holds the library's token ids against the reference's: equal,
// or listed in the table of differences.
func TestTokenIDs(t *testing.T) {
	dir, texts, known := folder(t), append([]text{beginAndEnd}, allTexts()...), readDifferences(t)
	contents := map[string]string{}
	for _, s := range texts {
		contents[s.name] = s.content
	}
	found := differences{}
	for _, name := range vocabularies() {
		t.Run(name, func(t *testing.T) {
			found[name] = map[string]string{}
			c := comparison{name: name, known: known[name], found: found}
			c.model, c.control = load(t, dir, name)
			want := askReference(t, dir, name, texts)
			c.check(t, beginAndEnd, want.Special, true, true)
			for i, s := range texts {
				c.check(t, s, want.IDs[i], false, true)
				// What the text says of control tokens, the reference always
				// reads; without any, reading them or not is the same.
				if !c.hasControl(want.IDs[i]) {
					c.check(t, text{s.name + asText, s.content}, want.IDs[i], false, false)
				}
			}
			t.Logf("%d texts, %d differences from the reference", len(texts), len(found[name]))
		})
	}
	if *rewrite {
		writeDifferences(t, known, found, contents)
		return
	}
	checkReasons(t, known, contents)
	checkVanished(t, known, found)
}

// comparison is one vocabulary's.
type comparison struct {
	name    string
	model   engine.Model
	control map[engine.Token]bool
	known   map[string]string
	found   differences
}

// check compares the tokens of one text. One that differs anyway is not told
// again as text.
func (c *comparison) check(t *testing.T, s text, want []engine.Token, addSpecial, parseSpecial bool) {
	t.Helper()
	got := tokenize(t, c.model, s.content, addSpecial, parseSpecial)
	if _, told := c.found[c.name][strings.TrimSuffix(s.name, asText)]; told || slices.Equal(got, want) {
		return
	}
	if instead, ok := c.instead(s.content); ok && slices.Equal(tokenize(t, c.model, instead, addSpecial, parseSpecial), want) {
		c.found.add(c.name, everyText)
		return
	}
	c.found.add(c.name, s.name)
	if _, listed := c.known[s.name]; !listed {
		t.Errorf("%s differs:\n%s", s.name, compare(c.model, s.content, got, want))
	}
}

// hasControl reports whether one of the tokens is a control token, by the file
// or by the library.
func (c *comparison) hasControl(ids []engine.Token) bool {
	return slices.ContainsFunc(ids, func(id engine.Token) bool {
		return c.control[id] || len(c.model.AppendPiece(nil, id, false)) == 0
	})
}

// compare shows the tokens around the first difference.
func compare(model engine.Model, content string, got, want []engine.Token) string {
	first := 0
	for first < min(len(got), len(want)) && got[first] == want[first] {
		first++
	}
	show := func(ids []engine.Token) string {
		var b strings.Builder
		for _, id := range ids[min(first, len(ids)):min(first+8, len(ids))] {
			fmt.Fprintf(&b, " %d %q", id, model.AppendPiece(nil, id, true))
		}
		return b.String()
	}
	if len(content) > 200 {
		content = content[:200]
	}
	return fmt.Sprintf("\ttext %q\n\tfrom token %d on: library%s\n\treference%s", content, first, show(got), show(want))
}
