package pace

import (
	"testing"
	"time"
)

// TestArticle: the rule, sample by sample. A step of so many tokens ends in the midst
// of each tenth of a second.
func TestArticle(t *testing.T) {
	const every = 100 * time.Millisecond
	repeat := func(n, tokens int) (list []int) {
		for range n {
			list = append(list, tokens)
		}
		return list
	}
	for _, c := range []struct {
		name   string
		target float64
		tokens []int // in each tenth of a second
		want   int
	}{
		{"nothing seen", 1000, nil, 32},
		{"no whole window", 1000, repeat(5, 0), 32},
		{"two good samples", 1000, repeat(7, 90), 32},
		{"three", 1000, repeat(8, 90), 38},
		{"five", 1000, repeat(10, 90), 38},
		{"six", 1000, repeat(11, 90), 45},
		{"just below", 1000, repeat(20, 89), 32},
		{"above the target", 1000, repeat(8, 900), 38},
		{"up to the top", 1000, repeat(100, 90), 512},
		{"one bad sample", 1000, repeat(6, 60), 21},
		{"two", 1000, repeat(7, 60), 14},
		{"down to the bottom", 1000, repeat(20, 60), 8},
		{"just above", 1000, repeat(20, 61), 32},
		{"from the bottom", 1000, append(repeat(20, 0), repeat(8, 100)...), 9},
		{"interrupted", 1000, append(append(repeat(6, 90), 80), repeat(3, 92)...), 32},
		{"the best seen", 0, repeat(8, 10), 38},
		{"less than the best", 0, append(repeat(8, 100), repeat(5, 50)...), 25},
		{"never anything", 0, repeat(20, 0), 8},
	} {
		a := &Article{Target: c.target}
		for i, n := range c.tokens {
			a.Observe(Observation{At: time.Duration(i)*every + every/2, Took: every, DecodeRows: n / 2, PromptRows: n - n/2})
		}
		got := a.Decide(Demand{Limits: wide})
		if got.PromptTokens != c.want || got.Sequences != wide.Sequences {
			t.Errorf("%s: %+v, want %d", c.name, got, c.want)
		}
	}
}

// Who decodes is of the batch, and the limits hold.
func TestArticleDecides(t *testing.T) {
	for _, c := range []struct {
		decodes int
		limits  Limits
		want    Decision
	}{
		{0, wide, Decision{32, 64}},
		{8, wide, Decision{24, 64}},
		{40, wide, Decision{1, 64}},
		{8, Limits{LeastPrompt: 4, MostPrompt: 10, Prompt: 128, Sequences: 2}, Decision{10, 2}},
		{32, Limits{LeastPrompt: 4, MostPrompt: 10, Prompt: 128, Sequences: 2}, Decision{4, 2}},
		{8, Limits{}, Decision{1, 1}},
	} {
		if got := new(Article).Decide(Demand{DecodeRows: c.decodes, Limits: c.limits}); got != c.want {
			t.Errorf("%d rows, %+v: %+v, want %+v", c.decodes, c.limits, got, c.want)
		}
	}
}

// After a long time without a step the window is empty, however long it was.
func TestArticleAfterAPause(t *testing.T) {
	for _, pause := range []time.Duration{time.Minute, 24 * 365 * time.Hour} {
		a := &Article{Target: 1}
		at := time.Hour
		for range 1000 {
			at += 20 * time.Millisecond
			a.Observe(Observation{At: at, Took: time.Millisecond, DecodeRows: 100})
		}
		before := a.Decide(Demand{Limits: wide}).PromptTokens
		a.Observe(Observation{At: at + pause, Took: time.Millisecond, DecodeRows: 100})
		if after := a.Decide(Demand{Limits: wide}).PromptTokens; before != 512 || after != 8 {
			t.Errorf("%v: %d tokens, then %d", pause, before, after)
		}
	}
}
