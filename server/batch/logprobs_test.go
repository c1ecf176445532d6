package batch

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestLogprobs asks for the whole vocabulary and for less, and checks sums,
// order, and that the chosen token's is the same.
func TestLogprobs(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 8 * 256},
		Config{MaxSequences: 8, TopLogprobsBytes: 4 * 5 * keyBytes})
	for _, top := range []int{-1, 0, 1, 5, enginetest.VocabSize} {
		for _, temperature := range []float32{0, 1} {
			g := submit(t, loop, &ask.Request{
				Prompt: ask.Prompt{Tokens: prompt(3, 10)}, MaxTokens: 20, TopLogprobs: top,
				Sampling: ask.Sampling{Temperature: temperature},
			})
			if want := map[int]int{5: 4, enginetest.VocabSize: 2}[top]; want != 0 && g.results.limit != want {
				t.Fatalf("%d slots for top %d, want %d", g.results.limit, top, want)
			}
			seen, next := 0, Follow(g)
			for dst := make([]Result, 3); ; {
				n, err := next(dst)
				if err != nil {
					break
				}
				for _, r := range dst[:n] {
					checkLogprobs(t, r, top, temperature == 0)
					seen++
				}
			}
			if seen != 20 {
				t.Errorf("%d results", seen)
			}
		}
	}
}

// What waits for admission, and what has been read to its end, has no room for
// likeliest tokens, and a ring is no larger than what is generated.
func TestOnlyWhatRunsHoldsLikeliest(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256}, Config{MaxSequences: 1})
	request := plain(1, 5, 3)
	request.TopLogprobs = 20
	running, waiting := submit(t, loop, request), submit(t, loop, request)
	loop.step()
	if len(running.likeliest) != 4*20 || waiting.likeliest != nil {
		t.Errorf("running holds %d keys, waiting %d", len(running.likeliest), len(waiting.likeliest))
	}
	for range 5 {
		loop.step()
	}
	for _, g := range []*Generation{running, waiting} {
		if tokens, ended := ready(g, 16); len(tokens) != 3 || !ended {
			t.Errorf("%d tokens, ended %v", len(tokens), ended)
		}
		if g.likeliest != nil {
			t.Errorf("%d keys are held after the end", len(g.likeliest))
		}
	}
}

func checkLogprobs(t *testing.T, r Result, top int, greedy bool) {
	t.Helper()
	if len(r.Top) != max(top, 0) {
		t.Fatalf("%d top tokens, want %d", len(r.Top), top)
	}
	if top < 0 {
		if r.Logprob != 0 {
			t.Errorf("log-probability %v, none was asked for", r.Logprob)
		}
		return
	}
	if r.Logprob >= 0 {
		t.Errorf("log-probability %v", r.Logprob)
	}
	if !slices.IsSortedFunc(r.Top, func(a, b TokenLogprob) int { return cmp.Compare(b.Logprob, a.Logprob) }) {
		t.Errorf("top tokens out of order: %v", r.Top)
	}
	if greedy && top > 0 && r.Top[0] != (TokenLogprob{r.Token, r.Logprob}) {
		t.Errorf("greedy chose %v, likeliest is %v", r, r.Top[0])
	}
	if top == enginetest.VocabSize {
		var sum float64
		for _, v := range r.Top {
			sum += math.Exp(float64(v.Logprob))
			if v.Token == r.Token && v.Logprob != r.Logprob {
				t.Errorf("chosen token has %v, in the list %v", r.Logprob, v.Logprob)
			}
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("probabilities sum to %v", sum)
		}
	}
}
