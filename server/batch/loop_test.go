package batch

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// open starts a loop over a fake model and checks at the end of the test that
// nothing is left of either.
func open(t *testing.T, opts enginetest.Options, ec engine.ContextConfig, cfg Config) (*Loop, *enginetest.Model) {
	t.Helper()
	model := enginetest.New(opts)
	loop, err := New(model, ec, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
		checkEmpty(t, loop, model)
	})
	return loop, model
}

// checkEmpty checks that a closed loop left nothing behind.
func checkEmpty(t *testing.T, loop *Loop, model *enginetest.Model) {
	t.Helper()
	if n := model.CachedTokens(); n != 0 {
		t.Errorf("%d tokens left in the KV cache", n)
	}
	if contexts := model.Open(); contexts != 0 {
		t.Errorf("%d contexts left open", contexts)
	}
	if len(loop.free) != loop.config.MaxSequences {
		t.Errorf("%d of %d sequences are free", len(loop.free), loop.config.MaxSequences)
	}
	if s := loop.Stats(); s.Active != 0 || s.Waiting != 0 || s.KVTokens != 0 || s.Paused != 0 {
		t.Errorf("stats of a closed loop: %+v", s)
	}
	if err := model.Close(); err != nil {
		t.Error(err)
	}
}

// collect reads a generation to its end.
func collect(g *Generation) (tokens []engine.Token, f Finish) {
	var dst [7]Result
	for next := Follow(g); ; {
		n, err := next(dst[:])
		for _, r := range dst[:n] {
			tokens = append(tokens, r.Token)
		}
		if err != nil { // io.EOF
			return tokens, g.Finish()
		}
	}
}

func submit(t *testing.T, l *Loop, r *ask.Request) *Generation {
	t.Helper()
	g, err := l.Submit(r)
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return g
}

// prompt makes a prompt of n tokens that differs with seed.
func prompt(seed, n int) []engine.Token {
	p := make([]engine.Token, n)
	for i := range p {
		p[i] = engine.Token((seed*31 + i*7 + i*i) % 256)
	}
	return p
}

func TestBatchedEqualsAlone(t *testing.T) {
	loop, model := open(t, enginetest.Options{EndEvery: 60}, engine.ContextConfig{ContextTokens: 16 * 256, BatchTokens: 64},
		Config{MaxSequences: 16, PrefillTokens: 16})
	var generations []*Generation
	var requests []*ask.Request
	for i := range 40 {
		r := &ask.Request{
			Prompt:      ask.Prompt{Tokens: prompt(i, 1+i*5)},
			MaxTokens:   i % 7 * 20,
			Sampling:    ask.Sampling{Temperature: float32(i % 3), Seed: uint32(i)},
			TopLogprobs: i%4 - 1,
		}
		requests = append(requests, r)
		generations = append(generations, submit(t, loop, r))
	}
	for i, g := range generations {
		got, finish := collect(g)
		checkOutput(t, model, loop.Limits(), requests[i], got, finish)
	}
}

// checkOutput compares a finished generation with the sequence alone.
func checkOutput(t *testing.T, m *enginetest.Model, limits engine.Limits, r *ask.Request, got []engine.Token, f Finish) {
	t.Helper()
	limit := limits.SequenceTokens - len(r.Prompt.Tokens)
	if r.MaxTokens > 0 {
		limit = min(limit, r.MaxTokens)
	}
	want, ended := enginetest.Reference(m, r.Prompt.Tokens, r.Sampling, limit)
	reason := ask.FinishLength
	if ended {
		reason = ask.FinishStop
	}
	if !slices.Equal(got, want) {
		t.Errorf("prompt of %d: generated %d tokens %v, alone %d tokens %v", len(r.Prompt.Tokens), len(got), got, len(want), want)
	}
	if f.Reason != reason || f.Err != nil || f.PromptTokens != len(r.Prompt.Tokens) || f.CompletionTokens != len(want) {
		t.Errorf("prompt of %d: finish %+v, want %v after %d", len(r.Prompt.Tokens), f, reason, len(want))
	}
	checkSpent(t, &f)
}

func TestSubmitErrors(t *testing.T) {
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 32}, Config{MaxSequences: 1, QueueLimit: 2})
	if g, err := loop.Submit(new(ask.Request)); g != nil || !errors.Is(err, ErrEmptyPrompt) {
		t.Errorf("empty: got %v, %v", g, err)
	}
	g, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt(0, 32)}})
	if f, ok := errors.AsType[*ask.Fault](err); g != nil || !ok || f.Kind != ask.ContextExceeded || !strings.Contains(f.What, "32 tokens") {
		t.Errorf("too long: got %v, %v", g, err)
	}
	for range 3 { // one sequence and two that wait
		submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(0, 3)}, TopLogprobs: -1})
	}
	if _, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt(0, 3)}}); !errors.Is(err, ErrQueueFull) {
		t.Errorf("full queue: %v", err)
	}
	if s := loop.Stats(); s.Refused != 1 {
		t.Errorf("refused %d", s.Refused)
	}
	loop.Close()
	if _, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt(0, 3)}}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestContextFull(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 2, RingTokens: 16})
	r := &ask.Request{Prompt: ask.Prompt{Tokens: prompt(1, 10)}, TopLogprobs: -1}
	got, finish := collect(submit(t, loop, r))
	checkOutput(t, model, loop.Limits(), r, got, finish)
	if len(got) != 64-10 || finish.Reason != ask.FinishLength {
		t.Errorf("%d tokens, %v", len(got), finish.Reason)
	}
}

func TestCloseEndsGenerations(t *testing.T) {
	loop, _ := open(t, enginetest.Options{Delay: func(*engine.Batch) time.Duration { return time.Hour }},
		engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 2})
	var generations []*Generation
	for i := range 5 {
		generations = append(generations, submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(i, 5)}, TopLogprobs: -1}))
	}
	if err := loop.Close(); err != nil {
		t.Fatal(err)
	}
	for _, g := range generations {
		if tokens, f := collect(g); len(tokens) != 0 || f.Reason != ask.FinishAborted || !errors.Is(f.Err, ErrClosed) {
			t.Errorf("%d tokens, %+v", len(tokens), f)
		}
	}
}
