package ollama

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Answer renders the events of one generation as the body of a response that
// is not streamed, as they come. It belongs to one goroutine.
//
// The body is Head, and then all that was appended: the text, as it comes. What
// stands beside it is held, thinking for Head, calls and log-probabilities for the
// end.
type Answer struct {
	head     Head
	chat     bool
	thinking []byte // JSON, without quotes
	calls    calls
	called   []byte // the calls that are whole
	logprobs []byte // elements of an array
}

// NewAnswer returns the encoder of an answer: to a chat, or to a completion.
func NewAnswer(h Head, chat bool) *Answer { return &Answer{head: h, chat: chat} }

// Append appends what an event adds to the body, which is complete with the
// end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	a.thinking = wire.AppendJSONText(a.thinking, ev.Reasoning)
	if len(ev.Reasoning) > 0 || len(ev.Text) > 0 {
		a.close(nil)
	}
	dst = wire.AppendJSONText(dst, ev.Text)
	if len(ev.Logprobs) > 0 {
		if len(a.logprobs) > 0 {
			a.logprobs = append(a.logprobs, ',')
		}
		a.logprobs = appendLogprobs(a.logprobs, ev.Logprobs)
	}
	for i := range ev.Calls {
		piece := &ev.Calls[i]
		if a.calls.other(piece) {
			a.close(nil)
		}
		a.calls.next(piece)
	}
	if ev.End == nil {
		return dst
	}
	a.close(ev.End)
	dst = append(dst, '"')
	if len(a.called) > 0 {
		dst = append(dst, `,"tool_calls":[`...)
		dst = append(append(dst, a.called...), ']')
	}
	if a.chat {
		dst = append(dst, '}')
	}
	if len(a.logprobs) > 0 {
		dst = append(dst, `,"logprobs":[`...)
		dst = append(append(dst, a.logprobs...), ']')
	}
	return append(appendEnd(append(dst, ','), ev.End), '\n')
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what is held beside the text.
func (a *Answer) HeldBytes() int {
	return cap(a.thinking) + cap(a.calls.arguments) + cap(a.called) + cap(a.logprobs)
}

// Head is the body's beginning, when all else is there.
func (a *Answer) Head() []byte {
	dst := a.head.append(nil)
	if a.chat {
		dst = append(dst, `"message":{"role":"assistant",`...)
	}
	if len(a.thinking) > 0 {
		dst = append(dst, `"thinking":"`...)
		dst = append(append(dst, a.thinking...), `",`...)
	}
	if a.chat {
		return append(dst, `"content":"`...)
	}
	return append(dst, `"response":"`...)
}

// close ends the call that is open; end is the answer's, if it is there.
func (a *Answer) close(end *ask.End) {
	if a.calls.whole(end) {
		if len(a.called) > 0 {
			a.called = append(a.called, ',')
		}
		a.called = a.calls.append(a.called)
	}
	a.calls.close()
}
