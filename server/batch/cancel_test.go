package batch

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

func TestCancelFreesAtTheNextStep(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1, QueueLimit: 2})
	running, waiting, last := submit(t, loop, plain(1, 5, 0)), submit(t, loop, plain(2, 5, 0)), submit(t, loop, plain(3, 5, 3))
	loop.step()
	waiting.Cancel()
	waiting.Cancel()
	loop.step()
	if tokens, ended := ready(t, waiting, 8); !ended || len(tokens) != 0 {
		t.Errorf("cancelled while waiting: %d tokens, ended %v", len(tokens), ended)
	}
	if f := waiting.Finish(); f.Reason != ask.FinishAborted || f.Err != nil || f.Queue <= 0 || f.Prefill != 0 {
		t.Errorf("finish %+v", f)
	}
	extra := submit(t, loop, plain(4, 5, 0)) // its place in the queue is free
	extra.Cancel()
	running.Cancel()
	loop.step()
	if tokens, ended := ready(t, running, 8); !ended || len(tokens) != 2 {
		t.Errorf("cancelled while running: %d tokens, ended %v", len(tokens), ended)
	}
	if n := model.CachedTokens(); n != 5 { // the last one's prompt
		t.Errorf("%d tokens cached after Cancel", n)
	}
	finishAll(t, loop, []*Generation{last})
	last.Cancel()
	if f := last.Finish(); f.Reason != ask.FinishLength || f.CompletionTokens != 3 {
		t.Errorf("Cancel after the end changed it: %+v", f)
	}
}

// TestContextOfSubmit checks that the context ends a generation, and its
// reader's wait at once, whatever context the reader passes.
func TestContextOfSubmit(t *testing.T) {
	cause := errors.New("client went away")
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	type key struct{}
	for name, derive := range map[string]func(context.Context) context.Context{
		"same":    func(ctx context.Context) context.Context { return ctx },
		"derived": func(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, 1) },
		"child": func(ctx context.Context) context.Context {
			child, cancel := context.WithCancel(ctx)
			t.Cleanup(cancel)
			return child
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		g, err := loop.Submit(ctx, plain(1, 5, 0))
		if err != nil {
			t.Fatal(err)
		}
		// Inside a decode, which does not end before the gate opens, and with
		// the reader parked.
		go func() {
			for loop.Stats().Decoding == 0 || !g.reader.Asleep() {
				runtime.Gosched()
			}
			cancel(cause)
		}()
		if _, err := g.Next(derive(ctx), make([]Result, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Next returned %v", name, err)
		}
		for !g.cancelled.Load() {
			runtime.Gosched()
		}
		gate <- struct{}{}
		collect(t, g)
		if f := g.Finish(); f.Reason != ask.FinishAborted || !errors.Is(f.Err, cause) {
			t.Errorf("%s: finish %+v", name, f)
		}
	}
}

// TestNextContext checks that a reader's own context ends its wait and leaves
// the generation alone.
func TestNextContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		loop, model := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
		r := plain(1, 5, 4)
		g := submit(t, loop, r)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // of the bubble's clock
			if n, err := g.Next(ctx, make([]Result, 1)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Next returned %d, %v", n, err)
			}
			cancel()
		}
		close(gate)
		tokens, finish := collect(t, g)
		checkOutput(t, model, loop.Limits(), r, tokens, finish)
	})
}

func TestMisusePanics(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	g := submit(t, loop, plain(1, 5, 4))
	for name, call := range map[string]func(){
		"Finish before the end":  func() { g.Finish() },
		"Next without any space": func() { g.Next(t.Context(), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]struct {
		ec  engine.ContextConfig
		cfg Config
	}{
		"negative":           {engine.ContextConfig{}, Config{QueueLimit: -1}},
		"too many":           {engine.ContextConfig{}, Config{MaxSequences: 257}},
		"more than engine":   {engine.ContextConfig{MaxSequences: 2}, Config{MaxSequences: 3}},
		"more than a batch":  {engine.ContextConfig{BatchTokens: 2}, Config{MaxSequences: 3}},
		"the engine refuses": {engine.ContextConfig{MaxSequences: 300}, Config{}},
	} {
		model := enginetest.New(enginetest.Options{})
		if _, err := New(model, c.ec, c.cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := model.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
