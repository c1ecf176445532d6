package batch

import (
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/batch/pace"
)

// pacing is what the loop keeps for its policy. It belongs to who holds Loop.own, but
// for what is atomic: that is written there alone, and read by all.
type pacing struct {
	began int64         // the step under way, by sinceStart
	tpot  time.Duration // the shortest objective of who decodes in it, 0 for none
	aside time.Duration // of its time, what a draft model took to read
	// Tokens that its rows attend to, and those before the next one of the prompt that is
	// furthest on.
	decodeContext, promptContext, furthest int
	wants                                  []time.Duration // the objectives of its rows that have one

	estimate estimate

	budget     atomic.Int64 // prompt tokens of the last step with prompts, at most
	objective  atomic.Int64 // tpot of the last step, in ns
	gaps, late atomic.Uint64
	refused    atomic.Uint64
}

// Pacing is what Stats has of it.
type Pacing struct {
	// PromptBudget is how many prompt tokens the last step that had some took at most.
	PromptBudget int
	// Objective is the shortest of those who decoded in the last step, 0 for none.
	Objective time.Duration

	// Since the start.
	Gaps     uint64 // between two tokens of streams with an objective, from the end of a step to that of the next
	LateGaps uint64 // that were longer than that stream's objective
	Refused  uint64 // requests whose first token would have come too late
}

// stats is read without a lock.
func (p *pacing) stats() Pacing {
	return Pacing{
		PromptBudget: int(p.budget.Load()), Objective: time.Duration(p.objective.Load()),
		Gaps: p.gaps.Load(), LateGaps: p.late.Load(), Refused: p.refused.Load(),
	}
}

// plan begins to gather the objectives of a step's rows; server is everybody's.
func (p *pacing) plan(server time.Duration) {
	p.tpot, p.wants, p.aside = server, p.wants[:0], 0
	p.decodeContext, p.promptContext, p.furthest = 0, 0, 0
}

// row is one that decodes. Its first token ends no gap.
func (p *pacing) row(server time.Duration, s *sequence) {
	p.tpot = tighter(p.tpot, s.tpot)
	p.decodeContext += s.cached + 1
	if want := tighter(server, s.tpot); want > 0 && s.generated() > 0 {
		p.wants = append(p.wants, want)
	}
}

// piece is one of a prompt.
func (p *pacing) piece(s *sequence) {
	p.promptContext += s.piece*s.cached + s.piece*(s.piece+1)/2
}

// tighter is the shorter of two objectives, 0 being none.
func tighter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// decide asks the policy what a step may hold beside decodes rows.
func (l *Loop) decide(decodes int) pace.Decision { return l.config.Pacing.Decide(l.demand(decodes)) }

// demand is a step that has decodes rows.
func (l *Loop) demand(decodes int) pace.Demand {
	return pace.Demand{
		DecodeRows: decodes, DecodeContext: l.pacing.decodeContext, PromptContext: l.pacing.furthest,
		Objectives: pace.Objectives{TPOT: l.pacing.tpot, Server: l.config.TPOT, PromptShare: max(0, l.config.PromptShare)},
		Limits: pace.Limits{
			LeastPrompt: 1, MostPrompt: l.limits.BatchTokens - decodes,
			Prompt: l.config.PrefillTokens, Sequences: l.config.MaxSequences,
		},
	}
}

// observe shows the policy a step whose tokens are delivered.
func (l *Loop) observe(did *Step) {
	p, now := &l.pacing, sinceStart()
	did.Took = time.Duration(now - p.began)
	l.config.Pacing.Observe(pace.Observation{
		At: time.Duration(now), Took: did.Took - p.aside,
		DecodeRows: did.DecodeRows, PromptRows: did.PromptRows, DraftRows: did.DraftRows,
		DecodeContext: p.decodeContext, PromptContext: p.promptContext, Active: len(l.live), Waiting: l.waiting.Len(),
	})
	late := 0
	for _, want := range p.wants {
		if did.Took > want {
			late++
		}
	}
	// Late ones first: who reads both never sees more of them than gaps it missed.
	p.late.Add(uint64(late))
	p.gaps.Add(uint64(len(p.wants)))
	p.objective.Store(int64(p.tpot))
	l.foresee()
}

// admissible is how many more sequences are admitted now. Those that are paused take
// no part in steps: where none does, there is one at least.
func (l *Loop) admissible() int {
	running := 0
	for _, g := range l.live {
		if g.seq.runnable(g) {
			running++
		}
	}
	return l.decide(running).Sequences - running
}
