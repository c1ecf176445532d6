package batch

import (
	"time"

	"github.com/weirgo/weir/server/batch/pace"
)

// pacing is what the loop keeps for its policy. It belongs to who holds Loop.own.
type pacing struct {
	began int64         // the step under way, by sinceStart
	tpot  time.Duration // the shortest objective of who decodes in it, 0 for none
}

// tighter is the shorter of two objectives, 0 being none.
func tighter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// decide asks the policy what a step may hold beside decodes rows.
func (l *Loop) decide(decodes int) pace.Decision {
	return l.config.Pacing.Decide(pace.Demand{
		DecodeRows: decodes,
		Objectives: pace.Objectives{TPOT: l.pacing.tpot, Server: l.config.TPOT},
		Limits: pace.Limits{
			LeastPrompt: 1, MostPrompt: l.limits.BatchTokens - decodes,
			Prompt: l.config.PrefillTokens, Sequences: l.config.MaxSequences,
		},
	})
}

// observe shows the policy a step whose tokens are delivered.
func (l *Loop) observe(did *Step) {
	now := sinceStart()
	l.config.Pacing.Observe(pace.Observation{
		At: time.Duration(now), Took: time.Duration(now - l.pacing.began),
		DecodeRows: did.DecodeRows, PromptRows: did.PromptRows, Active: len(l.live), Waiting: len(l.waiting),
	})
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
