package batch

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// onHeap is room for states.
func onHeap(bytes int) ([]byte, error) { return make([]byte, bytes), nil }

func kind(err error) ask.Kind {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f.Kind
	}
	return ask.Internal
}

func TestSlotsAreSavedAndRestored(t *testing.T) {
	ctx := t.Context()
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	if tokens, state, err := loop.SaveSlot(ctx, 0, nil); len(tokens) != 0 || len(state) != 0 || err != nil {
		t.Errorf("an empty slot: %v, %v, %v", tokens, state, err)
	}
	said, _ := collect(submit(t, loop, keeping(1, prompt(1, 20), 5)))
	tokens, state, err := loop.SaveSlot(ctx, 0, onHeap)
	if err != nil || !slices.Equal(tokens, slices.Concat(prompt(1, 20), said[:4])) || len(state) != 4*24 {
		t.Fatalf("%v, %d bytes, %v", tokens, len(state), err)
	}
	if err := loop.RestoreSlot(ctx, 1, tokens, state); err != nil {
		t.Fatal(err)
	}
	if n, err := loop.EraseSlot(ctx, 0); n != 24 || err != nil {
		t.Errorf("erased %d, %v", n, err)
	}
	if n, err := loop.EraseSlot(ctx, 0); n != 0 || err != nil {
		t.Errorf("erased %d, %v", n, err)
	}
	r := keeping(2, slices.Concat(prompt(1, 20), said), 5)
	g := submit(t, loop, r)
	got, f := collect(g)
	if checkOutput(t, model, loop.Limits(), r, got, f); g.Cached() != 24 {
		t.Errorf("%d tokens were there", g.Cached())
	}
	if err := loop.RestoreSlot(ctx, 1, tokens, state[1:]); !errors.Is(err, engine.ErrState) {
		t.Errorf("no state: %v", err)
	}
	if n, err := loop.EraseSlot(ctx, 1); n != 0 || err != nil {
		t.Errorf("%d tokens after a state that is none, %v", n, err)
	}
	if err := loop.RestoreSlot(ctx, 1, nil, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestSlotErrors(t *testing.T) {
	ctx := t.Context()
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1})
	for _, slot := range []int{-1, 1} {
		if _, err := loop.EraseSlot(ctx, slot); kind(err) != ask.InvalidValue {
			t.Errorf("slot %d: %v", slot, err)
		}
		if _, _, err := loop.SaveSlot(ctx, slot, onHeap); kind(err) != ask.InvalidValue {
			t.Errorf("slot %d: %v", slot, err)
		}
	}
	collect(submit(t, loop, keeping(0, prompt(1, 20), 5)))
	full := errors.New("no room")
	if _, _, err := loop.SaveSlot(ctx, 0, func(int) ([]byte, error) { return nil, full }); !errors.Is(err, full) {
		t.Error(err)
	}
	bare, _ := open(t, enginetest.Options{NoState: true}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1})
	if bare.StateIdentity() != "" || loop.StateIdentity() == "" {
		t.Error("identities of states")
	}
	if _, _, err := bare.SaveSlot(ctx, 0, onHeap); !errors.Is(err, ErrNoStates) {
		t.Error(err)
	}
	if err := bare.RestoreSlot(ctx, 0, nil, nil); !errors.Is(err, ErrNoStates) {
		t.Error(err)
	}
	if _, err := bare.EraseSlot(ctx, 0); err != nil {
		t.Error(err)
	}
}

// A slot at work is waited for, until nobody waits any more.
func TestSlotsAreWaitedFor(t *testing.T) {
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1, QueueLimit: 2})
	g := submit(t, loop, keeping(1, prompt(1, 20), 5))
	gate <- struct{}{} // the first decode ends
	gate <- struct{}{} // the second is under way: the generation is in its place
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := loop.EraseSlot(ctx, 0)
		gone <- err
	}()
	for loop.slots.count.Load() == 0 {
		runtime.Gosched()
	}
	var saved sync.WaitGroup
	saved.Go(func() {
		if tokens, _, err := loop.SaveSlot(t.Context(), 0, onHeap); len(tokens) != 24 || err != nil {
			t.Errorf("%d tokens, %v", len(tokens), err)
		}
	})
	cancel()
	if err := <-gone; kind(err) != ask.Cancelled {
		t.Errorf("given up: %v", err)
	}
	close(gate)
	if _, f := collect(g); g.Slot() != 0 {
		t.Errorf("%+v", f)
	}
	saved.Wait()
}

// The end of the loop ends what waits for slots.
func TestSlotsEndWithTheLoop(t *testing.T) {
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1, QueueLimit: 1})
	submit(t, loop, keeping(1, prompt(1, 20), 5))
	gate <- struct{}{}
	gate <- struct{}{}
	ended := make(chan error)
	go func() {
		_, err := loop.EraseSlot(t.Context(), 0)
		ended <- err
	}()
	for loop.slots.count.Load() == 0 {
		runtime.Gosched()
	}
	if _, err := loop.EraseSlot(t.Context(), 0); !errors.Is(err, ErrQueueFull) {
		t.Errorf("one too many: %v", err)
	}
	loop.EndAll()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := loop.EraseSlot(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}
