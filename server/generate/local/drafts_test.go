package local

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// cheap is a policy for which every draft is worth its rows.
type cheap struct{ pace.Learned }

func (*cheap) Drafts(pace.Demand, int, float64) pace.Drafts {
	return pace.Drafts{StepSeconds: 1, RowSeconds: 1e-4, Rows: 1 << 20}
}

// drafting makes a generator that guesses, or one that does not.
func drafting(t *testing.T, fake enginetest.Options, guesses bool) *Generator {
	t.Helper()
	model := enginetest.New(fake)
	g, err := New(model, Config{
		ID: "tiny", Context: engine.ContextConfig{MaxSequences: 2, ContextTokens: 2 * 256},
		Batching: Batching{Log: slog.New(slog.DiscardHandler), Draft: Drafts{Lookup: guesses}, Pacing: new(cheap)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(), model.Close()); err != nil {
			t.Error(err)
		}
	})
	return g
}

// TestStopStringsWithDrafts: wherever in a draft a stop string ends, text, tokens and
// log-probabilities end where they do without drafts, and so do they at the bound of an
// answer.
func TestStopStringsWithDrafts(t *testing.T) {
	reply := enginetest.ReplyAfter(":", strings.Repeat("one two three four, ", 9)+"and that is all.")
	with := drafting(t, enginetest.Options{Next: reply}, true)
	without := drafting(t, enginetest.Options{Next: reply}, false)
	guessed := 0
	for _, r := range []ask.Request{
		{}, {Stop: []string{"four, one two three four, one"}}, {Stop: []string{"that"}}, {Stop: []string{"l."}}, {Stop: []string{"never", "e four, o"}},
		{MaxTokens: 1}, {MaxTokens: 60}, {MaxTokens: 61}, {MaxTokens: 75, Stop: []string{"and"}}, {MaxTokens: 70, ReturnTokens: true, TopLogprobs: 2},
	} {
		if r.TopLogprobs == 0 {
			r.TopLogprobs = -1
		}
		r.Prompt.Text = "count:"
		same := r // who submits a request gives it away
		pieces, scores, end := answer(t, with, &r)
		wantPieces, wantScores, want := answer(t, without, &same)
		if strings.Join(pieces, "") != strings.Join(wantPieces, "") || !reflect.DeepEqual(scores, wantScores) {
			t.Errorf("%q, %d: %q, without drafts %q", r.Stop, r.MaxTokens, pieces, wantPieces)
		}
		if end.Reason != want.Reason || end.StopString != want.StopString || end.CompletionTokens != want.CompletionTokens {
			t.Errorf("%q, %d: %+v, without drafts %+v", r.Stop, r.MaxTokens, end, want)
		}
		if end.AcceptedTokens > end.DraftTokens || want.DraftTokens != 0 {
			t.Errorf("%q, %d: %+v, without drafts %+v", r.Stop, r.MaxTokens, end, want)
		}
		guessed += end.AcceptedTokens
	}
	if guessed == 0 {
		t.Error("nothing was guessed")
	}
	if l := with.Load(); l.Drafts == 0 || l.Accepted < uint64(guessed) || l.Drafted < l.Accepted {
		t.Errorf("%+v", l)
	}
	if !with.Sequences()[1].Drafts || without.Sequences()[0].Drafts {
		t.Error("places do not say whether there are drafts")
	}
}
