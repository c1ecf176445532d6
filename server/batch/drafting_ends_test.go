package batch

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestFormsWithDrafts: a form is asked once for each token that is delivered, and for
// the end, also within a draft.
func TestFormsWithDrafts(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{Next: func(tokens []engine.Token) engine.Token { return '0' + engine.Token(len(tokens)%4) }},
		engine.ContextConfig{ContextTokens: 4 * 128}, Config{MaxSequences: 4, Draft: lookup, Pacing: cheap()})
	var forms []*digits
	var generations []*Generation
	for i := range 4 {
		form := &digits{left: 30 + i}
		r := plain(i, 5, 60)
		r.Sampling.Temperature = float32(i % 2)
		forms, generations = append(forms, form), append(generations, submitJob(t, loop, Job{Request: r, Constraint: form}))
	}
	for i, tokens := range results(loop, generations) {
		if f := generations[i].Finish(); f.Reason != ask.FinishStop || len(tokens) != 30+i || f.Accepted == 0 {
			t.Errorf("form %d: %d tokens, %+v", i, len(tokens), f)
		}
		if forms[i].asked != len(tokens)+1 {
			t.Errorf("form %d: asked %d times for %d tokens", i, forms[i].asked, len(tokens))
		}
	}
	loop.share.running.Wait()
}

// stuckForm allows so many tokens, and then none.
type stuckForm struct{ left int }

func (f *stuckForm) Allowed() []uint64 {
	set := make([]uint64, (enginetest.VocabSize+63)/64)
	for i := range set {
		if f.left > 0 {
			set[i] = ^uint64(0)
		}
	}
	return set
}

func (f *stuckForm) Accept(ask.Token) { f.left-- }

// TestFormStuckWithinADraft: what came before is delivered.
func TestFormStuckWithinADraft(t *testing.T) {
	for left := 20; left < 40; left++ {
		loop, _ := stepped(t, enginetest.Options{Next: func([]engine.Token) engine.Token { return 'a' }},
			engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1, Draft: lookup, Pacing: cheap()})
		g := submitJob(t, loop, Job{Request: plain(1, 5, 60), Constraint: &stuckForm{left}})
		tokens := results(loop, []*Generation{g})[0]
		if f := g.Finish(); f.Err != ErrFormStuck || len(tokens) != left || f.CompletionTokens != left || f.Accepted == 0 {
			t.Errorf("%d tokens of %d: %+v", len(tokens), left, f)
		}
		loop.share.running.Wait()
	}
}

// blunt is a context that says that it can cut, and cannot.
type blunt struct {
	engine.Context
	asked int
}

func (b *blunt) RemoveSequence(id engine.SequenceID, from, to int) bool {
	if from > 0 {
		b.asked++
		return false
	}
	return b.Context.RemoveSequence(id, from, to)
}

// TestUncut: an engine that does not cut is not asked again, and what it has computed is
// computed anew.
func TestUncut(t *testing.T) {
	loop, model := stepped(t, enginetest.Options{Next: repeats}, engine.ContextConfig{ContextTokens: 2 * 256},
		Config{MaxSequences: 2, Draft: lookup, Pacing: cheap(), NoPrefixCache: true})
	context := &blunt{Context: loop.context}
	loop.context = context
	requests := []*ask.Request{plain(1, 30, 90), plain(2, 30, 90)}
	generations := []*Generation{submit(t, loop, requests[0]), submit(t, loop, requests[1])}
	for i, tokens := range finishAll(t, loop, generations) {
		checkOutput(t, model, loop.Limits(), requests[i], tokens, generations[i].Finish())
	}
	if context.asked == 0 || context.asked > 2 {
		t.Errorf("asked %d times", context.asked)
	}
}

// TestNothingIsDraftedThatCannotBeCut: of a model whose sequences cannot be cut.
func TestNothingIsDraftedThatCannotBeCut(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{Next: repeats, NoPartialRemoval: true}, engine.ContextConfig{ContextTokens: 256},
		Config{MaxSequences: 1, Draft: lookup, Pacing: cheap()})
	g := submit(t, loop, plain(1, 30, 90))
	results(loop, []*Generation{g})
	if s := loop.Stats(); s.DraftTokens != 0 || s.CompletionTokens != 90 {
		t.Errorf("%+v", s)
	}
}
