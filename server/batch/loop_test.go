package batch

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

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
	if contexts, samplers := model.Open(); contexts != 0 || samplers != 0 {
		t.Errorf("%d contexts and %d samplers left open", contexts, samplers)
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
func collect(t *testing.T, g *Generation) ([]engine.Token, Finish) {
	t.Helper()
	var tokens []engine.Token
	var dst [7]Result
	for {
		n, err := g.Next(t.Context(), dst[:])
		for _, r := range dst[:n] {
			tokens = append(tokens, r.Token)
		}
		if err == io.EOF {
			return tokens, g.Finish()
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
	}
}

func submit(t *testing.T, l *Loop, r Request) *Generation {
	t.Helper()
	g, err := l.Submit(t.Context(), r)
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
	var requests []Request
	for i := range 40 {
		r := Request{
			Prompt:      prompt(i, 1+i*5),
			MaxTokens:   i % 7 * 20,
			Sampler:     engine.SamplerConfig{Temperature: float32(i % 3), Seed: uint32(i)},
			TopLogprobs: i%4 - 1,
		}
		requests = append(requests, r)
		generations = append(generations, submit(t, loop, r))
	}
	for i, g := range generations {
		got, finish := collect(t, g)
		checkOutput(t, model, loop.Limits(), requests[i], got, finish)
	}
}

// checkOutput compares a finished generation with the sequence alone.
func checkOutput(t *testing.T, m *enginetest.Model, limits engine.Limits, r Request, got []engine.Token, f Finish) {
	t.Helper()
	limit := limits.SequenceTokens - len(r.Prompt)
	if r.MaxTokens > 0 {
		limit = min(limit, r.MaxTokens)
	}
	want, ended := enginetest.Reference(m, r.Prompt, r.Sampler, limit)
	reason := FinishLength
	if ended {
		reason = FinishStop
	}
	if !slices.Equal(got, want) {
		t.Errorf("prompt of %d: generated %d tokens %v, alone %d tokens %v", len(r.Prompt), len(got), got, len(want), want)
	}
	if f.Reason != reason || f.Err != nil || f.PromptTokens != len(r.Prompt) || f.CompletionTokens != len(want) {
		t.Errorf("prompt of %d: finish %+v, want %v after %d", len(r.Prompt), f, reason, len(want))
	}
}

func TestSubmitErrors(t *testing.T) {
	gate := make(chan struct{})
	loop, _ := open(t, enginetest.Options{Gate: gate}, engine.ContextConfig{ContextTokens: 32}, Config{MaxSequences: 1, QueueLimit: 2})
	for name, c := range map[string]struct {
		request Request
		want    error
	}{
		"empty":    {Request{}, ErrEmptyPrompt},
		"too long": {Request{Prompt: prompt(0, 32)}, &PromptTooLongError{32, 32}},
		"token":    {Request{Prompt: []engine.Token{enginetest.VocabSize}}, nil},
		"negative": {Request{Prompt: []engine.Token{-1}}, nil},
		"max":      {Request{Prompt: prompt(0, 1), MaxTokens: -1}, nil},
		"top":      {Request{Prompt: prompt(0, 1), TopLogprobs: enginetest.VocabSize + 1}, nil},
		"top low":  {Request{Prompt: prompt(0, 1), TopLogprobs: -2}, nil},
	} {
		g, err := loop.Submit(t.Context(), c.request)
		if g != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, g, err)
		}
		var long, wantLong *PromptTooLongError
		if errors.As(c.want, &wantLong) {
			if !errors.As(err, &long) || *long != *wantLong {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		} else if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loop.Submit(done, Request{Prompt: prompt(0, 1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: %v", err)
	}
	for range 3 { // one sequence and two that wait
		submit(t, loop, Request{Prompt: prompt(0, 3), TopLogprobs: -1})
	}
	if _, err := loop.Submit(t.Context(), Request{Prompt: prompt(0, 3)}); !errors.Is(err, ErrQueueFull) {
		t.Errorf("full queue: %v", err)
	}
	if s := loop.Stats(); s.Refused != 1 {
		t.Errorf("refused %d", s.Refused)
	}
	loop.Close()
	if _, err := loop.Submit(t.Context(), Request{Prompt: prompt(0, 3)}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestContextFull(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 2, RingTokens: 16})
	r := Request{Prompt: prompt(1, 10), TopLogprobs: -1}
	got, finish := collect(t, submit(t, loop, r))
	checkOutput(t, model, loop.Limits(), r, got, finish)
	if len(got) != 64-10 || finish.Reason != FinishLength {
		t.Errorf("%d tokens, %v", len(got), finish.Reason)
	}
}

func TestCloseEndsGenerations(t *testing.T) {
	loop, _ := open(t, enginetest.Options{Delay: func(*engine.Batch) time.Duration { return time.Hour }},
		engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 2})
	var generations []*Generation
	for i := range 5 {
		generations = append(generations, submit(t, loop, Request{Prompt: prompt(i, 5), TopLogprobs: -1}))
	}
	if err := loop.Close(); err != nil {
		t.Fatal(err)
	}
	for _, g := range generations {
		if tokens, f := collect(t, g); len(tokens) != 0 || f.Reason != FinishAborted || !errors.Is(f.Err, ErrClosed) {
			t.Errorf("%d tokens, %+v", len(tokens), f)
		}
	}
}
