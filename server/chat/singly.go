package chat

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// singly gives each call of a message one of its own, with the answer to it
// behind, for templates that render no more than one call a message.
func (t *Template) singly(messages []ask.Message) []ask.Message {
	if !t.oneCall {
		return messages
	}
	var apart []ask.Message // nil: as they are
	for i := 0; i < len(messages); i++ {
		m := &messages[i]
		calls := callsOf(m)
		if len(calls) < 2 {
			if apart != nil {
				apart = append(apart, *m)
			}
			continue
		}
		if apart == nil {
			apart = slices.Clone(messages[:i])
		}
		answers := slices.Clone(messages[i+1:])
		if end := slices.IndexFunc(answers, func(m ask.Message) bool { return m.Role != "tool" }); end >= 0 {
			answers = answers[:end]
		}
		i += len(answers)
		for n, call := range calls {
			one := ask.Message{Role: m.Role, Name: m.Name, ToolCalls: slices.Concat([]byte{'['}, call, []byte{']'})}
			if n == 0 {
				one.Content, one.Parts, one.Reasoning = m.Content, m.Parts, m.Reasoning
			}
			apart = append(apart, one)
			if at := slices.IndexFunc(answers, func(m ask.Message) bool { return m.ToolCallID == idOf(call) }); at >= 0 {
				apart = append(apart, answers[at])
				answers = slices.Delete(answers, at, at+1)
			}
		}
		apart = append(apart, answers...)
	}
	if apart == nil {
		return messages
	}
	return apart
}

// callsOf returns the calls of a message, none if they are no array: rendering
// says what is wrong with them.
func callsOf(m *ask.Message) (calls []jsontext.Value) {
	if m.ToolCalls == nil || json.Unmarshal(m.ToolCalls, &calls) != nil {
		return nil
	}
	return calls
}

func idOf(call jsontext.Value) string {
	var c struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(call, &c) != nil {
		return ""
	}
	return c.ID
}
