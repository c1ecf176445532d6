package batch

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// stepped makes a loop whose engine goroutine is the test's own: it calls step.
func stepped(t *testing.T, opts enginetest.Options, ec engine.ContextConfig, cfg Config) (*Loop, *enginetest.Model) {
	t.Helper()
	model := enginetest.New(opts)
	cfg.Log = slog.New(slog.DiscardHandler)
	loop, err := newLoop(model, ec, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(t, loop)
		checkEmpty(t, loop, model)
	})
	return loop, model
}

// end closes a loop whose engine goroutine is the test's own.
func end(t *testing.T, loop *Loop) {
	loop.closing.Store(true)
	if err := loop.drain(); err != nil {
		t.Error(err)
	}
}

// ready reads at most limit results without waiting; ended reports io.EOF.
func ready(g *Generation, limit int) (tokens []engine.Token, ended bool) {
	var dst [16]Result
	for len(tokens) < limit {
		n, err := g.Poll(dst[:min(len(dst), limit-len(tokens))])
		for _, r := range dst[:n] {
			if !r.Prompt {
				tokens = append(tokens, r.Token)
			}
		}
		if n == 0 {
			return tokens, err != nil
		}
	}
	return tokens, false
}

// plain is a request without log-probabilities.
func plain(seed, n, limit int) *ask.Request {
	return &ask.Request{Prompt: ask.Prompt{Tokens: prompt(seed, n)}, MaxTokens: limit, TopLogprobs: -1}
}

// TestDecodeComesBeforePrompts checks the shape of batches: all decoding
// sequences are in each, and prompts get no more than their budget.
func TestDecodeComesBeforePrompts(t *testing.T) {
	var steps []Step
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 4 * 512, BatchTokens: 100},
		Config{MaxSequences: 4, PrefillTokens: 10, Observe: func(s Step) { steps = append(steps, s) }})
	submit(t, loop, plain(1, 1, 0))
	submit(t, loop, plain(2, 1, 0))
	loop.step()
	loop.step()
	submit(t, loop, plain(3, 25, 0))
	for range 4 {
		loop.step()
	}
	var got [][2]int
	for _, s := range steps {
		got = append(got, [2]int{s.DecodeRows, s.PromptRows})
	}
	want := [][2]int{{2, 0}, {2, 0}, {2, 10}, {2, 10}, {2, 5}, {3, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("steps of decode and prompt rows %v, want %v", got, want)
	}
}

// TestPromptsShareTheBudget checks that half goes to the shortest prompt and
// that the oldest goes on.
func TestPromptsShareTheBudget(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 4 * 512, BatchTokens: 40}, Config{MaxSequences: 4})
	long := submit(t, loop, plain(1, 300, 0))
	second := submit(t, loop, plain(2, 200, 0))
	short := submit(t, loop, plain(3, 15, 0))
	loop.step()
	if long.seq.cached != 25 || second.seq.cached != 0 || short.seq.cached != 15 {
		t.Errorf("cached %d, %d, %d", long.seq.cached, second.seq.cached, short.seq.cached)
	}
	if tokens, _ := ready(short, 9); len(tokens) != 1 {
		t.Errorf("the short prompt has %d tokens after its step", len(tokens))
	}
	loop.step() // one row decodes; of the 39 left, 19 are for the shorter
	if long.seq.cached != 25+20 || second.seq.cached != 19 {
		t.Errorf("then cached %d, %d", long.seq.cached, second.seq.cached)
	}
}

// roomy gives generations room for tokens, which doubles now and then, beforehand.
func roomy(generations ...*Generation) {
	for _, g := range generations {
		g.seq.tokens = slices.Grow(g.seq.tokens, 512)
	}
}

func TestStepAllocates(t *testing.T) {
	for name, top := range map[string]int{"plain": -1, "logprobs": 5} {
		t.Run(name, func(t *testing.T) {
			loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64 * 1024}, Config{MaxSequences: 64})
			var generations []*Generation
			for i := range 64 {
				generations = append(generations, submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(i, 5)}, TopLogprobs: top}))
			}
			roomy(generations...)
			var dst [8]Result
			round := func() {
				loop.step()
				for _, g := range generations {
					g.Poll(dst[:])
				}
			}
			for range 10 {
				round()
			}
			if n := testing.AllocsPerRun(100, round); n != 0 {
				t.Errorf("%v allocations a step of 64 sequences", n)
			}
			if s := loop.Stats(); s.Active != 64 || s.CompletionTokens != 64*uint64(s.Steps) {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestSlowReaderPausesItself(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 512}, Config{MaxSequences: 2, RingTokens: 8})
	slow, quick := submit(t, loop, plain(1, 5, 40)), submit(t, loop, plain(2, 5, 40))
	var fromSlow, fromQuick []engine.Token
	for range 20 {
		loop.step()
		tokens, _ := ready(quick, 8)
		fromQuick = append(fromQuick, tokens...)
	}
	if len(fromQuick) != 20 {
		t.Errorf("the quick reader has %d tokens after 20 steps", len(fromQuick))
	}
	if s := loop.Stats(); s.Paused != 1 || slow.seq.generated() != 8 {
		t.Errorf("%d paused, slow generated %d", s.Paused, slow.seq.generated())
	}
	fromSlow, _ = ready(slow, 3) // less than half: still paused
	if loop.step(); slow.seq.generated() != 8 {
		t.Error("resumed with less than half of the ring free")
	}
	tokens, _ := ready(slow, 1)
	fromSlow = append(fromSlow, tokens...)
	if loop.step(); slow.seq.generated() != 9 {
		t.Error("not resumed with half of the ring free")
	}
	for ended := 0; ended < 2; {
		loop.step()
		ended = 0
		for g, all := range map[*Generation]*[]engine.Token{slow: &fromSlow, quick: &fromQuick} {
			tokens, end := ready(g, 8)
			*all = append(*all, tokens...)
			if end {
				ended++
			}
		}
	}
	checkOutput(t, model, loop.Limits(), plain(1, 5, 40), fromSlow, slow.Finish())
	checkOutput(t, model, loop.Limits(), plain(2, 5, 40), fromQuick, quick.Finish())
}

// TestDecodeErrorEndsTheBatch checks that a failed decode ends the generations
// in the batch and no other.
func TestDecodeErrorEndsTheBatch(t *testing.T) {
	broken := errors.New("broken")
	fail := false
	loop, model := stepped(t, enginetest.Options{Fault: func(int, *engine.Batch) error {
		if fail {
			return broken
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 3 * 512}, Config{MaxSequences: 3, RingTokens: 4})
	paused := submit(t, loop, plain(1, 5, 10))
	for range 5 {
		loop.step()
	}
	a, b := submit(t, loop, plain(2, 5, 10)), submit(t, loop, plain(3, 50, 10))
	fail = true
	loop.step()
	fail = false
	for _, g := range []*Generation{a, b} {
		if _, ended := ready(g, 8); !ended {
			t.Fatal("not ended")
		}
		if f := g.Finish(); f.Reason != ask.FinishError || !errors.Is(f.Err, broken) {
			t.Errorf("finish %+v", f)
		}
	}
	after := submit(t, loop, plain(4, 20, 10))
	for _, c := range []struct {
		g *Generation
		r *ask.Request
	}{{paused, plain(1, 5, 10)}, {after, plain(4, 20, 10)}} {
		var all []engine.Token
		for ended := false; !ended; {
			var tokens []engine.Token
			loop.step()
			tokens, ended = ready(c.g, 8)
			all = append(all, tokens...)
		}
		checkOutput(t, model, loop.Limits(), c.r, all, c.g.Finish())
	}
	if s := loop.Stats(); s.DecodeErrors != 1 || s.Finished[ask.FinishError] != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestSampleErrorEndsOne(t *testing.T) {
	broken := errors.New("broken")
	loop, _ := stepped(t, enginetest.Options{LogitsFault: func(read int) error {
		if read == 0 {
			return broken
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 2 * 512}, Config{MaxSequences: 2})
	a, b := submit(t, loop, plain(1, 5, 10)), submit(t, loop, plain(2, 5, 10))
	loop.step()
	if _, ended := ready(a, 8); !ended || a.Finish().Reason != ask.FinishError || !errors.Is(a.Finish().Err, broken) {
		t.Errorf("first: ended %v", ended)
	}
	if tokens, ended := ready(b, 8); ended || len(tokens) != 1 {
		t.Errorf("second: %d tokens, ended %v", len(tokens), ended)
	}
}
