package openai

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Answer renders the events of one generation as the body of a response that
// is not streamed, as they come. It belongs to one goroutine.
type Answer struct {
	head     Head
	chat     bool
	begun    bool
	logprobs logprobs // nil if nobody asked for them
}

// NewChatAnswer returns the encoder of a chat completion; withLogprobs says
// that the request asked for log-probabilities.
func NewChatAnswer(h Head, withLogprobs bool) *Answer { return newAnswer(h, true, withLogprobs) }

// NewCompletionAnswer returns the encoder of a completion.
func NewCompletionAnswer(h Head, withLogprobs bool) *Answer { return newAnswer(h, false, withLogprobs) }

func newAnswer(h Head, chat, withLogprobs bool) *Answer {
	a := &Answer{head: h, chat: chat}
	if withLogprobs {
		a.logprobs = newLogprobs(chat)
	}
	return a
}

// Append appends what an event adds to the body, which is complete with the
// end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	if !a.begun {
		a.begun = true
		dst = a.appendHead(dst)
	}
	if ev.End != nil {
		return a.appendEnd(dst, ev.End)
	}
	if a.logprobs != nil {
		a.logprobs.add(ev.Logprobs)
	}
	return wire.AppendJSONText(dst, ev.Text)
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

func (a *Answer) appendHead(dst []byte) []byte {
	if a.chat {
		dst = a.head.append(dst, "chat.completion")
		return append(dst, `{"index":0,"message":{"role":"assistant","content":"`...)
	}
	dst = a.head.append(dst, "text_completion")
	return append(dst, `{"index":0,"text":"`...)
}

func (a *Answer) appendEnd(dst []byte, end *ask.End) []byte {
	dst = append(dst, '"')
	if a.chat {
		dst = append(dst, `,"refusal":null}`...)
	}
	dst = append(dst, `,"logprobs":`...)
	if a.logprobs == nil {
		dst = append(dst, "null"...)
	} else {
		dst = a.logprobs.take(dst)
	}
	dst = append(dst, `,"finish_reason":`...)
	dst = append(dst, finishReason(end.Reason)...)
	dst = append(dst, `}],`...)
	return append(appendUsage(dst, end), '}')
}
