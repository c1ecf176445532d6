package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/answers"
	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/modelfile"
	"github.com/weirgo/weir/scripts/models/train/network"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

const lessons = `
[id: sky]
Q: What colour is the sky?
A: Blue.

[id: grass]
Q: And what is the grass?
A: Green, as ever.

[tool: warm]
T: {"name":"warm"}
U: Is it warm in bern?
C: {"name":"warm","arguments":{"in":"bern"}}
`

// toy returns a training of a model that is small enough for a test.
func toy(t *testing.T, steps int) *run {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": lessons, "heldout-a.txt": "[id: sky]\nQ: what colour is the sky\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recipe := demo()
	recipe.Steps, recipe.Batch, recipe.Vocabulary, recipe.Warmup, recipe.Rate, recipe.Short = steps, 6, 390, 5, 1e-2, 0.3
	recipe.RateTable, recipe.Choosing, recipe.Noise = 1, 0.1, 0.02
	recipe.Shape = network.Shape{Embedding: 32, Layers: 2, Heads: 2, HeadsKV: 1, FeedForward: 64, Context: 160}
	return &run{recipe: recipe, corpusDir: dir, dir: t.TempDir(), threads: 2, out: &bytes.Buffer{}}
}

func (r *run) bytes(t *testing.T) (whole, demo []byte) {
	t.Helper()
	var files [2][]byte
	for i, name := range []string{wholeName, demoName} {
		var err error
		if files[i], err = os.ReadFile(filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return files[0], files[1]
}

// The same recipe gives the same bytes for another number of threads, and gone
// on with after a stop.
func TestSameRecipeSameBytes(t *testing.T) {
	a, b := toy(t, 6), toy(t, 6)
	a.threads = 1
	if err := a.do(t.Context()); err != nil {
		t.Fatal(err)
	}
	// b stops at its second step and goes on.
	ctx, cancel := context.WithCancel(t.Context())
	b.out = &stopper{after: 2, stop: cancel}
	b.terminal = true
	if err := b.do(ctx); err == nil || !strings.Contains(err.Error(), "goes on from there") {
		t.Fatalf("stopped: %v", err)
	}
	out := &bytes.Buffer{}
	b.out, b.terminal = out, false
	if err := b.do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "goes on after step") {
		t.Errorf("it begins anew:\n%s", out)
	}
	wholeA, demoA := a.bytes(t)
	wholeB, demoB := b.bytes(t)
	if !bytes.Equal(wholeA, wholeB) || !bytes.Equal(demoA, demoB) {
		t.Error("other bytes")
	}
	file, err := gguf.Open(filepath.Join(a.dir, demoName))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"general.name": "weir-demo", "weir.corpus": ""} {
		if text := file.Metadata.Text(key); text == "" || want != "" && text != want {
			t.Errorf("%s is %q", key, text)
		}
	}
	if text := file.Metadata.Text(modelfile.RecipeKey); !strings.Contains(text, `"Steps":6`) {
		t.Errorf("the recipe is %s", text)
	}
}

// stopper stops a training after some writes.
type stopper struct {
	after int
	stop  func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.after--; s.after == 0 {
		s.stop()
	}
	return len(p), nil
}

func TestCheckpoints(t *testing.T) {
	r := toy(t, 4)
	set, err := corpus.Load(r.corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	trained, err := newTrainer(r.recipe, set, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := trained.advance(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, checkpointName)
	if err := trained.save(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(content)
	flipped[len(flipped)/2]++
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"sound":   {content, ""},
		"cut":     {content[:len(content)-1], "is not whole"},
		"flipped": {flipped, "is damaged"},
		"empty":   {nil, "is no checkpoint"},
		"other":   {append([]byte("{}"), content...), errOtherRecipe.Error()},
	} {
		if err := os.WriteFile(path, test.content, 0o644); err != nil {
			t.Fatal(err)
		}
		fresh, err := newTrainer(r.recipe, set, 1)
		if err != nil {
			t.Fatal(err)
		}
		err = fresh.resume(path)
		if test.want == "" && (err != nil || fresh.step != 1) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || fresh.step != 0) {
			t.Errorf("%s: step %d, %v", name, fresh.step, err)
		}
	}
}

// A toy learns its lessons, the engine says what the trainer says, and the
// quantised file what the whole one says.
func TestLearns(t *testing.T) {
	llamatest.Library(t)
	if testing.Short() {
		t.Skip("short")
	}
	r, out := toy(t, 200), &bytes.Buffer{}
	r.recipe.Shape.Layers, r.recipe.Batch = 1, 4
	r.out, r.withEngine = out, true
	if err := r.do(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log(out)
	set, err := corpus.Load(r.corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	questions := append(corpus.Questions(set.Train), corpus.Questions(set.HeldOut)...)
	var results [2][]answers.Answer
	for i, name := range []string{wholeName, demoName} {
		asker, err := answers.Open(t.Context(), filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if results[i], err = asker.AskAll(t.Context(), questions); err != nil {
			t.Error(err)
		}
		if err := asker.Close(); err != nil {
			t.Error(err)
		}
	}
	if share := answers.ShareExact(results[0]); share < 1 {
		printWrong(out, results[0])
		t.Errorf("%.2f of the answers are exact:\n%s", share, out)
	}
	if share := answers.Agree(results[0], results[1]); share < 0.98 {
		t.Errorf("the quantised file says the same in %.2f", share)
	}
	if !strings.Contains(out.String(), "both answer alike: ") {
		t.Errorf("printed:\n%s", out)
	}

	// The command's evaluator says so too.
	questionFile := filepath.Join(r.corpusDir, "heldout-a.txt")
	o, err := parse([]string{"-eval", questionFile, "-model", filepath.Join(r.dir, demoName), "-corpus", r.corpusDir, "-show"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	o.out = out
	if err := o.evaluate(t.Context()); err != nil || !strings.Contains(out.String(), "100.0 % of 1 answers exact") {
		t.Errorf("evaluated: %v\n%s", err, out)
	}
}

// What a recipe becomes is told apart by its version.
func TestRecipeVersion(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("not supported: package math rounds otherwise on " + runtime.GOARCH)
	}
	const version, want = 1, "f27651c7df881b33"
	r := toy(t, 2)
	set, err := corpus.Load(r.corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	trained, err := newTrainer(r.recipe, set, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range r.recipe.Steps {
		if err := trained.advance(); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.New()
	if err := binary.Write(sum, binary.LittleEndian, trained.network.Weights); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%.8x", sum.Sum(nil)); got != want || version != recipeVersion {
		t.Errorf("recipes of version %d make weights with the digest %s; the test knows version %d, %s: raise recipeVersion where they changed",
			recipeVersion, got, version, want)
	}
}

func TestFlags(t *testing.T) {
	if o, err := parse(nil, io.Discard); err != nil || o.recipe.Steps != demo().Steps || o.threads < 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, test := range [][]string{
		{"more"}, {"-steps", "0"}, {"-steps", "x"}, {"-batch", "-1"}, {"-threads", "0"}, {"-against", "x"}, {"-show"}, {"-nothing"},
	} {
		if _, err := parse(test, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", test, err)
		}
	}
	if _, err := parse([]string{"-help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help: %v", err)
	}
}

func TestItemsThatDoNotFit(t *testing.T) {
	r := toy(t, 2)
	r.recipe.Shape.Context = 40
	if err := r.do(t.Context()); err == nil || !strings.Contains(err.Error(), `"warm" has `) {
		t.Errorf("a long item: %v", err)
	}
	r.corpusDir = t.TempDir()
	if err := r.do(t.Context()); err == nil {
		t.Error("an empty corpus")
	}
}

func TestRate(t *testing.T) {
	r := demo()
	if first, top, last := r.rate(0), r.rate(r.Warmup), r.rate(r.Steps-1); first >= top/10 || top != r.Rate || last > top/20 {
		t.Errorf("the rate goes from %v over %v to %v", first, top, last)
	}
	if early, late := r.rate(r.choosing()), r.rate(r.choosing()+r.Steps/10); early != r.Rate || late >= early {
		t.Errorf("after the plateau the rate goes from %v to %v", early, late)
	}
}

// On the plateau nothing but beginnings of answers is learnt.
func TestChoosing(t *testing.T) {
	r := toy(t, 100)
	set, err := corpus.Load(r.corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := newTrainer(r.recipe, set, 1)
	if err != nil {
		t.Fatal(err)
	}
	plateau := r.recipe.choosing() * r.recipe.Batch
	whole := 0
	for n := range 10 * plateau {
		_, targets, err := trainer.conversation(uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		learnt := 0
		for _, target := range targets {
			if target >= 0 {
				learnt++
			}
		}
		switch {
		case learnt == r.recipe.Beginning:
		case n < plateau:
			t.Fatalf("conversation %d has %d tokens to learn", n, learnt)
		default:
			whole++
		}
	}
	if whole == 0 {
		t.Error("no answer is ever learnt whole")
	}
}
