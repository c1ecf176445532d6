package batch_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// openLlama starts a loop over the real library and the tiny model.
func openLlama(t *testing.T, cfg batch.Config) (*batch.Loop, engine.Model) {
	return openLlamaOf(t, cfg, cfg.MaxSequences*256)
}

func openLlamaOf(t *testing.T, cfg batch.Config, context int) (*batch.Loop, engine.Model) {
	model := llamatest.Load(t)
	loop, err := batch.New(model, engine.ContextConfig{ContextTokens: context}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	return loop, model
}

// read reads a generation to its end.
func read(g *batch.Generation) (tokens []engine.Token, f batch.Finish) {
	results, f := readAll(g)
	for _, r := range results {
		tokens = append(tokens, r.Token)
	}
	return tokens, f
}

func readAll(g *batch.Generation) (results []batch.Result, f batch.Finish) {
	var dst [16]batch.Result
	for next := batch.Follow(g); ; {
		n, err := next(dst[:])
		for _, r := range dst[:n] {
			r.Top = slices.Clone(r.Top) // the next call writes there
			results = append(results, r)
		}
		if err != nil { // io.EOF
			return results, g.Finish()
		}
	}
}

func submit(t *testing.T, loop *batch.Loop, r *ask.Request) *batch.Generation {
	t.Helper()
	g, err := loop.Submit(r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestLlamaBatchedEqualsAlone checks that 16 different prompts decoded
// together, prefilled in pieces beside decoding sequences, give the tokens
// that each gives alone; greedy and drawn by seed. The library's arithmetic
// rounds differently for batches of different shapes, on some processors: where a
// draw falls between two tokens, the chances must be the same but for that.
func TestLlamaBatchedEqualsAlone(t *testing.T) {
	loop, model := openLlama(t, batch.Config{MaxSequences: 16, PrefillTokens: 24})
	var requests []*ask.Request
	for i := range 16 {
		text := strings.Repeat(fmt.Sprintf("prompt %d begins like this, ", i), 1+i%5)
		prompt, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, &ask.Request{
			Prompt:      ask.Prompt{Tokens: prompt},
			MaxTokens:   40,
			TopLogprobs: 5,
			IgnoreEOS:   i%2 == 0,
			Sampling:    ask.Sampling{Temperature: float32(i%4) / 3, TopK: 40, TopP: 0.95, Seed: uint32(i)},
		})
	}
	var alone [][]batch.Result
	for _, r := range requests {
		results, _ := readAll(submit(t, loop, r))
		alone = append(alone, results)
	}
	var generations []*batch.Generation
	for _, r := range requests {
		generations = append(generations, submit(t, loop, r))
	}
	parted := 0
	for i, g := range generations {
		together, f := readAll(g)
		for k := range min(len(together), len(alone[i])) {
			if !sameChances(together[k].Top, alone[i][k].Top) {
				t.Errorf("prompt %d, token %d: chances %+v together, %+v alone", i, k, together[k].Top, alone[i][k].Top)
				break
			}
			if together[k].Token != alone[i][k].Token {
				parted++ // from here on these are two texts
				break
			}
		}
		if f.Err != nil || f.Reason != ask.FinishLength && f.Reason != ask.FinishStop {
			t.Errorf("prompt %d: finish %+v", i, f)
		}
	}
	if parted > 4 {
		t.Errorf("%d of 16 prompts give other tokens together than alone", parted)
	}
	if s := loop.Stats(); s.Steps >= uint64(2*16*40) {
		t.Errorf("%d steps: nothing was decoded together", s.Steps)
	}
}

// sameChances reports whether the likeliest tokens have the same chances, but for
// what rounding keys and values to 16 bits makes of them. Which of two equal ones
// is listed first is no matter.
func sameChances(a, b []batch.TokenLogprob) bool {
	return slices.EqualFunc(a, b, func(x, y batch.TokenLogprob) bool {
		return math.Abs(float64(x.Logprob-y.Logprob)) < 0.02
	})
}

// TestLlamaLogprobs checks that the probabilities of the whole vocabulary sum
// to 1 and that greedy decoding takes the likeliest token.
func TestLlamaLogprobs(t *testing.T) {
	loop, model := openLlama(t, batch.Config{MaxSequences: 2})
	vocab := model.Info().VocabSize
	prompt, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "What is"})
	if err != nil {
		t.Fatal(err)
	}
	g := submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt}, MaxTokens: 8, TopLogprobs: vocab, IgnoreEOS: true})
	seen := 0
	next := batch.Follow(g)
	for dst := make([]batch.Result, 2); ; {
		n, err := next(dst)
		if err != nil {
			break
		}
		for _, r := range dst[:n] {
			var sum float64
			for _, v := range r.Top {
				sum += math.Exp(float64(v.Logprob))
			}
			if len(r.Top) != vocab || math.Abs(sum-1) > 1e-3 {
				t.Errorf("%d probabilities sum to %v", len(r.Top), sum)
			}
			if r.Top[0].Token != r.Token || r.Top[0].Logprob != r.Logprob {
				t.Errorf("greedy took %d at %v, likeliest is %+v", r.Token, r.Logprob, r.Top[0])
			}
			seen++
		}
	}
	if seen != 8 {
		t.Errorf("%d results", seen)
	}
}

// TestLlamaCancel checks that cancelled generations leave room for others,
// more often than there are sequences.
func TestLlamaCancel(t *testing.T) {
	loop, model := openLlama(t, batch.Config{MaxSequences: 2, RingTokens: 8})
	prompt, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "Once upon a time"})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		g := submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt}, TopLogprobs: -1, IgnoreEOS: true})
		next, dst := batch.Follow(g), make([]batch.Result, 1)
		if _, err := next(dst); err != nil {
			t.Fatal(err)
		}
		g.Cancel()
		for err := error(nil); err == nil; _, err = next(dst) {
		}
		if f := g.Finish(); f.Reason != ask.FinishAborted {
			t.Errorf("finish %+v", f)
		}
	}
	tokens, f := read(submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt}, TopLogprobs: -1, IgnoreEOS: true}))
	if want := loop.Limits().SequenceTokens - len(prompt); len(tokens) != want || f.Reason != ask.FinishLength {
		t.Errorf("%d tokens up to the end of the context, want %d: %+v", len(tokens), want, f)
	}
}
