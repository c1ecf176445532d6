package batch

import (
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/sampling"
)

// Job is a request and what it means for the model's vocabulary.
type Job struct {
	// Request has its prompt as tokens of the vocabulary, and its biases by
	// token.
	Request *ask.Request
	// Breakers are those of Request.Sampling.DRY, nil for none.
	Breakers *sampling.Breakers
	// Constraint holds what is generated to a form, nil for none. It is the
	// loop's from now on. A generation that is held to a form ends with it, also
	// with IgnoreEOS, where it is held.
	Constraint sampling.Constraint
}

// Submit is SubmitJob for a request alone.
func (l *Loop) Submit(r *ask.Request) (*Generation, error) { return l.SubmitJob(Job{Request: r}) }

// newGeneration makes the generation of a checked job.
func (l *Loop) newGeneration(j Job) *Generation {
	r := j.Request
	g := &Generation{loop: l, seq: newSequence(r, l.mostTokens(r)), topN: r.TopLogprobs}
	s := &g.seq
	s.sampler.Init(r.Sampling)
	s.next = s.one[:0]
	s.spending = new(spending)
	s.drawn = r.PostSampling && r.TopLogprobs >= 0
	g.ticket = newTicket(g, r)
	s.past = &sampling.Sequence{Ends: l.ends, MinTokens: r.MinTokens, Breakers: j.Breakers, Constraint: j.Constraint}
	if r.Sampling.Penalties.LastTokens == 0 && r.Sampling.DRY.Multiplier == 0 {
		s.begin() // nothing looks at the prompt
	}
	s.reuses, s.stays, s.key = l.reuse(r)
	s.constrained = j.Constraint != nil
	if r.Echo && r.TopLogprobs >= 0 {
		s.scores, s.scored = true, 1
		g.echoed = int32(s.prompt - 1)
	}
	s.marks = r.Progress && !s.scores
	s.guesses = l.newGuesses(r)
	if g.topN >= 0 {
		g.scoreNs = sampling.LogprobsCostNs(g.topN, l.vocab)
	}
	ring := mailbox.PowerOfTwo(min(l.config.RingTokens, max(s.limit-s.prompt+int(g.echoed), 2)))
	for ring > 2 && ring*g.topN*keyBytes > l.config.TopLogprobsBytes {
		ring /= 2
	}
	if s.marks {
		ring = max(ring, leastMarked)
	}
	g.results.init(ring, g.topN < 0) // the likeliest tokens go by slot
	if g.topN >= 0 {
		g.odds = &odds{of: make([]sampling.Odds, ring)}
	}
	return g
}
