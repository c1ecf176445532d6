package openai

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Answer renders the events of one generation as the body of a response that
// is not streamed, as they come. It belongs to one goroutine.
//
// The body is Head, and then all that was appended. What gathers most is appended
// as it comes: the text, or where log-probabilities are asked for those of the
// likeliest tokens. What stands before it and is known later is Head's.
type Answer struct {
	head     Head
	chat     bool
	logprobs bool
	places   int    // of log-probabilities, so far
	text     []byte // with log-probabilities: JSON, without quotes
	arrays   completionLogprobs
}

// NewChatAnswer returns the encoder of a chat completion; withLogprobs says
// that the request asked for log-probabilities.
func NewChatAnswer(h Head, withLogprobs bool) *Answer { return newAnswer(h, true, withLogprobs) }

// NewCompletionAnswer returns the encoder of a completion.
func NewCompletionAnswer(h Head, withLogprobs bool) *Answer { return newAnswer(h, false, withLogprobs) }

func newAnswer(h Head, chat, withLogprobs bool) *Answer {
	return &Answer{head: h, chat: chat, logprobs: withLogprobs}
}

// Append appends what an event adds to the body, which is complete with the
// end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	if ev.End != nil {
		return a.appendEnd(dst, ev.End)
	}
	if !a.logprobs {
		return wire.AppendJSONText(dst, ev.Text)
	}
	a.text = wire.AppendJSONText(a.text, ev.Text)
	for i := range ev.Logprobs {
		e := &ev.Logprobs[i]
		if a.places++; a.places > 1 {
			dst = append(dst, ',')
		}
		if a.chat {
			dst = appendChatEntry(dst, e)
		} else {
			a.arrays.addPlace(e)
			dst = appendTopMap(dst, e)
		}
	}
	return dst
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what Head will be made of.
func (a *Answer) HeldBytes() int { return cap(a.text) + a.arrays.heldBytes() }

// Head is the body's beginning, when all else is there.
func (a *Answer) Head() []byte {
	if a.chat {
		return a.chatHead()
	}
	dst := a.head.append(nil, "text_completion")
	dst = append(dst, `{"index":0,"text":"`...)
	if !a.logprobs {
		return dst
	}
	dst = append(dst, a.text...)
	dst = append(dst, `","logprobs":`...)
	dst = a.arrays.appendTokensAndValues(dst)
	return append(dst, `"top_logprobs":[`...)
}

func (a *Answer) chatHead() []byte {
	dst := a.head.append(nil, "chat.completion")
	dst = append(dst, `{"index":0,"message":{"role":"assistant","content":"`...)
	if !a.logprobs {
		return dst
	}
	dst = append(dst, a.text...)
	return append(dst, `","refusal":null},"logprobs":`+chatLogprobsBegin...)
}

// appendEnd appends what follows the text, or the log-probabilities.
func (a *Answer) appendEnd(dst []byte, end *ask.End) []byte {
	switch {
	case a.chat && a.logprobs:
		dst = append(dst, chatLogprobsEnd...)
	case a.chat:
		dst = append(dst, `","refusal":null},"logprobs":null`...)
	case a.logprobs:
		dst = a.arrays.appendOffsets(append(dst, `],`...))
	default:
		dst = append(dst, `","logprobs":null`...)
	}
	dst = append(dst, `,"finish_reason":`...)
	dst = append(dst, finishReason(end.Reason)...)
	dst = append(dst, `}],`...)
	return append(appendUsage(dst, end), '}')
}
