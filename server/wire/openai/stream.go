package openai

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Stream renders the events of one generation as SSE frames, "data: {…}\n\n".
// What the chunks share is rendered once; Append appends whole frames to the
// caller's buffer and allocates nothing else. It belongs to one goroutine.
type Stream struct {
	chat, usage, begun bool
	head               []byte   // up to and with "choices":[
	tail               string   // after a choice
	logprobs           logprobs // nil until there are some
}

// plainEnd ends a choice that has neither logprobs nor a finish reason.
const plainEnd = `,"logprobs":null,"finish_reason":null}`

// NewChatStream returns the encoder of a streamed chat completion. With
// includeUsage each chunk has a "usage" field, null but in the last.
func NewChatStream(h Head, includeUsage bool) *Stream {
	return newStream(h, "chat.completion.chunk", true, includeUsage)
}

// NewCompletionStream returns the encoder of a streamed completion.
func NewCompletionStream(h Head, includeUsage bool) *Stream {
	return newStream(h, "text_completion", false, includeUsage)
}

func newStream(h Head, object string, chat, includeUsage bool) *Stream {
	s := &Stream{chat: chat, usage: includeUsage, tail: "]}\n\n"}
	s.head = h.append(append(make([]byte, 0, 256), "data: "...), object)
	if includeUsage {
		s.tail = "],\"usage\":null}\n\n"
	}
	return s
}

// Append appends the frames of an event, which has no fault.
func (s *Stream) Append(dst []byte, ev *ask.Event) []byte {
	if !s.begun {
		s.begun = true
		dst = s.appendRole(dst)
	}
	switch {
	case ev.End != nil:
		return s.appendEnd(dst, ev.End)
	case len(ev.Text) == 0 && len(ev.Logprobs) == 0:
		return dst // everything is held back
	}
	dst = append(dst, s.head...)
	if s.chat {
		dst = append(dst, `{"index":0,"delta":{"content":`...)
		dst = append(wire.AppendJSONString(dst, ev.Text), '}')
	} else {
		dst = append(dst, `{"index":0,"text":`...)
		dst = wire.AppendJSONString(dst, ev.Text)
	}
	if len(ev.Logprobs) == 0 {
		dst = append(dst, plainEnd...)
	} else {
		dst = s.appendLogprobs(dst, ev.Logprobs)
	}
	return append(dst, s.tail...)
}

// AppendFault appends a failure in mid-stream, after which nothing comes.
func (s *Stream) AppendFault(dst []byte, f *ask.Fault) []byte {
	return wire.AppendFrame(dst, AppendFault(nil, f))
}

// appendRole appends what comes before the first text: a chat's role chunk,
// nothing for a completion.
func (s *Stream) appendRole(dst []byte) []byte {
	if !s.chat {
		return dst
	}
	dst = append(dst, s.head...)
	dst = append(dst, `{"index":0,"delta":{"role":"assistant","content":"","refusal":null}`...)
	dst = append(dst, plainEnd...)
	return append(dst, s.tail...)
}

func (s *Stream) appendLogprobs(dst []byte, entries []ask.Logprob) []byte {
	if s.logprobs == nil {
		s.logprobs = newLogprobs(s.chat)
	}
	s.logprobs.add(entries)
	dst = s.logprobs.take(append(dst, `,"logprobs":`...))
	return append(dst, `,"finish_reason":null}`...)
}

// appendEnd appends the chunk with the finish reason, the usage chunk, which
// has no choices, if the client asked for it, and what ends a stream.
func (s *Stream) appendEnd(dst []byte, end *ask.End) []byte {
	dst = append(dst, s.head...)
	if s.chat {
		dst = append(dst, `{"index":0,"delta":{}`...)
	} else {
		dst = append(dst, `{"index":0,"text":""`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	dst = append(dst, finishReason(end.Reason)...)
	dst = append(dst, '}')
	dst = append(dst, s.tail...)
	if s.usage {
		dst = append(dst, s.head...)
		dst = append(dst, `],`...)
		dst = appendUsage(dst, end)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, wire.DoneFrame...)
}
