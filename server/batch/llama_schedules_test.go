package batch

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// tieLogprob is how far apart the two likeliest tokens may be where another schedule's
// arithmetic may take the other one: the library rounds differently for batches of
// different shapes, and keys and values to 16 bits. As sameChances.
const tieLogprob = 0.02

// The real library's greedy answers are the same in any schedule, with the tiny model's
// weights: to the byte, but where two tokens are as likely.
func TestLlamaSchedules(t *testing.T) {
	seeds := schedulesOf(20, 5)
	model := llamatest.Load(t)
	answers := aloneOf(t, model)
	reached := make(map[string]int)
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s := newLlamaSimulation(t, seed, model)
			s.reference = answers
			s.play(120)
			for what, n := range s.reached {
				reached[what] += n
			}
		})
	}
	if seeds < 20 || t.Failed() {
		return
	}
	for _, what := range []string{
		"preempted", "restored after that", "reused", "copied", "moved", "paused", "cancelled",
		"slot saved", "slot restored", "slot erased", "died", "asked again",
	} {
		if reached[what] == 0 {
			t.Errorf("nothing was ever %s: %v", what, reached)
		}
	}
}

// newLlamaSimulation is newSimulation over the real library, without faults.
func newLlamaSimulation(t *testing.T, seed uint64, model engine.Model) *simulation {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(seed, seed)), greedy: true, reached: make(map[string]int)}
	s.tenants = s.random.IntN(2) == 0
	sequences := 1 + s.random.IntN(6)
	context := engine.ContextConfig{ContextTokens: sequences * 128, BatchTokens: sequences + s.random.IntN(64), Threads: 1, BatchThreads: 1}
	cfg := s.config(sequences)
	cfg.Log = slog.New(slog.DiscardHandler)
	s.open = func() {
		cfg.Pacing = nil
		loop, err := newLoop(model, context, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			end(t, loop)
			if len(loop.free) != loop.config.MaxSequences {
				t.Errorf("%d of %d sequences are free", len(loop.free), loop.config.MaxSequences)
			}
		})
		s.loop = loop
	}
	s.wait = func() { // for those whose slot is free
		for slices.ContainsFunc(s.calls, (*slotUse).isOpen) {
			s.loop.serveSlots()
			if len(s.loop.slots.waiting) > 0 {
				return
			}
			runtime.Gosched()
		}
	}
	s.open()
	return s
}

// isOpen reports whether a call is not done.
func (u *slotUse) isOpen() bool {
	select {
	case <-u.done:
		return false
	default:
		return true
	}
}

// aloneOf is the reference of a model: each prompt by itself in a loop without reuse.
// What was computed once is known.
func aloneOf(t *testing.T, model engine.Model) reference {
	type answer struct {
		tokens []engine.Token
		ties   []bool
		ended  bool
	}
	loop, err := newLoop(model, engine.ContextConfig{ContextTokens: 128, MaxSequences: 1, Threads: 1, BatchThreads: 1},
		Config{NoPrefixCache: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, loop) })
	known := make(map[string]answer)
	return func(r *ask.Request, _ int) ([]engine.Token, []bool, bool) {
		name := fmt.Sprint(r.MaxTokens, r.Prompt.Tokens)
		if a, ok := known[name]; ok {
			return a.tokens, a.ties, a.ended
		}
		g, err := loop.Submit(&ask.Request{Prompt: r.Prompt, MaxTokens: r.MaxTokens, TopLogprobs: 2})
		if err != nil {
			t.Fatal(err)
		}
		var a answer
		var dst [16]Result
		for err == nil {
			var n int
			loop.step()
			n, err = g.Poll(dst[:])
			for _, result := range dst[:n] {
				a.tokens = append(a.tokens, result.Token)
				a.ties = append(a.ties, result.Top[0].Logprob-result.Top[1].Logprob < tieLogprob)
			}
		}
		f := g.Finish()
		if f.Err != nil {
			t.Fatal(f.Err)
		}
		a.ended = f.Reason == ask.FinishStop
		known[name] = a
		return a.tokens, a.ties, a.ended
	}
}
