package batch_test

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

// reuseAsked are the requests of three conversations of four turns, two of them with
// one system prompt, in an order that has turns of several wait for each other.
func reuseAsked(t *testing.T, model engine.Model) (turns [][]*ask.Request) {
	t.Helper()
	for turn := range 4 {
		var requests []*ask.Request
		for c, system := range []string{"You keep the weir. ", "You keep the weir. ", "You count the fish below. "} {
			text := strings.Repeat(system, 8) + strings.Repeat([]string{"the river ", "an old mill ", "one trout "}[c]+"said: ", 1+3*turn)
			tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text})
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, &ask.Request{Prompt: ask.Prompt{Tokens: tokens}, MaxTokens: 12, TopLogprobs: 4, IgnoreEOS: true})
		}
		turns = append(turns, requests)
	}
	return turns
}

// Greedy answers of the real library are the same with whatever is reused, one after
// the other and together: with the tiny model's weights, to the byte; the chances are
// but for what rounding makes of them.
func TestLlamaReuseChangesNothing(t *testing.T) {
	const sequences, context = 4, 512
	open := func(cfg batch.Config) (*batch.Loop, engine.Model) {
		cfg.MaxSequences = sequences
		return openLlamaOf(t, cfg, sequences*context)
	}
	without, model := open(batch.Config{NoPrefixCache: true})
	turns := reuseAsked(t, model)
	var alone [][]batch.Result
	for _, turn := range turns {
		for _, r := range turn {
			results, f := readAll(submit(t, without, r))
			if f.Err != nil {
				t.Fatal(f.Err)
			}
			alone = append(alone, results)
		}
	}
	if s := without.Stats(); s.ReusedTokens != 0 {
		t.Fatalf("%d tokens were reused all the same", s.ReusedTokens)
	}
	for name, together := range map[string]bool{"one after the other": false, "together": true} {
		loop, _ := open(batch.Config{PrefillTokens: 24})
		n, differ := 0, 0
		compare := func(g *batch.Generation) {
			results, f := readAll(g)
			want := alone[n]
			n++
			for k := range min(len(results), len(want)) {
				if !sameChances(results[k].Top, want[k].Top) {
					t.Errorf("%s, request %d, token %d: chances %+v, alone %+v", name, n-1, k, results[k].Top, want[k].Top)
				}
				if results[k].Token != want[k].Token {
					differ++
					break
				}
			}
			if f.Err != nil || len(results) != len(want) {
				t.Errorf("%s, request %d: %d tokens, %+v", name, n-1, len(results), f)
			}
		}
		for _, turn := range turns {
			var all []*batch.Generation
			for _, r := range turn {
				g := submit(t, loop, r)
				if all = append(all, g); !together {
					compare(g)
				}
			}
			for _, g := range all {
				if together {
					compare(g)
				}
			}
		}
		if differ > 0 {
			t.Errorf("%s: %d of %d answers are others", name, differ, n)
		}
		if s := loop.Stats(); s.ReusedTokens < s.AskedTokens/2 || s.Copies == 0 && !together {
			t.Errorf("%s: %d of %d tokens were reused, %d copies", name, s.ReusedTokens, s.AskedTokens, s.Copies)
		}
	}
}
