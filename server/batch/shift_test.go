package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// shifting is a loop with a context of so many tokens for each of two sequences.
func shifting(t *testing.T, opts enginetest.Options, contextTokens int) (*Loop, *enginetest.Model) {
	t.Helper()
	return stepped(t, opts, engine.ContextConfig{ContextTokens: 2 * contextTokens, BatchTokens: 32}, Config{MaxSequences: 2, ContextShift: true})
}

// Without a shift an answer ends where its context does, and says so; one that ends by
// its own bound does not.
func TestFullContextEndsAnswers(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2})
	for limit, full := range map[int]bool{0: true, 10: false, 43: false, 44: true, 1000: true} {
		r := plain(1, 20, limit)
		got, finish := collect(submit(t, loop, r))
		checkOutput(t, model, loop.Limits(), r, got, finish)
		if finish.ContextFull != full {
			t.Errorf("MaxTokens %d: %+v", limit, finish)
		}
	}
	if s := loop.Stats(); s.Shifts != 0 {
		t.Errorf("%d shifts", s.Shifts)
	}
}

// A shifted sequence goes on as the engine does that has seen all: the fake's hash, as
// keys and values do, keeps what was dropped.
func TestShiftGoesOn(t *testing.T) {
	for _, c := range []struct {
		prompt, limit int
		shift         ask.Shift
		dropped       int // by each shift
	}{
		{20, 300, ask.Shift{}, 31},
		{63, 1, ask.Shift{}, 31}, // one token fits in any case
		{63, 2, ask.Shift{}, 31},
		{20, 300, ask.Shift{Keep: -1}, 21},
		{20, 300, ask.Shift{Keep: 16}, 23},
		{20, 60, ask.Shift{Keep: 999}, 1}, // all but a few
		{20, 300, ask.Shift{Discard: 1}, 1},
		{20, 300, ask.Shift{Discard: 999}, 62},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			loop, model := shifting(t, enginetest.Options{}, 64)
			r, other := plain(1, c.prompt, c.limit), plain(2, 30, 25)
			r.Shift = c.shift
			g, beside := submit(t, loop, r), submit(t, loop, other)
			all := finishAll(t, loop, []*Generation{g, beside})
			want, _ := enginetest.Reference(model, r.Prompt.Tokens, r.Sampling, c.limit)
			if f := g.Finish(); !slices.Equal(all[0], want) || f.Reason != ask.FinishLength || f.ContextFull || f.CompletionTokens != c.limit {
				t.Errorf("%d tokens, %+v, want %d", len(all[0]), f, len(want))
			}
			// Before the first token for which there is no room, and each of those after it.
			shifts := (c.prompt + c.limit - 64 + c.dropped - 1) / c.dropped
			if s := loop.Stats(); s.Shifts != uint64(shifts) || g.Shifted() != (shifts > 0) || beside.Shifted() {
				t.Errorf("%d shifts, %v, want %d", s.Shifts, g.Shifted(), shifts)
			}
			checkOutput(t, model, loop.Limits(), other, all[1], beside.Finish())
		})
	}
}

// What stays is the first tokens, one more where a text begins with a token of its own,
// and the last ones.
func TestShiftKeepsTheFirst(t *testing.T) {
	for begin, kept := range map[engine.Token]int{'a': 5, enginetest.BOS: 6} {
		var last []engine.Token // that the model has seen; the engine goroutine is this one
		loop, _ := shifting(t, enginetest.Options{Next: func(tokens []engine.Token) engine.Token {
			last = append(last[:0], tokens...)
			return -1
		}}, 64)
		r := plain(1, 20, 44+1)
		r.Prompt.Tokens[0], r.Shift.Keep = begin, 5
		answer := finishAll(t, loop, []*Generation{submit(t, loop, r)})[0]
		whole := slices.Concat(r.Prompt.Tokens, answer[:44])
		want := slices.Concat(whole[:kept], whole[kept+(63-kept)/2:])
		if !slices.Equal(last, want) {
			t.Errorf("after a shift the context is %v, want %v", last, want)
		}
	}
}

// A request without a bound of its own ends at what the model was trained for.
func TestShiftsComeToAnEnd(t *testing.T) {
	for trained, most := range map[int]int{200: 200, 30: 64} {
		loop, _ := shifting(t, enginetest.Options{TrainedContext: trained}, 64)
		g := submit(t, loop, plain(1, 20, 0))
		tokens := finishAll(t, loop, []*Generation{g})[0]
		if f := g.Finish(); len(tokens) != most-20 || f.Reason != ask.FinishLength || !f.ContextFull {
			t.Errorf("trained for %d: %d tokens, %+v", trained, len(tokens), f)
		}
	}
}

// A shifted sequence that loses its place is computed again from the tokens left to it.
func TestShiftedComesBackFromWhatIsLeft(t *testing.T) {
	loop, model := shifting(t, enginetest.Options{}, 64)
	g := submit(t, loop, plain(1, 20, 200))
	for loop.Stats().Shifts < 2 || g.seq.pending() > 1 {
		loop.step()
	}
	before, _ := ready(g, 1000)
	left := slices.Clone(g.seq.tokens)
	loop.save(&loop.live[0].seq)
	if g.seq.saved != nil {
		t.Fatal("the state of a shifted sequence was saved: it is not what its tokens give")
	}
	loop.putBack(0)
	for loop.Stats().Shifts < 3 {
		loop.step()
	}
	rest := finishAll(t, loop, []*Generation{g})[0]
	want, _ := enginetest.Reference(model, left, ask.Sampling{}, 200-len(before))
	if !slices.Equal(rest, want) || len(before)+len(rest) != 200 {
		t.Errorf("after %d tokens %v, want %v", len(before), rest, want)
	}
}

// One that is evicted as its context is full shifts what it has by then.
func TestFullAndEvictedShifts(t *testing.T) {
	for _, cached := range []int{0, 3, 10, 40, 63} {
		loop, model := shifting(t, enginetest.Options{}, 64)
		r := plain(1, 63, 5)
		r.Shift.Keep = 5
		g := submit(t, loop, r)
		for g.seq.generated() == 0 {
			loop.step()
		}
		loop.context.RemoveSequence(g.seq.id, cached, -1)
		g.seq.cached = cached
		whole := slices.Clone(g.seq.tokens)
		tokens := finishAll(t, loop, []*Generation{g})[0]
		window := slices.Concat(whole[:5], whole[5+29:])
		if cached > 5+29 { // what was dropped has left its trace
			window = whole
		}
		if want, _ := enginetest.Reference(model, window, ask.Sampling{}, 4); !slices.Equal(tokens[1:], want) {
			t.Errorf("%d tokens cached: %v, want %v", cached, tokens, want)
		}
	}
}

// Nobody begins with what a shifted sequence has, while it runs and after, and its slot
// is empty.
func TestShiftedIsNobodysPrefix(t *testing.T) {
	loop, model := shifting(t, enginetest.Options{}, 64)
	first := keeping(1, prompt(1, 50), 60)
	g := submit(t, loop, first)
	for loop.Stats().Shifts == 0 {
		loop.step()
	}
	again := submit(t, loop, asking(slices.Concat(prompt(1, 50), prompt(2, 5)), 5))
	all := finishAll(t, loop, []*Generation{g, again})
	want, _ := enginetest.Reference(model, first.Prompt.Tokens, ask.Sampling{}, 60)
	if again.Cached() != 0 || g.Slot() != -1 || !slices.Equal(all[0], want) {
		t.Errorf("%d tokens of a shifted sequence were gone on with, its slot is %d", again.Cached(), g.Slot())
	}
	later := submit(t, loop, keeping(1, slices.Concat(prompt(1, 50), prompt(3, 5)), 5))
	finishAll(t, loop, []*Generation{later})
	if later.Cached() > 50 {
		t.Errorf("%d tokens were computed already", later.Cached())
	}
	if s := loop.Stats(); loop.places[0].tokens == nil || s.KVTokens != 0 {
		t.Errorf("what did not shift has not stayed: %+v", s)
	}
}

// Log-probabilities of an echoed prompt come before a shift, and those of the answer go
// on behind it; a form holds it as if nothing had been dropped.
func TestShiftWithEchoAndForm(t *testing.T) {
	loop, _ := shifting(t, enginetest.Options{}, 64)
	r := &ask.Request{Prompt: ask.Prompt{Tokens: prompt(1, 40)}, MaxTokens: 100, TopLogprobs: 2, Echo: true}
	g := submit(t, loop, r)
	form := submitJob(t, loop, Job{Request: plain(2, 20, 100), Constraint: &digits{left: 100}})
	echoed, tokens := 0, 0
	var dst [16]Result
	var text strings.Builder
	for !g.seq.ended || !form.seq.ended {
		loop.step()
		for n, _ := g.Poll(dst[:]); n > 0; n, _ = g.Poll(dst[:]) {
			for _, result := range dst[:n] {
				if len(result.Top) != 2 || result.Prompt && tokens > 0 {
					t.Fatalf("%+v after %d and %d", result, echoed, tokens)
				}
				if result.Prompt {
					echoed++
				} else {
					tokens++
				}
			}
		}
		some, _ := ready(form, 1000)
		for _, token := range some {
			text.WriteByte(byte(token))
		}
	}
	if s := loop.Stats(); echoed != 39 || tokens != 100 || s.Shifts != 3+2 {
		t.Errorf("%d scores, %d tokens, %d shifts", echoed, tokens, s.Shifts)
	}
	if text.Len() != 100 || strings.Trim(text.String(), "0123456789") != "" {
		t.Errorf("held to digits: %q", text.String())
	}
}

// An engine that cannot shift is found out at once.
func TestShiftThatCannotBe(t *testing.T) {
	for _, opts := range []enginetest.Options{{NoShifts: true}, {NoPartialRemoval: true}} {
		_, err := New(enginetest.New(opts), engine.ContextConfig{}, Config{MaxSequences: 1, ContextShift: true})
		if err == nil || !strings.Contains(err.Error(), "--context-shift") || !strings.Contains(err.Error(), "-c") {
			t.Errorf("%v", err)
		}
	}
}

// Shifts, evictions, slow readers and those who leave, at random: answers have the
// length that was asked for, and those that were never computed again are the engine's.
func TestShiftsAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 5))
		cfg := Config{MaxSequences: 4, ContextShift: true, RingTokens: 2 << random.IntN(6), PrefillTokens: 8}
		if seed%2 == 1 { // it knows nothing of what was dropped, and is wrong from then on
			cfg.DraftModel, cfg.Pacing = enginetest.New(enginetest.Options{}), cheap()
		}
		loop, model := stepped(t, enginetest.Options{CacheTokens: 60 + random.IntN(100)},
			engine.ContextConfig{ContextTokens: 4 * 40, BatchTokens: 4 + random.IntN(40)}, cfg)
		var all []*Generation
		var tokens [8][]engine.Token
		var requests [8]*ask.Request
		for i := range tokens {
			requests[i] = plain(int(seed)+i, 1+random.IntN(39), 1+random.IntN(120))
			requests[i].Shift = ask.Shift{Keep: random.IntN(45) - 1, Discard: random.IntN(3) * random.IntN(20)}
			all = append(all, submit(t, loop, requests[i]))
		}
		for running := len(all); running > 0; {
			loop.step()
			running = 0
			for i, g := range all {
				some, ended := ready(g, random.IntN(6))
				if tokens[i] = append(tokens[i], some...); !ended {
					running++
				}
			}
		}
		for i, g := range all {
			f := g.Finish()
			if f.Reason != ask.FinishLength || len(tokens[i]) != requests[i].MaxTokens && !f.ContextFull {
				t.Errorf("seed %d, request %d: %d tokens, %+v, want %d", seed, i, len(tokens[i]), f, requests[i].MaxTokens)
			}
			want, _ := enginetest.Reference(model, requests[i].Prompt.Tokens, ask.Sampling{}, len(tokens[i]))
			if s := loop.Stats(); (s.Evictions == 0 || !g.Shifted()) && !slices.Equal(tokens[i], want) {
				t.Errorf("seed %d, request %d: other tokens than alone", seed, i)
			}
		}
	}
}
