package batch

import (
	"errors"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// A loop that has slept answers as before, with nothing left of what it had, on the
// threads that were asked for meanwhile.
func TestSleepAndWake(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 3 * 64}, Config{MaxSequences: 3})
	r := func() *ask.Request {
		return &ask.Request{Prompt: ask.Prompt{Tokens: prompt(1, 20)}, MaxTokens: 5, TopLogprobs: -1, Reuse: ask.ReuseAlways}
	}
	ask := func() (tokens []engine.Token, cached int) {
		g, err := loop.Submit(r())
		if err != nil {
			t.Fatal(err)
		}
		tokens, _ = collect(g)
		return tokens, g.Cached()
	}
	first, _ := ask()
	if again, cached := ask(); !slices.Equal(again, first) || cached == 0 {
		t.Fatalf("%v with %d cached, want %v", again, cached, first)
	}
	if _, err := loop.Embed(t.Context(), [][]engine.Token{prompt(2, 5)}); err != nil {
		t.Fatal(err)
	}
	if model.Open() != 2 {
		t.Fatalf("%d contexts", model.Open())
	}
	for range 3 {
		sleepSoon(t, loop)
		if model.Open() != 0 || model.CachedTokens() != 0 {
			t.Fatalf("%d contexts with %d tokens while it sleeps", model.Open(), model.CachedTokens())
		}
		if s := loop.Stats(); s.KVTokens != 0 || s.CompletionTokens == 0 {
			t.Errorf("%+v", s)
		}
		if !loop.SetThreads(engine.Threads{Threads: 3, BatchThreads: 2}) {
			t.Fatal("the engine takes no threads")
		}
		for range 2 { // once is enough
			if err := loop.Wake(); err != nil {
				t.Fatal(err)
			}
		}
		if got := loop.Threads(); got.Threads != 3 || got.BatchThreads != 2 || model.Open() != 1 {
			t.Errorf("%+v in %d contexts", got, model.Open())
		}
		if again, cached := ask(); !slices.Equal(again, first) || cached != 0 {
			t.Errorf("%v with %d cached, want %v", again, cached, first)
		}
		if _, err := loop.Embed(t.Context(), [][]engine.Token{prompt(2, 5)}); err != nil {
			t.Fatal(err)
		}
	}
	sleepSoon(t, loop) // and is closed so
}

// sleepSoon has a loop sleep, whose last generation may not be swept up yet.
func sleepSoon(t *testing.T, loop *Loop) {
	t.Helper()
	for {
		switch err := loop.Sleep(); {
		case err == nil:
			if err := loop.Sleep(); err != nil { // it does already
				t.Fatal(err)
			}
			return
		case !errors.Is(err, ErrBusy):
			t.Fatal(err)
		}
	}
}

// Nobody who has work is put to sleep over it.
func TestSleepIsRefusedToWhoWorks(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 512}, Config{MaxSequences: 2, RingTokens: 4})
	g, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt(1, 20)}, MaxTokens: 300, TopLogprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	// Its ring is full long before its end, and nobody reads it.
	if err := loop.Sleep(); !errors.Is(err, ErrBusy) || model.Open() != 1 {
		t.Errorf("%v, %d contexts", err, model.Open())
	}
	if _, idle := loop.Idle(); idle {
		t.Error("a loop with a generation says it is idle")
	}
	if tokens, f := collect(g); len(tokens) != 300 || f.Reason != ask.FinishLength {
		t.Errorf("%d tokens, %+v", len(tokens), f)
	}
	since, idle := loop.Idle()
	for !idle {
		since, idle = loop.Idle()
	}
	if since.IsZero() {
		t.Error("idle since never")
	}
}

// A context that cannot be made again may be later.
func TestWakeFailsAndSucceeds(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	sleepSoon(t, loop)
	if err := model.Unload(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := loop.Wake(); !errors.Is(err, engine.ErrClosed) {
			t.Fatalf("without a model: %v", err)
		}
	}
	if err := model.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := loop.Wake(); err != nil || model.Open() != 1 {
		t.Errorf("%v, %d contexts", err, model.Open())
	}
	loop.EndAll()
	if err := loop.Sleep(); err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("of a loop that is closed: %v", err)
	}
}
