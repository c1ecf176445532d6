package openai

import (
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Stream renders the events of one generation as SSE frames, "data: {…}\n\n".
// What the chunks share is rendered once; Append appends whole frames to the
// caller's buffer and allocates nothing else. It belongs to one goroutine.
type Stream struct {
	shape   Shape
	head    []byte // up to and with "choices":[; in room, if it fits
	tail    string // after a choice
	choices []streamChoice
	one     [1]streamChoice // choices, of one
	room    [headBytes]byte
}

// headBytes is room for the head of most: ids have 35 bytes, and names a few dozen.
const headBytes = 256

// streamChoice is what is known of one answer.
type streamChoice struct {
	begun    bool
	logprobs logprobs // nil until there are some
}

// plainEnd ends a choice that has neither logprobs nor a finish reason.
const plainEnd = `,"logprobs":null,"finish_reason":null}`

// NewStream returns the encoder of a streamed answer.
func NewStream(h Head, shape Shape) *Stream {
	object := "text_completion"
	if shape.Chat {
		object = "chat.completion.chunk"
	}
	s := &Stream{shape: shape, tail: "]" + chunkEnd}
	if s.choices = s.one[:]; shape.Choices != 1 {
		s.choices = make([]streamChoice, shape.Choices)
	}
	s.head = h.append(append(s.room[:0], "data: "...), object)
	if shape.Usage {
		s.tail = `],"usage":null` + chunkEnd
	}
	return s
}

// NewChatStream returns the encoder of a streamed chat completion with one
// answer. With includeUsage each chunk has a "usage" field, null but in the last.
func NewChatStream(h Head, includeUsage bool) *Stream {
	return NewStream(h, Shape{Chat: true, Choices: 1, Usage: includeUsage})
}

// NewCompletionStream returns the encoder of a streamed completion with one answer.
func NewCompletionStream(h Head, includeUsage bool) *Stream {
	return NewStream(h, Shape{Choices: 1, Usage: includeUsage})
}

// Append appends the frames of an event, which has no fault.
func (s *Stream) Append(dst []byte, ev *ask.Event) []byte {
	switch {
	case ev.ChoiceEnd != nil:
		return s.appendFinish(s.appendRole(dst, ev.Choice), ev.Choice, ev.ChoiceEnd)
	case ev.End != nil:
		if len(s.choices) == 1 {
			dst = s.appendFinish(s.appendRole(dst, 0), 0, ev.End)
		}
		return s.appendEnd(dst, ev.End)
	case ev.Progress != nil:
		return s.appendProgress(dst, ev)
	}
	dst = s.appendRole(dst, ev.Choice)
	reasoning := len(ev.Reasoning) > 0 && !s.shape.HideReasoning
	if len(ev.Text) == 0 && len(ev.Logprobs) == 0 && !s.calls(ev) && !reasoning {
		return dst // everything is held back
	}
	dst = s.appendIndex(dst, ev.Choice)
	if s.shape.Chat {
		dst = append(s.appendDelta(dst, ev, reasoning), '}')
	} else {
		dst = append(dst, `"text":`...)
		dst = wire.AppendJSONString(dst, ev.Text)
	}
	if len(ev.Logprobs) == 0 {
		dst = append(dst, plainEnd...)
	} else {
		dst = s.appendLogprobs(dst, ev)
	}
	return s.appendTail(dst, ev)
}

// chunkEnd is what the tail of a chunk ends with.
const chunkEnd = "}\n\n"

// appendTail ends a chunk of an event, with what was asked for of its making.
func (s *Stream) appendTail(dst []byte, ev *ask.Event) []byte {
	if ev.SoFar == nil && ev.Progress == nil {
		return append(dst, s.tail...)
	}
	dst = append(dst, strings.TrimSuffix(s.tail, chunkEnd)...)
	return append(wire.AppendProgress(wire.AppendSoFar(dst, ev), ev), chunkEnd...)
}

// AppendFault appends a failure in mid-stream, after which nothing comes.
func (s *Stream) AppendFault(dst []byte, f *ask.Fault) []byte {
	return wire.AppendFrame(dst, AppendFault(nil, f))
}

// calls reports whether an event has pieces of calls that are written: the older
// form has one call.
func (s *Stream) calls(ev *ask.Event) bool {
	return len(ev.Calls) > 0 && (!s.shape.FunctionCall || ev.Calls[0].Index == 0)
}

// appendIndex begins a chunk of a choice.
func (s *Stream) appendIndex(dst []byte, choice int) []byte {
	dst = append(dst, s.head...)
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, int64(choice), 10)
	return append(dst, ',')
}

// appendDelta appends what a chat's event adds, and leaves the object open. Text
// without anything is a delta too: log-probabilities have their place there.
func (s *Stream) appendDelta(dst []byte, ev *ask.Event, reasoning bool) []byte {
	dst = append(dst, `"delta":{`...)
	if reasoning {
		dst = append(dst, `"reasoning_content":`...)
		dst = wire.AppendJSONString(dst, ev.Reasoning)
	}
	calls := s.calls(ev)
	if len(ev.Text) > 0 || !reasoning && !calls {
		if reasoning {
			dst = append(dst, ',')
		}
		dst = append(dst, `"content":`...)
		dst = wire.AppendJSONString(dst, ev.Text)
	}
	if !calls {
		return dst
	}
	if reasoning || len(ev.Text) > 0 {
		dst = append(dst, ',')
	}
	if s.shape.FunctionCall {
		return appendFunctionDelta(dst, ev.Calls)
	}
	return appendCallDeltas(dst, ev.Calls)
}

// appendCallDeltas appends pieces of calls: the first of each has its name.
func appendCallDeltas(dst []byte, pieces []ask.CallPiece) []byte {
	dst = append(dst, `"tool_calls":[`...)
	for i := range pieces {
		p := &pieces[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(p.Index), 10)
		if p.ID != "" {
			dst = append(dst, `,"id":`...)
			dst = wire.AppendJSONString(dst, p.ID)
			dst = append(dst, `,"type":"function"`...)
		}
		dst = append(dst, `,"function":{`...)
		if p.Name != "" {
			dst = append(dst, `"name":`...)
			dst = wire.AppendJSONString(dst, p.Name)
			dst = append(dst, ',')
		}
		dst = append(dst, `"arguments":`...)
		dst = wire.AppendJSONString(dst, p.Arguments)
		dst = append(dst, `}}`...)
	}
	return append(dst, ']')
}

// appendFunctionDelta appends pieces of the one call that the older form has.
func appendFunctionDelta(dst []byte, pieces []ask.CallPiece) []byte {
	dst = append(dst, `"function_call":{`...)
	for i := range pieces {
		if p := &pieces[i]; p.Name != "" && p.Index == 0 {
			dst = append(dst, `"name":`...)
			dst = wire.AppendJSONString(dst, p.Name)
			dst = append(dst, ',')
		}
	}
	dst = append(dst, `"arguments":"`...)
	for i := range pieces {
		if pieces[i].Index == 0 {
			dst = wire.AppendJSONText(dst, pieces[i].Arguments)
		}
	}
	return append(dst, `"}`...)
}

// appendRole appends what comes before the first text of an answer: a chat's role
// chunk, nothing for a completion.
func (s *Stream) appendRole(dst []byte, choice int) []byte {
	if s.choices[choice].begun || !s.shape.Chat {
		return dst
	}
	return append(s.appendNothing(dst, choice), s.tail...)
}

// appendProgress appends a chunk that says how much of the prompt is computed. A
// chat's first one is its role chunk.
func (s *Stream) appendProgress(dst []byte, ev *ask.Event) []byte {
	return s.appendTail(s.appendNothing(dst, ev.Choice), ev)
}

// appendNothing appends a choice without text; a chat's first one has the role.
func (s *Stream) appendNothing(dst []byte, choice int) []byte {
	c := &s.choices[choice]
	dst = s.appendIndex(dst, choice)
	switch {
	case !s.shape.Chat:
		dst = append(dst, `"text":""`...)
	case c.begun:
		dst = append(dst, `"delta":{}`...)
	default:
		dst = append(dst, `"delta":{"role":"assistant","content":null,"refusal":null}`...)
	}
	c.begun = true
	return append(dst, plainEnd...)
}

func (s *Stream) appendLogprobs(dst []byte, ev *ask.Event) []byte {
	c := &s.choices[ev.Choice]
	if c.logprobs == nil {
		c.logprobs = newLogprobs(s.shape.Chat)
	}
	c.logprobs.add(ev.Logprobs)
	dst = c.logprobs.take(append(dst, `,"logprobs":`...))
	return append(dst, `,"finish_reason":null}`...)
}

// appendFinish appends the chunk with an answer's finish reason.
func (s *Stream) appendFinish(dst []byte, choice int, end *ask.End) []byte {
	dst = s.appendIndex(dst, choice)
	if s.shape.Chat {
		dst = append(dst, `"delta":{}`...)
	} else {
		dst = append(dst, `"text":""`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	dst = append(dst, s.shape.finishReason(end.Reason)...)
	dst = append(dst, '}')
	if s.shape.Usage && !s.shape.EachTimings {
		return append(dst, s.tail...)
	}
	if s.shape.Usage {
		return s.appendTail(dst, &ask.Event{SoFar: end})
	}
	dst = s.shape.appendExtras(append(dst, ']'), end)
	return append(dst, "}\n\n"...)
}

// appendEnd appends the usage chunk, which has no choices, if the client asked for
// it, and what ends a stream.
func (s *Stream) appendEnd(dst []byte, end *ask.End) []byte {
	if s.shape.Usage {
		dst = append(dst, s.head...)
		dst = append(dst, `],`...)
		dst = s.shape.appendExtras(appendUsage(dst, end), end)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, wire.DoneFrame...)
}
