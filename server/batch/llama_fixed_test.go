package batch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// openFixed starts a loop over the tiny model in a fixed shape.
func openFixed(t *testing.T, model engine.Model, cfg batch.Config, ec engine.ContextConfig) *batch.Loop {
	t.Helper()
	ec.FixedShape, ec.ContextTokens = true, cfg.MaxSequences*256
	loop, err := batch.New(model, ec, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	return loop
}

// fixedAsked are requests some of which begin alike, greedy and drawn.
func fixedAsked(t *testing.T, model engine.Model, n int) (requests []*ask.Request) {
	t.Helper()
	for i := range n {
		text := strings.Repeat([]string{"You keep the weir. ", "You count the fish. "}[i%2], 1+i%3*2) + strings.Repeat(fmt.Sprintf("The %d. said: ", i/3), 1+i%4)
		tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, &ask.Request{
			Prompt: ask.Prompt{Tokens: tokens}, MaxTokens: 1 + i*5%40, TopLogprobs: 3, IgnoreEOS: true, Echo: i%5 == 0,
			Sampling: ask.Sampling{Temperature: float32(i % 3), TopK: 40, Seed: uint32(i)},
		})
	}
	return requests
}

// sameBits reports whether two results have the same token and the same chances.
func sameBits(a, b batch.Result) bool {
	bits := math.Float32bits
	return a.Token == b.Token && a.Prompt == b.Prompt && bits(a.Logprob) == bits(b.Logprob) &&
		slices.EqualFunc(a.Top, b.Top, func(x, y batch.TokenLogprob) bool {
			return x.Token == y.Token && bits(x.Logprob) == bits(y.Logprob)
		})
}

// fixedAlone are the results of requests one after the other, in a context of one sequence
// that nothing is reused in.
func fixedAlone(t *testing.T, model engine.Model, requests []*ask.Request) (want [][]batch.Result) {
	t.Helper()
	alone := openFixed(t, model, batch.Config{MaxSequences: 1, NoPrefixCache: true}, engine.ContextConfig{})
	for _, r := range requests {
		results, f := readAll(submit(t, alone, r))
		if f.Err != nil {
			t.Fatal(f.Err)
		}
		want = append(want, results)
	}
	return want
}

// In a fixed shape an answer is the same to the last bit whatever runs beside it, when it
// came, how its prompt was cut, and what it began with.
func TestLlamaFixedShape(t *testing.T) {
	model := llamatest.Load(t)
	requests := fixedAsked(t, model, 14)
	want := fixedAlone(t, model, requests)
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 3))
		loop := openFixed(t, model, batch.Config{
			MaxSequences: 2 + int(seed), PrefillTokens: 1 + random.IntN(60), SavedBytes: []int{1, 0}[seed%2],
		}, engine.ContextConfig{BatchTokens: []int{256, 20}[seed/2]})
		for round := range 2 {
			running := map[int]*batch.Generation{}
			finish := func(i int) {
				got, f := readAll(running[i])
				delete(running, i)
				if f.Err != nil || !slices.EqualFunc(got, want[i], sameBits) {
					t.Errorf("seed %d, round %d, request %d: not as alone: %+v", seed, round, i, f)
				}
			}
			for _, i := range random.Perm(len(requests)) {
				r := *requests[i]
				r.Tenant.Tier = ask.Tier(random.IntN(ask.Tiers)) + ask.TierBackground
				running[i] = submit(t, loop, &r)
				if random.IntN(3) == 0 {
					finish(i)
				}
			}
			for i := range running {
				finish(i)
			}
		}
	}
}

// So it is for one that gave up its place in between, with its state or without, and for
// the same request once more, which begins with what is left.
func TestLlamaFixedShapePreempted(t *testing.T) {
	model := llamatest.Load(t)
	requests := fixedAsked(t, model, 3)
	for i, r := range requests {
		r.MaxTokens, r.Tenant.Tier, r.Echo = 40, ask.TierBackground, false
		if i == 2 {
			r.Tenant.Tier = ask.TierPriority
		}
	}
	want := fixedAlone(t, model, requests)
	for savedBytes, restored := range map[int]uint64{1: 0, 0: 1} {
		loop := openFixed(t, model, batch.Config{MaxSequences: 2, RingTokens: 8, SavedBytes: savedBytes}, engine.ContextConfig{})
		// Two that nobody reads to the end hold both places, until the third comes.
		var all [3]*batch.Generation
		var read [3]func([]batch.Result) (int, error)
		dst := make([]batch.Result, 1)
		for i, r := range requests {
			all[i] = submit(t, loop, r)
			read[i] = batch.Follow(all[i])
			if _, err := read[i](dst); err != nil || !sameBits(dst[0], want[i][0]) {
				t.Fatalf("request %d begins with %+v, %v", i, dst[0], err)
			}
		}
		for _, i := range []int{2, 1, 0} {
			at := 1
			for _, err := read[i](dst); err == nil; _, err = read[i](dst) {
				if at == len(want[i]) || !sameBits(dst[0], want[i][at]) {
					t.Fatalf("SavedBytes %d, request %d: token %d is not as alone", savedBytes, i, at)
				}
				at++
			}
			if f := all[i].Finish(); f.Err != nil || at != len(want[i]) {
				t.Errorf("SavedBytes %d, request %d: %d tokens, %+v", savedBytes, i, at, f)
			}
		}
		if s := loop.Stats(); s.Preempted != 1 || s.Restored != restored {
			t.Errorf("SavedBytes %d: %d preempted, %d restored", savedBytes, s.Preempted, s.Restored)
		}
		again := submit(t, loop, requests[0])
		if results, f := readAll(again); f.Err != nil || again.Cached() == 0 || !slices.EqualFunc(results, want[0], sameBits) {
			t.Errorf("SavedBytes %d: with %d tokens of before not as alone: %+v", savedBytes, again.Cached(), f)
		}
	}
}
