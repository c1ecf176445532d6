package batch

import (
	"log/slog"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// The places of the batch are seen while a decode runs.
func TestSequencesAreSeen(t *testing.T) {
	gate := make(chan struct{})
	model := enginetest.New(enginetest.Options{Gate: gate})
	l, err := New(model, engine.ContextConfig{MaxSequences: 3, ContextTokens: 96}, Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: []ask.Token{1, 2, 3}}, MaxTokens: 5, TopLogprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	gate <- struct{}{} // a decode takes it: the first is under way, and ends
	gate <- struct{}{} // the second is
	states := l.Sequences()
	if len(states) != 3 {
		t.Fatalf("%+v", states)
	}
	first := states[0]
	if !first.Busy || first.PromptTokens != 3 || first.Generated < 1 || first.Generated+first.Remaining != 5 || first.Cached < 3 || states[1].Busy || states[2].Busy {
		t.Errorf("%+v", states)
	}
	g.Cancel()
	close(gate)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if states := l.Sequences(); states[0].Busy {
		t.Errorf("%+v", states)
	}
	if err := model.Close(); err != nil {
		t.Error(err)
	}
}

// Who looks is in the engine's group while the engine may wait for him.
func TestSequencesAreSeenInTheGroup(t *testing.T) {
	group, err := ggroup.Open("engine")
	if err != nil {
		t.Fatal(err)
	}
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 96}, Config{MaxSequences: 3, Group: group})
	seen := make(chan []SequenceState)
	go func() { seen <- loop.Sequences() }()
	for group.Stats().Goroutines == 0 {
		ggroup.Yield()
	}
	loop.own.Unlock() // the loop has it, and decodes
	if states := <-seen; len(states) != 3 {
		t.Errorf("%+v", states)
	}
	if err := group.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if states := loop.Sequences(); len(states) != 3 { // without the group
		t.Errorf("%+v", states)
	}
	loop.own.Lock()
}
