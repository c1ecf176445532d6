package batch

import (
	"testing"

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
	if tokens, ended := ready(waiting, 8); !ended || len(tokens) != 0 {
		t.Errorf("cancelled while waiting: %d tokens, ended %v", len(tokens), ended)
	}
	if f := waiting.Finish(); f.Reason != ask.FinishAborted || f.Err != nil || f.Queue <= 0 || f.Prefill != 0 {
		t.Errorf("finish %+v", f)
	}
	extra := submit(t, loop, plain(4, 5, 0)) // its place in the queue is free
	extra.Cancel()
	running.Cancel()
	loop.step()
	if tokens, ended := ready(running, 8); !ended || len(tokens) != 2 {
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

func TestMisusePanics(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	g := submit(t, loop, plain(1, 5, 4))
	for name, call := range map[string]func(){
		"Finish before the end":  func() { g.Finish() },
		"Poll without any space": func() { g.Poll(nil) },
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
