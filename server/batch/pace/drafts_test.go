package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// drafted teaches a policy a machine on which a row of a draft takes so long.
func drafted(row time.Duration) *Learned {
	p, random := new(Learned), rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		o := Observation{DecodeRows: 1 + random.IntN(8), DraftRows: random.IntN(20)}
		o.Took = 10*ms + time.Duration(o.DecodeRows)*ms + time.Duration(o.DraftRows)*row
		p.Observe(o)
	}
	return p
}

// TestDraftsCost: what a row of a draft takes is learned beside what the others take.
func TestDraftsCost(t *testing.T) {
	if got := new(Learned).Drafts(Demand{DecodeRows: 1}, 0, 0.25); got != (Drafts{}) {
		t.Errorf("nothing is known: %+v", got)
	}
	for _, row := range []time.Duration{100 * us, ms, 5 * ms} {
		p := drafted(row)
		got := p.Drafts(Demand{DecodeRows: 4}, 0, 0.25)
		if off := math.Abs(got.RowSeconds/row.Seconds() - 1); off > 0.1 {
			t.Errorf("a row of %v: %+v", row, got)
		}
		if off := math.Abs(got.StepSeconds/0.014 - 1); off > 0.1 {
			t.Errorf("a step of 14 ms: %+v", got)
		}
	}
}

// TestFirstDraftsAreHeldUp: of the first steps with drafts one takes twenty times as long for
// reasons of its own. Drafts are no dearer for that. Where all take as long, the drafts do.
func TestFirstDraftsAreHeldUp(t *testing.T) {
	const step, row = 10 * ms, 100 * us
	for heldUp := range 12 {
		p := new(Learned)
		for range 200 {
			p.Observe(Observation{DecodeRows: 1, Took: step})
		}
		for i := range 12 {
			o := Observation{DecodeRows: 1, DraftRows: 4, Took: step + 4*row}
			if i == heldUp {
				o.Took *= heldUpTimes
			}
			p.Observe(o)
			if got := p.Drafts(Demand{DecodeRows: 1}, 0, 0.25); got.RowSeconds > 0.6*step.Seconds() || got.StepSeconds > 1.1*step.Seconds() {
				t.Errorf("step %d is held up, after %d: %+v", heldUp, i, got)
			}
		}
	}
	p := new(Learned)
	for range 200 {
		p.Observe(Observation{DecodeRows: 1, Took: step})
	}
	for range 5 {
		p.Observe(Observation{DecodeRows: 1, DraftRows: 4, Took: step + 4*2*step})
	}
	if got := p.Drafts(Demand{DecodeRows: 1}, 0, 0.25); got.RowSeconds < step.Seconds() || got.StepSeconds > 1.5*step.Seconds() {
		t.Errorf("a row takes two steps: %+v", got)
	}
}

// TestDraftsThatWereTooDear: of a machine that was slow while drafts were tried, it is found out
// by some that come long after.
func TestDraftsThatWereTooDear(t *testing.T) {
	const step, row = 10 * ms, 100 * us
	p := new(Learned)
	for range 200 {
		p.Observe(Observation{DecodeRows: 1, Took: step})
	}
	for range 20 {
		p.Observe(Observation{DecodeRows: 1, DraftRows: 2, Took: step + 2*300*row})
	}
	dear := p.Drafts(Demand{DecodeRows: 1}, 0, 0.25).RowSeconds
	for range 5 {
		for range 64 {
			p.Observe(Observation{DecodeRows: 1, Took: step})
		}
		p.Observe(Observation{DecodeRows: 1, DraftRows: 1, Took: step + row})
	}
	if got := p.Drafts(Demand{DecodeRows: 1}, 0, 0.25).RowSeconds; dear < step.Seconds() || got > step.Seconds()/10 {
		t.Errorf("a row cost %v s, and %v after five times that it took %v", dear, got, row)
	}
}

// TestDraftsCostWithContexts: what the tokens cost that rows attend to is no draft's, but
// those that the rows of drafts attend to themselves are. Sequences grow meanwhile.
func TestDraftsCostWithContexts(t *testing.T) {
	p, random := new(Learned), rand.New(rand.NewPCG(2, 1))
	const of = us / 2 // a token in a context
	for step := range 6000 {
		context := 1000 + step
		o := Observation{DecodeRows: 1 + random.IntN(4), DraftRows: random.IntN(20)}
		o.DecodeContext = o.DecodeRows * context
		o.Took = 10*ms + time.Duration(o.DecodeRows)*ms + time.Duration(o.DraftRows)*us*200 + time.Duration(o.DecodeContext+o.DraftRows*context)*of
		p.Observe(o)
		if step < 1000 || step%500 != 0 {
			continue
		}
		row, alone := (us*200 + time.Duration(context)*of).Seconds(), (12*ms + time.Duration(2*context)*of).Seconds()
		got := p.Drafts(Demand{DecodeRows: 2, DecodeContext: 2 * context}, 0, 0.25)
		if math.Abs(got.RowSeconds/row-1) > 0.15 || math.Abs(got.StepSeconds/alone-1) > 0.1 {
			t.Errorf("contexts of %d tokens: %+v, a row takes %v, a step %v", context, got, row, alone)
		}
	}
}

// TestDraftsHaveTime: beside others they lengthen the step by a part, within an objective
// they have what is left, and alone as many rows as they like.
func TestDraftsHaveTime(t *testing.T) {
	p := drafted(ms)
	for _, c := range []struct {
		decodes, prompts int
		tpot             time.Duration
		low, high        int
	}{
		{1, 0, 0, mostDrafts, mostDrafts},
		{4, 0, 0, 3, 4}, // a quarter of 14 ms
		{8, 0, 0, 4, 5},
		{1, 0, 20 * ms, 5, 9},
		{4, 0, 15 * ms, 0, 1},
		{4, 0, 5 * ms, 0, 0},
		{0, 10, 0, 0, 0},
	} {
		d := Demand{DecodeRows: c.decodes, Objectives: Objectives{TPOT: c.tpot}}
		if got := p.Drafts(d, c.prompts, 0.25); got.Rows < c.low || got.Rows > c.high {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
