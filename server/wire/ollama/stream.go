package ollama

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Stream renders the events of one generation as lines of JSON. What the lines
// share is rendered once; Append appends whole lines to the caller's buffer and,
// calls of tools apart, allocates nothing else. It belongs to one goroutine.
type Stream struct {
	chat  bool
	head  []byte
	calls calls
}

// NewStream returns the encoder of a streamed answer: to a chat, or to a
// completion.
func NewStream(h Head, chat bool) *Stream {
	return &Stream{chat: chat, head: h.append(make([]byte, 0, 256))}
}

// Append appends the lines of an event, which has no fault.
func (s *Stream) Append(dst []byte, ev *ask.Event) []byte {
	said := len(ev.Reasoning) > 0 || len(ev.Text) > 0
	if said {
		dst = s.flush(dst, nil) // no call goes on behind it
	}
	if said || len(ev.Logprobs) > 0 {
		dst = s.appendText(dst, ev)
	}
	for i := range ev.Calls {
		piece := &ev.Calls[i]
		if s.calls.other(piece) {
			dst = s.flush(dst, nil)
		}
		s.calls.next(piece)
	}
	if ev.End == nil {
		return dst
	}
	dst = append(s.flush(dst, ev.End), s.head...)
	if s.chat {
		dst = append(dst, `"message":{"role":"assistant","content":""},`...)
	} else {
		dst = append(dst, `"response":"",`...)
	}
	return append(appendEnd(dst, ev.End), '\n')
}

// AppendFault appends a failure in mid-stream, after which nothing comes.
func (s *Stream) AppendFault(dst []byte, f *ask.Fault) []byte {
	return append(AppendFault(dst, f), '\n')
}

func (s *Stream) appendText(dst []byte, ev *ask.Event) []byte {
	dst = append(dst, s.head...)
	if s.chat {
		dst = append(dst, `"message":{"role":"assistant","content":`...)
	} else {
		dst = append(dst, `"response":`...)
	}
	dst = wire.AppendJSONString(dst, ev.Text)
	if len(ev.Reasoning) > 0 {
		dst = append(dst, `,"thinking":`...)
		dst = wire.AppendJSONString(dst, ev.Reasoning)
	}
	if s.chat {
		dst = append(dst, '}')
	}
	if len(ev.Logprobs) > 0 {
		dst = append(dst, `,"logprobs":[`...)
		dst = append(appendLogprobs(dst, ev.Logprobs), ']')
	}
	return append(dst, ",\"done\":false}\n"...)
}

// flush appends the call that is open; end is the answer's, if it is there.
func (s *Stream) flush(dst []byte, end *ask.End) []byte {
	if s.calls.whole(end) {
		dst = append(dst, s.head...)
		if s.chat {
			dst = append(dst, `"message":{"role":"assistant","content":"","tool_calls":[`...)
			dst = append(s.calls.append(dst), `]}`...)
		} else {
			dst = append(dst, `"response":"","tool_calls":[`...)
			dst = append(s.calls.append(dst), ']')
		}
		dst = append(dst, ",\"done\":false}\n"...)
	}
	s.calls.close()
	return dst
}
