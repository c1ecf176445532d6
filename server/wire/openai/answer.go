package openai

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Answer renders the events of one generation as the body of a response that
// is not streamed, as they come. It belongs to one goroutine.
//
// The body is Head, and then all that was appended. Of a single answer, what
// gathers most is appended as it comes: the text, or where log-probabilities are
// asked for those of the likeliest tokens. What stands before it and is known later
// is Head's. Several answers come in turns, and are appended when all have ended.
type Answer struct {
	head    Head
	shape   Shape
	choices []answerChoice
}

// answerChoice is one answer. Its JSON is its head, what was appended, and its end.
type answerChoice struct {
	index     int
	shape     *Shape
	body      []byte // of several: what was appended, and the end
	said      bool   // there is a text
	text      []byte // with log-probabilities: JSON, without quotes
	reasoning []byte // so too
	calls     []call
	places    int // of log-probabilities, so far
	arrays    completionLogprobs
}

// call is a call of a tool.
type call struct {
	id, name  string
	arguments []byte // JSON, without quotes
}

// NewAnswer returns the encoder of an answer that is not streamed.
func NewAnswer(h Head, shape Shape) *Answer {
	a := &Answer{head: h, shape: shape, choices: make([]answerChoice, shape.Choices)}
	for i := range a.choices {
		a.choices[i].index, a.choices[i].shape = i, &a.shape
	}
	return a
}

// NewChatAnswer returns the encoder of a chat completion with one answer;
// withLogprobs says that the request asked for log-probabilities.
func NewChatAnswer(h Head, withLogprobs bool) *Answer {
	return NewAnswer(h, Shape{Chat: true, Choices: 1, Logprobs: withLogprobs})
}

// NewCompletionAnswer returns the encoder of a completion with one answer.
func NewCompletionAnswer(h Head, withLogprobs bool) *Answer {
	return NewAnswer(h, Shape{Choices: 1, Logprobs: withLogprobs})
}

// Append appends what an event adds to the body, which is complete with the
// end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	c := &a.choices[ev.Choice]
	switch {
	case len(a.choices) == 1 && ev.End != nil:
		dst = c.appendEnd(dst, ev.End)
	case len(a.choices) == 1:
		return c.append(dst, ev)
	case ev.ChoiceEnd != nil:
		c.body = c.appendEnd(c.body, ev.ChoiceEnd)
		return dst
	case ev.End != nil:
		dst = a.appendChoices(dst)
	default:
		c.body = c.append(c.body, ev)
		return dst
	}
	dst = append(dst, `],`...)
	return append(a.shape.appendExtras(appendUsage(dst, ev.End), ev.End), '}')
}

func (a *Answer) appendChoices(dst []byte) []byte {
	for i := range a.choices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.choices[i].appendHead(dst)
		dst = append(dst, a.choices[i].body...)
	}
	return dst
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what Head, and the answers of several, will be made of.
func (a *Answer) HeldBytes() (n int) {
	for i := range a.choices {
		c := &a.choices[i]
		n += cap(c.body) + cap(c.text) + cap(c.reasoning) + c.arrays.heldBytes()
		for j := range c.calls {
			n += cap(c.calls[j].arguments)
		}
	}
	return n
}

// Head is the body's beginning, when all else is there.
func (a *Answer) Head() []byte {
	object := "text_completion"
	if a.shape.Chat {
		object = "chat.completion"
	}
	dst := a.head.append(nil, object)
	if len(a.choices) > 1 {
		return dst
	}
	return a.choices[0].appendHead(dst)
}

// append appends what an event adds.
func (c *answerChoice) append(dst []byte, ev *ask.Event) []byte {
	c.said = c.said || len(ev.Text) > 0
	if !c.shape.HideReasoning {
		c.reasoning = wire.AppendJSONText(c.reasoning, ev.Reasoning)
	}
	for i := range ev.Calls {
		c.addPiece(&ev.Calls[i])
	}
	if !c.shape.Logprobs {
		return wire.AppendJSONText(dst, ev.Text)
	}
	c.text = wire.AppendJSONText(c.text, ev.Text)
	for i := range ev.Logprobs {
		e := &ev.Logprobs[i]
		if c.places++; c.places > 1 {
			dst = append(dst, ',')
		}
		if c.shape.Chat {
			dst = appendChatEntry(dst, e)
		} else {
			c.arrays.addPlace(e)
			dst = appendTopMap(dst, e)
		}
	}
	return dst
}

func (c *answerChoice) addPiece(p *ask.CallPiece) {
	for len(c.calls) <= p.Index {
		c.calls = append(c.calls, call{})
	}
	one := &c.calls[p.Index]
	if p.ID != "" {
		one.id, one.name = p.ID, p.Name
	}
	one.arguments = wire.AppendJSONText(one.arguments, p.Arguments)
}

// appendHead appends what stands before that, when all else is there.
func (c *answerChoice) appendHead(dst []byte) []byte {
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, int64(c.index), 10)
	if !c.shape.Chat {
		dst = append(dst, `,"text":"`...)
		if !c.shape.Logprobs {
			return dst
		}
		dst = append(dst, c.text...)
		dst = append(dst, `","logprobs":`...)
		dst = c.arrays.appendTokensAndValues(dst)
		return append(dst, `"top_logprobs":[`...)
	}
	dst = append(dst, `,"message":{"role":"assistant",`...)
	if len(c.reasoning) > 0 {
		dst = append(dst, `"reasoning_content":"`...)
		dst = append(append(dst, c.reasoning...), `",`...)
	}
	if c.silent() {
		dst = append(dst, `"content":null`...)
	} else {
		dst = append(dst, `"content":"`...)
	}
	if !c.shape.Logprobs {
		return dst
	}
	if !c.silent() {
		dst = append(append(dst, c.text...), '"')
	}
	dst = c.appendMessageEnd(dst)
	return append(dst, `,"logprobs":`+chatLogprobsBegin...)
}

// silent says that the message has calls instead of a text.
func (c *answerChoice) silent() bool { return !c.said && len(c.calls) > 0 }

// appendMessageEnd appends what follows the text of a chat's message.
func (c *answerChoice) appendMessageEnd(dst []byte) []byte {
	dst = append(dst, `,"refusal":null`...)
	if len(c.calls) == 0 {
		return append(dst, '}')
	}
	if c.shape.FunctionCall {
		dst = append(dst, `,"function_call":`...)
		return append(c.calls[0].append(dst), '}')
	}
	dst = append(dst, `,"tool_calls":[`...)
	for i := range c.calls {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = wire.AppendJSONString(dst, c.calls[i].id)
		dst = append(dst, `,"type":"function","function":`...)
		dst = append(c.calls[i].append(dst), '}')
	}
	return append(dst, `]}`...)
}

// append appends the function and its arguments.
func (c *call) append(dst []byte) []byte {
	dst = append(dst, `{"name":`...)
	dst = wire.AppendJSONString(dst, c.name)
	dst = append(dst, `,"arguments":"`...)
	return append(append(dst, c.arguments...), `"}`...)
}

// appendEnd appends what follows the text, or the log-probabilities.
func (c *answerChoice) appendEnd(dst []byte, end *ask.End) []byte {
	switch {
	case c.shape.Chat && c.shape.Logprobs:
		dst = append(dst, chatLogprobsEnd...)
	case c.shape.Chat:
		if !c.silent() {
			dst = append(dst, '"')
		}
		dst = append(c.appendMessageEnd(dst), `,"logprobs":null`...)
	case c.shape.Logprobs:
		dst = c.arrays.appendOffsets(append(dst, `],`...))
	default:
		dst = append(dst, `","logprobs":null`...)
	}
	dst = append(dst, `,"finish_reason":`...)
	dst = append(dst, c.shape.finishReason(end.Reason)...)
	return append(dst, '}')
}
