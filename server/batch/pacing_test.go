package batch

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// pacedLoop is a loop that the test steps, over an engine that takes base for a step
// and row for each row of it.
func pacedLoop(t *testing.T, base, row time.Duration, cfg Config) (*Loop, *[]Step) {
	t.Helper()
	var steps []Step
	cfg.Observe = func(s Step) { steps = append(steps, s) }
	loop, _ := stepped(t, enginetest.Options{Delay: func(b *engine.Batch) time.Duration { return base + time.Duration(b.Len())*row }},
		engine.ContextConfig{ContextTokens: cfg.MaxSequences * 4096, BatchTokens: 512}, cfg)
	return loop, &steps
}

// round does so many steps and reads what they give.
func round(l *Loop, n int, generations ...*Generation) {
	for range n {
		l.step()
		for _, g := range generations {
			ready(g, 16)
		}
	}
}

// TestPromptsWaitForTheObjective: beside two streams a long prompt gets what fits into
// a step of 5 ms, and alone all of a batch.
func TestPromptsWaitForTheObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 4, TPOT: 5 * time.Millisecond})
		streams := []*Generation{submit(t, loop, plain(1, 1, 0)), submit(t, loop, plain(2, 1, 0))}
		round(loop, 100, streams...)
		submit(t, loop, plain(3, 4000, 1))
		*steps = nil
		round(loop, 40, streams...)
		for i, s := range *steps {
			if i > 10 && (s.Duration > 5*time.Millisecond || s.PromptRows < 60) { // what a prompt takes was not known
				t.Errorf("step %d: %d and %d rows in %v", i, s.DecodeRows, s.PromptRows, s.Duration)
			}
		}
		for _, g := range streams {
			g.Cancel()
		}
		round(loop, 2, streams...)
		if last := (*steps)[len(*steps)-1]; last.DecodeRows != 0 || last.PromptRows != 512 {
			t.Errorf("alone: %+v", last)
		}
	})
}

// TestTheFirstPromptIsInTime: nobody has sent a prompt before, and each token of this one
// takes longer than the one before, as it attends to more. Streams that asked for three times
// what their steps take alone get 99 of 100 tokens in time.
func TestTheFirstPromptIsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const base, row, attended = 500 * time.Microsecond, 50 * time.Microsecond, 75 * time.Nanosecond
		random := rand.New(rand.NewPCG(1, 1))
		loop, _ := stepped(t, enginetest.Options{Delay: func(b *engine.Batch) time.Duration {
			took := base
			for _, at := range b.Positions {
				took += row + time.Duration(at)*attended
			}
			return time.Duration(float64(took) * (1 + 0.05*random.NormFloat64()))
		}}, engine.ContextConfig{ContextTokens: 9 * 5000, BatchTokens: 512}, Config{MaxSequences: 9})
		var all []*Generation
		for i := range 8 {
			stream := plain(i, 1, 0)
			stream.TPOTNs = int64(3 * (base + 8*(row+300*attended)))
			all = append(all, submit(t, loop, stream))
		}
		round(loop, 300, all...)
		prompt := submit(t, loop, plain(9, 4000, 1))
		before := loop.Stats().Pacing
		steps := 0
		for ; !prompt.ended.Load(); steps++ {
			round(loop, 1, all...)
		}
		after := loop.Stats().Pacing
		gaps, late := after.Gaps-before.Gaps, after.LateGaps-before.LateGaps
		t.Logf("%d steps, %d of %d gaps are late", steps, late, gaps)
		if gaps != uint64(8*steps) || float64(late) > 0.01*float64(gaps) {
			t.Errorf("%d of %d gaps are late in %d steps", late, gaps, steps)
		}
	})
}

// TestARequestHasItsOwnObjective: prompts wait for it while its stream runs, and not
// before or after.
func TestARequestHasItsOwnObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 4, PrefillTokens: 100, PromptShare: -1})
		patient := submit(t, loop, plain(1, 1, 0))
		long := submit(t, loop, plain(3, 4000, 1))
		round(loop, 20, patient, long)
		if last := (*steps)[len(*steps)-1]; last.PromptRows != 100 {
			t.Errorf("nobody is in a hurry: %+v", last)
		}
		hurried := plain(2, 1, 20)
		hurried.TPOTNs = 3e6
		*steps = nil
		quick := submit(t, loop, hurried)
		round(loop, 23, patient, long, quick)
		for i, s := range *steps {
			switch {
			case i == 0: // all steps before were alike: what a prompt takes was not known
			case i > 19:
				if s.PromptRows != 100 {
					t.Errorf("step %d, when it is gone: %+v", i, s)
				}
			case s.Duration > 3*time.Millisecond || s.PromptRows < 20 || s.PromptRows > 38:
				t.Errorf("step %d is in its hurry: %+v", i, s)
			}
		}
	})
}

func TestTighter(t *testing.T) {
	for _, c := range [][3]time.Duration{{0, 0, 0}, {1, 0, 1}, {0, 1, 1}, {1, 2, 1}, {2, 1, 1}} {
		if got := tighter(c[0], c[1]); got != c[2] {
			t.Errorf("%d of %d and %d", got, c[0], c[1])
		}
	}
}

// TestNoMoreAreAdmittedThanHaveTime: with 1 ms a step and 1 ms a row, an objective of
// 6 ms, less the margin and what prompts are to have, is for three.
func TestNoMoreAreAdmittedThanHaveTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, time.Millisecond, time.Millisecond, Config{MaxSequences: 8, TPOT: 6 * time.Millisecond})
		all := []*Generation{submit(t, loop, plain(0, 1, 0))}
		round(loop, 30, all...)
		for i := range 7 {
			all = append(all, submit(t, loop, plain(i, 1, 100)))
		}
		round(loop, 50, all...)
		for _, s := range *steps {
			if s.DecodeRows > 3 {
				t.Fatalf("%+v", s)
			}
		}
		if last := (*steps)[len(*steps)-1]; last.DecodeRows != 3 {
			t.Errorf("%+v", last)
		}
		all[0].Cancel()
		round(loop, 500, all...)
		for _, g := range all {
			if g.Finish().CompletionTokens == 0 {
				t.Error("somebody was never admitted")
			}
		}
	})
}

// TestPausedKeepNobodyOut: who takes no part in steps does not count, also where there
// is time for one alone.
func TestPausedKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, time.Millisecond, time.Millisecond, Config{MaxSequences: 4, RingTokens: 4, TPOT: 1})
		unread := submit(t, loop, plain(1, 1, 0))
		round(loop, 3)
		slow, quick := plain(2, 30, 0), plain(3, 5, 50)
		submit(t, loop, slow)
		g := submit(t, loop, quick)
		for range 200 {
			loop.step()
			if _, ended := ready(g, 16); ended {
				break
			}
		}
		if f := g.Finish(); f.CompletionTokens != 50 || unread.seq.generated() != 4 {
			t.Errorf("%+v, unread %d", f, unread.seq.generated())
		}
	})
}

// told is a policy that remembers what it was shown.
type told struct {
	pace.Policy
	steps   []pace.Observation
	demands []pace.Demand
}

func (p *told) Observe(o pace.Observation) { p.steps = append(p.steps, o) }

func (p *told) Decide(d pace.Demand) pace.Decision {
	p.demands = append(p.demands, d)
	return pace.Decision{PromptTokens: 7, Sequences: 2}
}

// What a policy is shown, and that what it says is done.
func TestPolicyIsShownEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := new(told)
		loop, steps := pacedLoop(t, time.Millisecond, time.Millisecond, Config{MaxSequences: 4, PrefillTokens: 9, TPOT: 20 * time.Millisecond, Pacing: policy})
		first := submit(t, loop, plain(1, 1, 5))
		round(loop, 1, first)
		others := []*Generation{submit(t, loop, plain(2, 20, 2)), submit(t, loop, plain(3, 20, 2))}
		round(loop, 1, first)
		want := pace.Observation{At: policy.steps[1].At, Took: 9 * time.Millisecond, DecodeRows: 1, PromptRows: 7, DecodeContext: 2, PromptContext: 28, Active: 2, Waiting: 1}
		if len(policy.steps) != 2 || policy.steps[1] != want || policy.steps[1].At-policy.steps[0].At != want.Took {
			t.Errorf("%+v, want %+v", policy.steps, want)
		}
		d := policy.demands[len(policy.demands)-1]
		limits := pace.Limits{LeastPrompt: 1, MostPrompt: 511, Prompt: 9, Sequences: 4}
		if want := (pace.Demand{DecodeRows: 1, DecodeContext: 2, Objectives: pace.Objectives{TPOT: 20e6, Server: 20e6, PromptShare: 0.25}, Limits: limits}); d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
		round(loop, 50, append(others, first)...)
		if s := loop.Stats(); s.Finished[ask.FinishLength] != 3 || len(policy.steps) != len(*steps) {
			t.Errorf("%+v, shown %d of %d steps", s, len(policy.steps), len(*steps))
		}
	})
}

func TestObjectiveOutOfRange(t *testing.T) {
	for _, tpot := range []time.Duration{-1, time.Hour} {
		_, err := New(enginetest.New(enginetest.Options{}), engine.ContextConfig{}, Config{TPOT: tpot})
		if err == nil || !strings.Contains(err.Error(), "TPOT is") {
			t.Errorf("%v: %v", tpot, err)
		}
	}
}

// TestNoClientTakesAllTheTime: beside a client that wants what nobody can keep, a long
// prompt of somebody else's takes a quarter of the time of each step.
func TestNoClientTakesAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const base, row = time.Millisecond, 50 * time.Microsecond
		loop, steps := pacedLoop(t, base, row, Config{MaxSequences: 4})
		patient, hostile := plain(1, 1, 0), plain(2, 1, 0)
		hostile.TPOTNs = 1
		streams := []*Generation{submit(t, loop, patient)}
		before := submit(t, loop, plain(4, 1000, 1))
		round(loop, 20, append(streams, before)...) // what a prompt takes is known
		streams = append(streams, submit(t, loop, hostile))
		round(loop, 100, streams...)
		submit(t, loop, plain(3, 4000, 1))
		*steps = nil
		round(loop, 100, streams...)
		prompts, took := time.Duration(0), time.Duration(0)
		for _, s := range *steps {
			prompts += time.Duration(s.PromptRows) * row
			took += s.Duration
		}
		if share := prompts.Seconds() / took.Seconds(); share < 0.2 || share > 0.3 {
			t.Errorf("prompts have %.3f of the time", share)
		}
	})
}

// TestGapsAreHeldToTheirOwnObjective: what counts for a stream is its own or the
// server's, and not that of others.
func TestGapsAreHeldToTheirOwnObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, steps := pacedLoop(t, 4*time.Millisecond, time.Millisecond, Config{MaxSequences: 4})
		loose, tight := plain(2, 1, 0), plain(3, 1, 0)
		loose.TPOTNs, tight.TPOTNs = 9e6, 6e6
		streams := []*Generation{submit(t, loop, plain(1, 1, 0)), submit(t, loop, loose), submit(t, loop, tight)}
		round(loop, 11, streams...)
		if s := loop.Stats().Pacing; s.Gaps != 20 || s.LateGaps != 10 || s.Objective != 6*time.Millisecond {
			t.Errorf("steps of %v: %+v", (*steps)[5].Duration, s)
		}
		long := submit(t, loop, plain(4, 100, 1))
		round(loop, 1, streams...)
		s, last := loop.Stats().Pacing, (*steps)[len(*steps)-1]
		if s.PromptBudget == 0 || s.PromptBudget < last.PromptRows {
			t.Errorf("%+v, and a step %+v", s, last)
		}
		long.Cancel()
		for _, g := range streams[1:] {
			g.Cancel()
		}
		round(loop, 2, streams...)
		if s := loop.Stats().Pacing; s.Objective != 0 || s.Gaps != 22 {
			t.Errorf("nobody wants anything: %+v", s)
		}
	})
}

func TestPromptShareOutOfRange(t *testing.T) {
	for _, share := range []float64{0.91, 1, math.NaN()} {
		_, err := New(enginetest.New(enginetest.Options{}), engine.ContextConfig{}, Config{PromptShare: share})
		if err == nil || !strings.Contains(err.Error(), "PromptShare is") {
			t.Errorf("%v: %v", share, err)
		}
	}
}
