package batch

import (
	"math"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/sampling"
)

// scores are the log-probabilities of a prompt's tokens, from the second on, by
// a context of their own.
func scores(t *testing.T, m *enginetest.Model, prompt []engine.Token) (values []float64) {
	t.Helper()
	c, err := m.NewContext(engine.ContextConfig{ContextTokens: 1024})
	if err != nil {
		t.Fatal(err)
	}
	b := engine.NewBatch(len(prompt))
	for i, token := range prompt {
		b.Add(token, i, 0, true)
	}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	var row sampling.Row
	for i, token := range prompt[1:] {
		logits, err := c.Logits(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := row.Read(logits); err != nil {
			t.Fatal(err)
		}
		values = append(values, float64(logits[token])-row.LogSum())
	}
	c.RemoveSequence(0, 0, -1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestEchoScoresThePrompt beside other generations, through rings that are
// smaller than the prompts, evicted and prefilled again.
func TestEchoScoresThePrompt(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{CacheTokens: 170}, engine.ContextConfig{ContextTokens: 4 * 128},
		Config{MaxSequences: 4, RingTokens: 16, TopLogprobsBytes: 8 * 3 * keyBytes, PrefillTokens: 20})
	loop.share.worthNs = 0
	type echo struct {
		*ask.Request
		g       *Generation
		results []Result
	}
	var echoes []*echo
	for i, length := range []int{1, 2, 60, 100, 33, 90} {
		for _, most := range []int{-1, 12} {
			r := &ask.Request{Prompt: ask.Prompt{Tokens: prompt(i, length)}, MaxTokens: most, TopLogprobs: i % 4, Echo: true}
			echoes = append(echoes, &echo{Request: r, g: submit(t, loop, r)})
		}
	}
	for range 2000 {
		loop.step()
		var dst [5]Result
		for _, e := range echoes {
			n, _ := e.g.Poll(dst[:])
			for _, r := range dst[:n] {
				if len(r.Top) != e.TopLogprobs || !slices.IsSortedFunc(r.Top, func(a, b TokenLogprob) int { return int(b.Logprob - a.Logprob) }) {
					t.Fatalf("likeliest %v", r.Top)
				}
				r.Top = nil
				e.results = append(e.results, r)
			}
		}
	}
	for _, e := range echoes {
		tokens := e.Prompt.Tokens
		var answer []engine.Token
		if e.MaxTokens > 0 {
			answer, _ = enginetest.Reference(model, tokens, e.Sampling, e.MaxTokens)
		}
		if f := e.g.Finish(); f.Reason != ask.FinishLength || f.CompletionTokens != len(answer) {
			t.Errorf("prompt of %d, %d tokens: %+v", len(tokens), e.MaxTokens, f)
		}
		if len(e.results) != len(tokens)-1+len(answer) {
			t.Fatalf("prompt of %d, %d tokens: %d results", len(tokens), e.MaxTokens, len(e.results))
		}
		for i, r := range e.results {
			if want := slices.Concat(tokens, answer)[i+1]; r.Token != want || r.Prompt != (i+1 < len(tokens)) {
				t.Fatalf("result %d is %+v, want token %d", i, r, want)
			}
		}
		for i, want := range scores(t, model, tokens) {
			if got := float64(e.results[i].Logprob); math.Abs(got-want) > 1e-4 {
				t.Fatalf("token %d of %d: %v, want %v", i+1, len(tokens), got, want)
			}
		}
	}
	if loop.Stats().Evictions == 0 {
		t.Error("nothing was evicted")
	}
}

// TestEchoIsBounded: a step computes no more logits than its bound, and goes on
// with those that wait for it.
func TestEchoIsBounded(t *testing.T) {
	var rows int
	loop, _ := stepped(t, enginetest.Options{Fault: func(_ int, b *engine.Batch) error {
		rows = 0
		for _, wanted := range b.Logits {
			if wanted {
				rows++
			}
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 4 * 512}, Config{MaxSequences: 4})
	loop.vocab = scoreBytes / 4 / 9 // as if it were so large
	var generations []*Generation
	for i := range 3 {
		r := &ask.Request{Prompt: ask.Prompt{Tokens: prompt(i, 200)}, MaxTokens: -1, TopLogprobs: 0, Echo: true}
		generations = append(generations, submit(t, loop, r))
	}
	for loop.step() {
		if rows > 9+3 {
			t.Fatalf("%d rows of logits", rows)
		}
	}
	for _, g := range generations {
		if _, ended := ready(g, 1000); !ended || g.Finish().Reason != ask.FinishLength {
			t.Errorf("ended %v", ended)
		}
	}
}
