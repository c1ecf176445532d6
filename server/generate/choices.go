package generate

import (
	"context"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
)

// Choices submits requests whose answers belong together and merges them into
// one stream: an event's Choice is the index of its request, each answer ends
// with a ChoiceEnd, and End follows with the tokens of all, where each run of
// perPrompt requests has one prompt, counted once. The times in End are the
// longest of each kind. The first fault ends them all. One request is submitted as
// it is. The error is that of Submit, and then nothing is left running.
func Choices(ctx context.Context, g Generator, requests []*ask.Request, perPrompt int) (Stream, error) {
	if len(requests) == 1 {
		return g.Submit(ctx, requests[0])
	}
	m := &merged{perPrompt: perPrompt, open: len(requests)}
	for _, r := range requests {
		s, err := g.Submit(ctx, r)
		if err != nil {
			m.Cancel()
			return nil, err
		}
		m.choices = append(m.choices, s)
	}
	m.over = make([]bool, len(m.choices))
	return m, nil
}

// merged reads several streams in turns. It belongs to its reader, save for
// Cancel. All announce the same entry: whichever has something, all are looked at.
type merged struct {
	choices   []Stream
	over      []bool // of choices
	open      int    // not over
	turn      int    // whose event comes next, if it has one
	perPrompt int
	choiceEnd ask.End
	end       ask.End
	ended     bool
}

// Announce implements Stream.
func (m *merged) Announce(e *mailbox.Entry) {
	for _, s := range m.choices {
		s.Announce(e)
	}
}

// PromptTokens implements Sized: the tokens of each prompt once, of streams that know
// them.
func (m *merged) PromptTokens() (tokens int) {
	for at := 0; at < len(m.choices); at += m.perPrompt {
		if s, ok := m.choices[at].(Sized); ok {
			tokens += s.PromptTokens()
		}
	}
	return tokens
}

// Cancel implements Stream.
func (m *merged) Cancel() {
	for _, s := range m.choices {
		s.Cancel()
	}
}

// Next implements Stream.
func (m *merged) Next(ev *ask.Event) bool {
	*ev = ask.Event{}
	if m.ended {
		return false
	}
	if m.open == 0 {
		m.ended = true
		ev.End = &m.end
		return true
	}
	for range m.choices {
		at := m.turn
		m.turn = (m.turn + 1) % len(m.choices)
		if m.over[at] || !m.choices[at].Next(ev) {
			continue
		}
		ev.Choice = at
		if ev.End != nil {
			m.endOf(at, ev)
		}
		return true
	}
	*ev = ask.Event{}
	return false
}

// endOf turns the end of a choice into what its reader gets.
func (m *merged) endOf(at int, ev *ask.Event) {
	m.over[at] = true
	m.open--
	end := ev.End
	ev.End = nil
	if end.Fault != nil {
		m.Cancel()
		m.end.Reason, m.end.Fault, m.ended = end.Reason, end.Fault, true
		ev.End = &m.end
		return
	}
	if at%m.perPrompt == 0 {
		m.end.PromptTokens += end.PromptTokens
		m.end.CachedTokens += end.CachedTokens
	}
	m.end.CompletionTokens += end.CompletionTokens
	m.end.ReasoningTokens += end.ReasoningTokens
	m.end.DraftTokens += end.DraftTokens
	m.end.AcceptedTokens += end.AcceptedTokens
	if end.DecodeNs >= m.end.DecodeNs {
		m.end.Spent = end.Spent // of the one that took longest
	}
	m.end.QueueNs = max(m.end.QueueNs, end.QueueNs)
	m.end.PrefillNs = max(m.end.PrefillNs, end.PrefillNs)
	m.end.DecodeNs = max(m.end.DecodeNs, end.DecodeNs)
	if m.open == 0 {
		m.end.Reason = end.Reason // for the metrics: one of them
	}
	m.choiceEnd = *end
	ev.ChoiceEnd = &m.choiceEnd
}
