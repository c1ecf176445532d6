package batch

import (
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// halfRight is a draft model's idea of a model that repeats.
func halfRight(tokens []engine.Token) engine.Token {
	if len(tokens)%5 == 0 {
		return 'x'
	}
	return repeats(tokens)
}

// TestDraftModelChangesNothing: tokens, log-probabilities and ends are the same with a
// draft model that is always right, one that often is and one that never is, with lookups
// beside and without, and what is right comes in fewer steps.
func TestDraftModelChangesNothing(t *testing.T) {
	target := enginetest.Options{EndEvery: 200, Next: repeats}
	var want [][]Result
	var steps uint64
	for _, c := range []struct {
		name   string
		drafts *enginetest.Options
		config draft.Config
		right  float64 // of what is guessed, at least
	}{
		{name: "none"},
		{name: "the model itself", drafts: &target, right: 0.3}, // some are drawn
		{name: "half right", drafts: &enginetest.Options{Next: halfRight}, right: 0.2},
		{name: "half right, and sure", drafts: &enginetest.Options{Next: halfRight}, config: draft.Config{LeastChance: 0.99}, right: 0.3},
		{name: "never right", drafts: &enginetest.Options{Next: func([]engine.Token) engine.Token { return 1 }}},
		{name: "with lookups", drafts: &enginetest.Options{Next: halfRight}, config: draft.Config{Lookup: true}, right: 0.2},
		{name: "in short", drafts: &target, config: draft.Config{Most: 3, Least: 2}, right: 0.3},
	} {
		cfg := Config{MaxSequences: 6, PrefillTokens: 20, Draft: c.config, Pacing: cheap()}
		var drafts *enginetest.Model
		if c.drafts != nil {
			drafts = enginetest.New(*c.drafts)
			cfg.DraftModel = drafts
		}
		t.Run(c.name, func(t *testing.T) {
			loop, _ := stepped(t, target, engine.ContextConfig{ContextTokens: 6 * 512, BatchTokens: 80}, cfg)
			var generations []*Generation
			for _, r := range draftedRequests(30) {
				generations = append(generations, submit(t, loop, r))
			}
			got := results(loop, generations)
			s := loop.Stats()
			if want == nil {
				want, steps = got, s.Steps
				return
			}
			for i := range got {
				if !slices.EqualFunc(got[i], want[i], sameResult) {
					t.Errorf("request %d: %v, without drafts %v", i, got[i], want[i])
				}
			}
			t.Logf("%d of %d were right, %d steps, without %d", s.AcceptedTokens, s.DraftTokens, s.Steps, steps)
			if s.DraftTokens == 0 || float64(s.AcceptedTokens) < c.right*float64(s.DraftTokens) || c.right > 0 && s.Steps >= steps {
				t.Errorf("%+v", s)
			}
			if loop.scout.broken {
				t.Error("the draft model guesses no more")
			}
		})
		if drafts != nil && (drafts.Open() != 0 || drafts.CachedTokens() != 0) {
			t.Errorf("%s: %d contexts and %d tokens are left of the draft model", c.name, drafts.Open(), drafts.CachedTokens())
		}
	}
}

// TestDraftModelGoesOn: who begins where another ended, or like it, has that computed by
// the draft model already.
func TestDraftModelGoesOn(t *testing.T) {
	computed := 0
	drafts := enginetest.New(enginetest.Options{Next: repeats, Fault: func(_ int, b *engine.Batch) error {
		computed += b.Len()
		return nil
	}})
	loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 1024},
		Config{MaxSequences: 1, Draft: draft.Config{Most: 4}, DraftModel: drafts, Pacing: cheap()})
	tokens := prompt(1, 300)
	for i, limit := range []int{350, 60} {
		computed = 0
		r := &ask.Request{Prompt: ask.Prompt{Tokens: tokens}, MaxTokens: 40, TopLogprobs: -1}
		g := submit(t, loop, r)
		var got []engine.Token
		for _, result := range results(loop, []*Generation{g})[0] {
			got = append(got, result.Token)
		}
		checkOutput(t, model, loop.Limits(), r, got, g.Finish())
		if computed > limit || i == 0 && computed < 300 {
			t.Errorf("request %d: the draft model has computed %d tokens", i, computed)
		}
		tokens = append(append(tokens, got...), 'm', 'o', 'r', 'e')
	}
}

// TestDraftModelFails: its decode, its logits or its cutting; what is generated is the
// same, and nothing is guessed any more.
func TestDraftModelFails(t *testing.T) {
	count := 0
	for name, opts := range map[string]enginetest.Options{
		"decode": {Next: repeats, Fault: func(int, *engine.Batch) error {
			if count++; count == 7 {
				return errInjected
			}
			return nil
		}},
		"logits": {Next: repeats, LogitsFault: func(read int) error {
			if read == 9 {
				return errInjected
			}
			return nil
		}},
		"space": {Next: repeats, CacheTokens: 50},
	} {
		t.Run(name, func(t *testing.T) {
			loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 2 * 256},
				Config{MaxSequences: 2, DraftModel: enginetest.New(opts), Pacing: cheap()})
			requests := []*ask.Request{plain(1, 30, 80), plain(2, 30, 80)}
			generations := []*Generation{submit(t, loop, requests[0]), submit(t, loop, requests[1])}
			for i, tokens := range finishAll(t, loop, generations) {
				checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
			}
			if !loop.scout.broken {
				t.Error("it goes on guessing")
			}
		})
	}
}

// TestCloseWhileTheDraftModelDecodes: what it is at ends at once.
func TestCloseWhileTheDraftModelDecodes(t *testing.T) {
	gate := make(chan struct{})
	begun := make(chan struct{}, 1)
	drafts := enginetest.New(enginetest.Options{Next: repeats, Gate: gate, Threads: func(engine.Threads) {
		select {
		case begun <- struct{}{}:
		default:
		}
	}})
	model := enginetest.New(enginetest.Options{Next: repeats})
	loop, err := New(model, engine.ContextConfig{ContextTokens: 512}, Config{MaxSequences: 1, DraftModel: drafts, Pacing: cheap()})
	if err != nil {
		t.Fatal(err)
	}
	g := submit(t, loop, plain(1, 30, 300))
	<-begun
	if err := loop.Close(); err != nil {
		t.Fatal(err)
	}
	if _, f := collect(g); f.Reason != ask.FinishAborted || !errors.Is(f.Err, ErrClosed) {
		t.Errorf("%+v", f)
	}
	checkEmpty(t, loop, model)
	if drafts.Open() != 0 || drafts.CachedTokens() != 0 {
		t.Errorf("%d contexts and %d tokens are left of the draft model", drafts.Open(), drafts.CachedTokens())
	}
}

// foreign is a model whose vocabulary differs from the fake one's.
type foreign struct {
	*enginetest.Model
	size  int
	token engine.Token // that has other bytes, -1 for none
}

func (f foreign) Info() engine.Info {
	info := f.Model.Info()
	info.VocabSize = f.size
	return info
}

func (f foreign) AppendPiece(dst []byte, t engine.Token, special bool) []byte {
	switch {
	case t == f.token:
		return append(dst, "other"...)
	case t >= enginetest.VocabSize:
		return dst
	}
	return f.Model.AppendPiece(dst, t, special)
}

func (f foreign) IsEndOfGeneration(t engine.Token) bool {
	return t < enginetest.VocabSize && f.Model.IsEndOfGeneration(t)
}

// TestVocabularies: a draft model has the same tokens, but for some at the end.
func TestVocabularies(t *testing.T) {
	model := enginetest.New(enginetest.Options{})
	for _, c := range []struct {
		size   int
		token  engine.Token
		common int
		text   string // of the error
	}{
		{enginetest.VocabSize, -1, enginetest.VocabSize, ""},
		{enginetest.VocabSize + 100, -1, enginetest.VocabSize, ""},
		{200, -1, 200, ""},
		{100, -1, 0, "100 tokens instead of 259: give a smaller model of the same family"},
		{enginetest.VocabSize, 'a', 0, `token 97 is "other" instead of "a"`},
	} {
		common, err := commonVocabulary(model, foreign{model, c.size, c.token})
		if common != c.common || (err == nil) != (c.text == "") || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %d, %v", c, common, err)
		}
	}
	_, err := New(model, engine.ContextConfig{}, Config{DraftModel: foreign{model, 5, -1}})
	if err == nil || model.Open() != 0 {
		t.Errorf("%v, %d contexts are open", err, model.Open())
	}
}

// TestTokensThatTheDraftModelLacks: a sequence that has one is not guessed for.
func TestTokensThatTheDraftModelLacks(t *testing.T) {
	drafts := foreign{enginetest.New(enginetest.Options{Next: repeats}), 200, -1}
	loop, model := stepped(t, enginetest.Options{Next: repeats, Printable: true}, engine.ContextConfig{ContextTokens: 2 * 256},
		Config{MaxSequences: 2, DraftModel: drafts, Pacing: cheap()})
	with, without := plain(1, 30, 60), plain(2, 30, 60)
	for i := range with.Prompt.Tokens {
		with.Prompt.Tokens[i], without.Prompt.Tokens[i] = 200+engine.Token(i), 'a'+engine.Token(i%7)
	}
	requests, generations := []*ask.Request{with, without}, []*Generation{submit(t, loop, with), submit(t, loop, without)}
	for i, all := range results(loop, generations) {
		var tokens []engine.Token
		for _, result := range all {
			tokens = append(tokens, result.Token)
		}
		checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
	}
	if generations[0].Finish().Drafted != 0 || generations[1].Finish().Accepted == 0 {
		t.Errorf("%+v, %+v", generations[0].Finish(), generations[1].Finish())
	}
}

// TestNoDraftModelWhereNothingIsCut: it is left alone where drafts cannot be taken back.
func TestNoDraftModelWhereNothingIsCut(t *testing.T) {
	drafts := enginetest.New(enginetest.Options{})
	for _, opts := range [][2]enginetest.Options{{{NoPartialRemoval: true}, {}}, {{}, {NoPartialRemoval: true}}} {
		drafts = enginetest.New(opts[1])
		loop, _ := stepped(t, opts[0], engine.ContextConfig{ContextTokens: 256},
			Config{MaxSequences: 1, DraftModel: drafts, Pacing: cheap(), Log: slog.New(slog.DiscardHandler)})
		if loop.scout != nil || drafts.Open() != 0 {
			t.Errorf("%+v: %d contexts are open", opts, drafts.Open())
		}
	}
}

// TestDraftModelSleeps: its context goes and comes with the engine's.
func TestDraftModelSleeps(t *testing.T) {
	drafts := enginetest.New(enginetest.Options{Next: repeats})
	loop, model := open(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 512}, Config{MaxSequences: 1, DraftModel: drafts, Pacing: cheap()})
	for range 2 {
		r := plain(1, 30, 80)
		g := submit(t, loop, r)
		tokens, f := collect(g)
		checkOutput(t, model, loop.Limits(), r, tokens, f)
		if f.Accepted == 0 {
			t.Error("nothing was guessed")
		}
		for loop.Sleep() != nil {
			runtime.Gosched() // what has ended is swept in the next step
		}
		if drafts.Open() != 0 || drafts.CachedTokens() != 0 {
			t.Errorf("asleep: %d contexts and %d tokens of the draft model", drafts.Open(), drafts.CachedTokens())
		}
		if err := loop.Wake(); err != nil {
			t.Fatal(err)
		}
	}
}
