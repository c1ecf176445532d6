package batch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

func faultKind(err error) ask.Kind {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f.Kind
	}
	return ask.Kinds
}

// TestEmbedBesideGenerations: many clients at once get the vectors of their own
// inputs, whatever is in a batch with them, and streams their tokens.
func TestEmbedBesideGenerations(t *testing.T) {
	for _, pooling := range []engine.Pooling{engine.PoolingModel, engine.PoolingMean, engine.PoolingNone} {
		loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 4 * 256},
			Config{MaxSequences: 4, EmbeddingTokens: 100, EmbeddingSequences: 3, PrefillTokens: 20, Pooling: pooling})
		want := pooling
		if pooling == engine.PoolingModel {
			want = engine.PoolingLast // the fake has none of its own
		}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				r := plain(i, 10, 60)
				g, err := loop.Submit(r)
				if err != nil {
					t.Error(err)
					return
				}
				tokens, f := collect(g)
				checkOutput(t, model, loop.Limits(), r, tokens, f)
			})
			group.Go(func() {
				var inputs [][]engine.Token
				for n := range 1 + 3*i {
					inputs = append(inputs, prompt(100*i+n, 1+(17*n+i)%100))
				}
				vectors, err := loop.Embed(t.Context(), inputs)
				if err != nil || len(vectors) != len(inputs) {
					t.Errorf("%d vectors, %v", len(vectors), err)
					return
				}
				for n, v := range vectors {
					checkVectors(t, v, inputs[n], want)
				}
			})
		}
		group.Wait()
		if got, err := loop.Pooling(); got != want || err != nil {
			t.Errorf("pooling %d, %v", got, err)
		}
	}
}

func checkVectors(t *testing.T, got [][]float32, tokens []engine.Token, pooling engine.Pooling) {
	t.Helper()
	want := [][]float32{enginetest.Embedding(tokens, pooling)}
	if pooling == engine.PoolingNone {
		want = nil
		for n := range tokens {
			want = append(want, enginetest.Embedding(tokens[:n+1], pooling))
		}
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

// bare is a model that gives no vectors.
type bare struct{ engine.Model }

func TestEmbedRefusals(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256},
		Config{MaxSequences: 1, EmbeddingTokens: 50, EmbeddingSequences: 2, EmbeddingInputs: 3})
	for _, test := range []struct {
		inputs [][]engine.Token
		kind   ask.Kind
	}{
		{nil, ask.InvalidValue},
		{make([][]engine.Token, 4), ask.InvalidValue},
		{[][]engine.Token{{1}, {}}, ask.PromptEmpty},
		{[][]engine.Token{make([]engine.Token, 51)}, ask.ContextExceeded},
	} {
		if _, err := loop.Embed(t.Context(), test.inputs); faultKind(err) != test.kind {
			t.Errorf("%d inputs: %v", len(test.inputs), err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loop.Embed(gone, [][]engine.Token{{1}}); err != nil && faultKind(err) != ask.Cancelled {
		t.Errorf("%v", err)
	}
	before := loop.Stats().EmbeddedTokens
	v, err := loop.Embed(t.Context(), [][]engine.Token{make([]engine.Token, 50)})
	if err != nil || len(v) != 1 {
		t.Errorf("%v %v", v, err)
	}
	loop.EndAll()
	if _, err := loop.Embed(t.Context(), [][]engine.Token{{1}}); faultKind(err) != ask.ShuttingDown {
		t.Errorf("%v", err)
	}
	if err := loop.Close(); err != nil || loop.Stats().EmbeddedTokens < before+50 {
		t.Errorf("%+v, %v", loop.Stats(), err)
	}

	model := enginetest.New(enginetest.Options{})
	other, err := New(bare{model}, engine.ContextConfig{ContextTokens: 64}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Embed(t.Context(), [][]engine.Token{{1}}); faultKind(err) != ask.Unsupported {
		t.Errorf("%v", err)
	}
	if err := errors.Join(other.Close(), model.Close()); err != nil {
		t.Error(err)
	}
}

// TestEmbedFails: a decode that fails is its clients' alone, and the next one is
// good.
func TestEmbedFails(t *testing.T) {
	loop, _ := open(t, enginetest.Options{Fault: func(step int, _ *engine.Batch) error {
		if step == 1 {
			return errInjected
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1, Log: slog.New(slog.DiscardHandler)})
	for step := range 3 {
		inputs := [][]engine.Token{prompt(step, 20), prompt(step, 30)}
		vectors, err := loop.Embed(t.Context(), inputs)
		if failed := step == 1; failed != errors.Is(err, errInjected) || failed != (vectors == nil) {
			t.Fatalf("decode %d: %v", step, err)
		}
		for i, v := range vectors {
			checkVectors(t, v, inputs[i], engine.PoolingLast)
		}
	}
}

// TestEmbedEnds: whoever waits for vectors is told when the engine is stuck, and
// when the loop closes.
func TestEmbedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _, free := wedged(t, 0, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1, EmbeddingSequences: 1})
		results := make(chan error, 3)
		embed := func() {
			_, err := loop.Embed(t.Context(), [][]engine.Token{{1, 2}})
			results <- err
		}
		go embed()
		go embed()
		synctest.Sleep(2 * defaultStuckAfter)
		for range 2 {
			if err := <-results; faultKind(err) != ask.EngineStuck {
				t.Errorf("%v", err)
			}
		}
		if err := loop.Check(); err == nil {
			t.Error("the engine is not stuck")
		}
		free()
		synctest.Wait()
		if err := loop.Check(); err != nil {
			t.Errorf("%v", err)
		}
		go embed()
		if err := <-results; err != nil {
			t.Errorf("%v", err)
		}
	})
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1, EmbeddingSequences: 1})
	results := make(chan error)
	for range 3 {
		go func() {
			_, err := loop.Embed(t.Context(), [][]engine.Token{{1, 2}})
			results <- err
		}()
	}
	gate <- struct{}{} // one of them is done, the others wait
	if err := <-results; err != nil {
		t.Error(err)
	}
	loop.EndAll()
	for range 2 {
		if err := <-results; faultKind(err) != ask.ShuttingDown {
			t.Errorf("%v", err)
		}
	}
}

// Inputs whose time is over are computed no more: those that wait, and the rest of a
// call that has begun.
func TestEmbedDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := stepped(t, enginetest.Options{Delay: func(*engine.Batch) time.Duration { return 10 * time.Millisecond }},
			engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1, EmbeddingTokens: 50, EmbeddingSequences: 1})
		var group sync.WaitGroup
		var faults [3]ask.Kind
		for i, call := range []struct {
			has    time.Duration
			inputs int
		}{{15 * time.Millisecond, 4}, {5 * time.Millisecond, 1}, {time.Second, 1}} {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), call.has)
				defer cancel()
				inputs := make([][]engine.Token, call.inputs)
				for n := range inputs {
					inputs[n] = prompt(n, 40+i)
				}
				vectors, err := loop.Embed(ctx, inputs)
				if faults[i] = faultKind(err); (err == nil) != (len(vectors) == call.inputs) {
					t.Errorf("call %d: %d vectors, %v", i, len(vectors), err)
				}
			})
			synctest.Wait() // they come in order
		}
		decodes := 0
		for loop.embed() {
			decodes++
			synctest.Wait()
		}
		group.Wait()
		if want := [3]ask.Kind{ask.DeadlineExceeded, ask.DeadlineExceeded, ask.Kinds}; faults != want {
			t.Errorf("faults %v, want %v", faults, want)
		}
		// Two inputs of the first call within its 15 ms, none of the second, then the third.
		if s := loop.Stats(); decodes != 3 || s.EmbeddedTokens != 40+40+42 || s.Expired != 2 {
			t.Errorf("%d decodes, %d tokens, %d expired", decodes, s.EmbeddedTokens, s.Expired)
		}
	})
}
