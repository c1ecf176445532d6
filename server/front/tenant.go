package front

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/tenants"
)

// enter admits a request with a body within the bounds of its key, if that has
// some. account and leave end the visit, whichever comes first.
func (x *exchange) enter() (err error) {
	if x.tenant != nil {
		x.visit, err = x.tenant.Enter()
	}
	return err
}

// refused counts what the server refuses a key that is within its bounds.
func (x *exchange) refused(f *ask.Fault) {
	if x.tenant != nil && f.Kind == ask.QueueFull {
		x.tenant.Refused(tenants.CauseQueue)
	}
}

// tier is the one that a request gets: its key's, or the lowest if it wants no more.
func (x *exchange) tier(r *ask.Request) ask.Tier {
	switch {
	case r.Tenant.Tier == ask.TierBackground:
		return ask.TierBackground
	case x.tenant == nil:
		return ask.TierStandard
	}
	return x.tenant.Tier
}

// sign says on whose behalf requests are made, and what their header wants.
func (x *exchange) sign(requests ...*ask.Request) {
	for _, r := range requests {
		r.TPOTNs, r.TTFTNs = x.objectives.tpotNs, x.objectives.ttftNs
		r.Tenant.Tier = x.tier(r)
		if x.tenant != nil {
			r.Tenant.Name, r.Tenant.Weight = x.tenant.Name, x.tenant.Weight
		}
	}
}

// metered counts the tokens of a stream against the bounds of its client's key:
// those of the prompt at once, others as they come, so that a client that goes has
// paid for what it got. What is still in the generator when it goes is not counted.
// It belongs to its reader.
type metered struct {
	generate.Stream
	visit     *tenants.Visit
	prompt    int   // counted
	generated int   // counted, of all answers
	each      []int // counted, of each answer
}

// metered returns a stream of some answers that counts.
func (x *exchange) metered(s generate.Stream, answers int) generate.Stream {
	if x.visit == nil {
		return s
	}
	m := &metered{Stream: s, visit: x.visit, each: make([]int, answers)}
	if sized, ok := s.(generate.Sized); ok {
		m.prompt = sized.PromptTokens()
		m.visit.Spend(m.prompt, 0)
	}
	return m
}

// Next implements generate.Stream.
func (m *metered) Next(ev *ask.Event) bool {
	if !m.Stream.Next(ev) {
		return false
	}
	switch {
	case ev.End != nil:
		m.visit.Spend(max(0, ev.End.PromptTokens-m.prompt), max(0, ev.End.CompletionTokens-m.generated))
	case ev.ChoiceEnd != nil:
		m.count(ev.Choice, ev.ChoiceEnd.CompletionTokens)
	default:
		m.count(ev.Choice, ev.CompletionTokens)
	}
	return true
}

// count counts the tokens that an answer has by now.
func (m *metered) count(answer, tokens int) {
	if more := tokens - m.each[answer]; more > 0 {
		m.visit.Spend(0, more)
		m.each[answer], m.generated = tokens, m.generated+more
	}
}
