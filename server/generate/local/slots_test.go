package local

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/generate"
)

// openSlotted serves a model whose slots are saved in a directory of the test's.
func openSlotted(t *testing.T, model engine.Model) (g *Generator, dir string) {
	t.Helper()
	dir = t.TempDir()
	g, err := New(model, Config{
		ID: "tiny", Context: engine.ContextConfig{MaxSequences: 2, ContextTokens: 2 * 256}, SlotDir: dir,
		Batching: Batching{Log: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, dir
}

// kept asks for what follows a text in a slot, counted from 1.
func kept(slot int, text string) *ask.Request {
	return &ask.Request{Prompt: ask.Prompt{Text: text}, MaxTokens: 12, TopLogprobs: -1, IgnoreEOS: true, Keep: true, Slot: slot}
}

// What was saved goes on elsewhere as it would have gone on here, and is saved
// again with the same bytes; over the fake engine and the library.
func TestSlotsGoOn(t *testing.T) {
	for name, model := range map[string]func() engine.Model{
		"fake":    func() engine.Model { return enginetest.New(enginetest.Options{Printable: true}) },
		"library": func() engine.Model { return llamatest.Load(t) },
	} {
		t.Run(name, func(t *testing.T) {
			g, dir := openSlotted(t, model())
			const text = "The river runs under an old stone bridge"
			_, _, end := answer(t, g, kept(1, text))
			if end.CachedTokens != 0 || end.Slot != 1 {
				t.Errorf("%+v", end)
			}
			saved, err := g.SaveSlot(t.Context(), 0, "river.bin")
			want := generate.SlotFile{Tokens: end.PromptTokens + end.CompletionTokens - 1, Bytes: saved.Bytes}
			if info, statErr := os.Stat(filepath.Join(dir, "river.bin")); err != nil || statErr != nil || saved != want || info.Size() != saved.Bytes {
				t.Fatalf("%+v, want %+v: %v, %v", saved, want, err, statErr)
			}
			if read, err := g.RestoreSlot(t.Context(), 1, "river.bin"); err != nil || read != saved {
				t.Fatalf("%+v, %v", read, err)
			}
			if again, err := g.SaveSlot(t.Context(), 1, "again.bin"); err != nil || again != saved {
				t.Fatalf("%+v, %v", again, err)
			}
			one, err := os.ReadFile(filepath.Join(dir, "river.bin"))
			two, err2 := os.ReadFile(filepath.Join(dir, "again.bin"))
			if err != nil || err2 != nil || !slices.Equal(one, two) {
				t.Errorf("another file was written again: %v, %v", err, err2)
			}
			here, _, _ := answer(t, g, kept(1, text))
			there, _, end := answer(t, g, kept(2, text))
			if strings.Join(there, "") != strings.Join(here, "") || end.CachedTokens != end.PromptTokens-1 || end.Slot != 2 {
				t.Errorf("%q, want %q; %+v", there, here, end)
			}
			if n, err := g.EraseSlot(t.Context(), 1); err != nil || n != saved.Tokens {
				t.Errorf("%d erased, %v", n, err)
			}
		})
	}
}

// A stop string, which ends the text before the engine has ended, ends it with the
// same figures.
func TestStoppedAnswersAreKept(t *testing.T) {
	g, _ := openSlotted(t, enginetest.New(enginetest.Options{Next: func(tokens []ask.Token) ask.Token { return ask.Token("abc"[len(tokens)%3]) }}))
	for i, cached := range []int{0, 3} {
		r := kept(1, "hey")
		r.Stop = []string{"bc"}
		if _, _, end := answer(t, g, r); end.StopString != "bc" || end.Slot != 1 || end.CachedTokens != cached {
			t.Errorf("%d: %+v", i, end)
		}
	}
}

func TestSlotFaults(t *testing.T) {
	g, dir := openSlotted(t, enginetest.New(enginetest.Options{}))
	answer(t, g, kept(1, "hello"))
	if _, err := g.SaveSlot(t.Context(), 0, "a"); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)-40] ^= 1
	for name, content := range map[string][]byte{"damaged": file, "cut": file[:50], "other": []byte(strings.Repeat("x", 200))} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		kind ask.Kind
		text string
		do   func() error
	}{
		{"name", ask.InvalidValue, "plain name", func() error { _, err := g.SaveSlot(t.Context(), 0, "../a"); return err }},
		{"name", ask.InvalidValue, "begins or ends with a dot", func() error { _, err := g.RestoreSlot(t.Context(), 0, "../a"); return err }},
		{"none", ask.InvalidValue, "there is no file", func() error { _, err := g.RestoreSlot(t.Context(), 0, "none"); return err }},
		{"damaged", ask.InvalidValue, "damaged", func() error { _, err := g.RestoreSlot(t.Context(), 0, "damaged"); return err }},
		{"cut", ask.InvalidValue, "no slot's", func() error { _, err := g.RestoreSlot(t.Context(), 0, "cut"); return err }},
		{"other", ask.InvalidValue, "no slot's", func() error { _, err := g.RestoreSlot(t.Context(), 0, "other"); return err }},
		{"slot", ask.InvalidValue, "no slot 2", func() error { _, err := g.RestoreSlot(t.Context(), 2, "a"); return err }},
		{"slot", ask.InvalidValue, "no slot -1", func() error { _, err := g.SaveSlot(t.Context(), -1, "a"); return err }},
		{"request", ask.InvalidValue, "no slot 2", func() error { _, err := g.Submit(t.Context(), kept(3, "x")); return err }},
	} {
		f, ok := errors.AsType[*ask.Fault](test.do())
		if !ok || f.Kind != test.kind || !strings.Contains(f.Error(), test.text) {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
	if _, _, end := answer(t, g, kept(1, "hello")); end.CachedTokens != end.PromptTokens-1 {
		t.Errorf("what was there is lost: %+v", end)
	}
	bare := open(t, enginetest.Options{})
	for _, do := range []func() error{
		func() error { _, err := bare.SaveSlot(t.Context(), 0, "a"); return err },
		func() error { _, err := bare.RestoreSlot(t.Context(), 0, "a"); return err },
		func() error { _, err := bare.EraseSlot(t.Context(), 0); return err },
	} {
		if f, ok := errors.AsType[*ask.Fault](do()); !ok || f.Kind != ask.NotServed || f.Remedy != "Start it with --slot-save-path" {
			t.Errorf("%+v", f)
		}
	}
	if _, err := New(enginetest.New(enginetest.Options{}), Config{SlotDir: filepath.Join(dir, "nowhere")}); err == nil {
		t.Error("a directory that is not there")
	}
}
