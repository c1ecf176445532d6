package front

import (
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// meter counts the tokens of a stream: against the bounds of its client's key, by
// tier, and the time between two. Those of the prompt are counted at once, others as
// they come, so that a client that goes has paid for what it got. What is still in
// the generator when it goes is not counted. It belongs to its reader.
type meter struct {
	generate.Stream
	x         *exchange
	prompt    int // counted
	generated int // counted, of all answers
	each      []answerMeter
	first     [1]answerMeter // each, of one
	fresh     *answerMeter   // got tokens, whose time is not known yet
	more      int            // as many
}

// answerMeter is what is counted of an answer.
type answerMeter struct {
	tokens int
	last   time.Duration // when the last of them came, since the exchange began; 0: none has
}

// metered returns a stream of the answers to requests that counts.
func (x *exchange) metered(s generate.Stream, requests []*ask.Request) generate.Stream {
	x.story.received = time.Since(x.begin)
	m := &x.one
	*m = meter{Stream: s, x: x}
	if m.each = m.first[:]; len(requests) > 1 {
		m.each = make([]answerMeter, len(requests))
	}
	x.meter = m
	if sized, ok := s.(generate.Sized); ok {
		m.prompt = sized.PromptTokens()
		x.story.prompt = m.prompt
		x.spend(m.prompt, 0)
	}
	return m
}

// spend counts tokens of a prompt, and of an answer.
func (x *exchange) spend(prompt, generated int) {
	if x.visit != nil {
		x.visit.Spend(prompt, generated)
	}
	x.h.metrics.tiers.spend(x.granted, prompt, generated)
}

// Next implements generate.Stream.
func (m *meter) Next(ev *ask.Event) bool {
	m.settle()
	if !m.Stream.Next(ev) {
		return false
	}
	switch {
	case ev.End != nil:
		m.x.spend(max(0, ev.End.PromptTokens-m.prompt), max(0, ev.End.CompletionTokens-m.generated))
		m.prompt, m.generated = max(m.prompt, ev.End.PromptTokens), max(m.generated, ev.End.CompletionTokens)
		if len(m.each) == 1 {
			m.x.h.metrics.answered(ev.End)
		}
	case ev.ChoiceEnd != nil:
		m.count(ev.Choice, ev.ChoiceEnd.CompletionTokens)
		m.x.h.metrics.answered(ev.ChoiceEnd)
	case ev.Progress == nil:
		m.fresh, m.more = &m.each[ev.Choice], m.count(ev.Choice, ev.CompletionTokens)
		if ev.CompletionTokens == 0 {
			m.more = 1 // of who does not count them
		}
	}
	return true
}

// settle observes the time before the tokens of the event before. Only now is it
// known whether they came with others: exchange.Delivered is called for the first
// event of a look.
func (m *meter) settle() {
	if m == nil || m.fresh == nil {
		return
	}
	answer, more := m.fresh, m.more
	m.fresh = nil
	if more == 0 {
		return // text that was held back, of tokens that are counted
	}
	gaps := m.x.h.metrics.interToken
	if answer.last > 0 {
		gaps.Observe(int64(m.x.last - answer.last))
	}
	if more > 1 {
		gaps.ObserveN(0, more-1)
	}
	answer.last = m.x.last
}

// count counts the tokens that an answer has by now, and returns how many are new.
func (m *meter) count(answer, tokens int) (more int) {
	a := &m.each[answer]
	if more = tokens - a.tokens; more <= 0 {
		return 0
	}
	m.x.spend(0, more)
	a.tokens, m.generated = tokens, m.generated+more
	return more
}
