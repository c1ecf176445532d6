package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
)

// cheap is a policy for which every draft is worth its rows.
type cheap struct{ pace.Learned }

func (*cheap) Drafts(pace.Demand, int, float64) pace.Drafts {
	return pace.Drafts{StepSeconds: 1, RowSeconds: 1e-4, Rows: 1 << 20}
}

// TestLlamaDraftsChangeNothing checks that the real library gives the same tokens with
// drafts and without, alone and together, greedy and drawn by seed, but for what it
// rounds otherwise in batches of other shapes. The model says nothing twice by itself, so
// it has few tokens to choose from where they are looked up.
func TestLlamaDraftsChangeNothing(t *testing.T) {
	config := batch.Config{MaxSequences: 4, PrefillTokens: 24, NoPrefixCache: true}
	without, model := openLlama(t, config)
	config.Draft, config.Pacing = draft.Config{Lookup: true}, new(cheap)
	with, _ := openLlama(t, config)
	llamaDrafts(t, model, with, without, func(r *ask.Request, i int) {
		for k := range 1 + i%3 {
			r.Sampling.Bias = append(r.Sampling.Bias, ask.Bias{Token: r.Prompt.Tokens[1+k], Add: 1000})
		}
	})
}

// TestLlamaDraftModel is the same with the model itself as the draft model.
func TestLlamaDraftModel(t *testing.T) {
	config := batch.Config{MaxSequences: 4, PrefillTokens: 24, NoPrefixCache: true}
	without, model := openLlama(t, config)
	config.Draft, config.Pacing, config.DraftModel = draft.Config{Most: 6}, new(cheap), model
	with, _ := openLlama(t, config)
	llamaDrafts(t, model, with, without, func(*ask.Request, int) {})
}

// llamaDrafts compares what two loops give, for requests that change has had its say in.
func llamaDrafts(t *testing.T, model engine.Model, with, without *batch.Loop, change func(r *ask.Request, i int)) {
	var requests []*ask.Request
	for i := range 4 {
		text := strings.Repeat(fmt.Sprintf("row %d of the table, ", i), 1+i%5)
		prompt, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		r := &ask.Request{
			Prompt: ask.Prompt{Tokens: prompt}, MaxTokens: 40, TopLogprobs: 5, IgnoreEOS: true,
			Sampling: ask.Sampling{Temperature: float32(i/3) / 2, TopK: 40, Seed: uint32(i)},
		}
		change(r, i)
		requests = append(requests, r)
	}
	var wants [][]batch.Result
	for _, r := range requests {
		want, _ := readAll(submit(t, without, r))
		wants = append(wants, want)
	}
	parted, accepted := 0, 0
	var generations []*batch.Generation
	for i, r := range requests { // alone
		g := submit(t, with, r)
		parted += compare(t, i, g, wants[i])
		accepted += g.Finish().Accepted
	}
	steps := with.Stats().Steps
	for _, r := range requests {
		generations = append(generations, submit(t, with, r))
	}
	for i, g := range generations {
		parted += compare(t, i, g, wants[i])
		accepted += g.Finish().Accepted
	}
	if s := with.Stats(); accepted < 40 || s.AcceptedTokens != uint64(accepted) || steps >= without.Stats().Steps {
		t.Errorf("%d tokens were right: %+v", accepted, s)
	}
	t.Logf("%d of 8 part", parted)
	if parted > 2 {
		t.Errorf("%d of 8 prompts give other tokens with drafts", parted)
	}
}

// compare reads a generation, and returns 1 if it gives another token than is wanted
// where the chances are the same.
func compare(t *testing.T, prompt int, g *batch.Generation, want []batch.Result) (parted int) {
	t.Helper()
	got, f := readAll(g)
	if f.Err != nil || f.Reason != ask.FinishLength || len(got) != len(want) {
		t.Errorf("prompt %d: %d results, %+v", prompt, len(got), f)
	}
	for k := range min(len(got), len(want)) {
		if !sameChances(got[k].Top, want[k].Top) {
			t.Errorf("prompt %d, token %d: chances %+v with drafts, %+v without", prompt, k, got[k].Top, want[k].Top)
			return 0
		}
		if got[k].Token != want[k].Token {
			return 1
		}
	}
	return 0
}
