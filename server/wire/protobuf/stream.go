package protobuf

import (
	"unsafe"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Head is what is told of an answer once.
type Head struct {
	ID                string
	Created           int64 // seconds since 1970
	Model             string
	SystemFingerprint string // "" for none
}

func (h *Head) message() *weirv1.Head {
	return &weirv1.Head{Id: h.ID, Created: h.Created, Model: h.Model, SystemFingerprint: h.SystemFingerprint}
}

// Stream renders the events of one generation as TokenEvents. Append appends whole
// frames to the caller's buffer and, once its messages are as many as an event's
// parts, allocates nothing else. It belongs to one goroutine.
type Stream struct {
	framing Framing
	head    *weirv1.Head // until it is told
	event   weirv1.TokenEvent
	calls   []*weirv1.ToolCallDelta // more than an event's, for the next one
	places  places
	fault   *ask.Fault
}

// NewStream returns the encoder of a streamed answer.
func NewStream(h Head, f Framing) *Stream { return &Stream{framing: f, head: h.message()} }

// Append appends the frame of an event, which has no fault.
func (s *Stream) Append(dst []byte, ev *ask.Event) []byte {
	m := &s.event
	m.Head = s.head
	if ev.End != nil {
		m.Text, m.ReasoningContent = "", ""
		m.ToolCalls, m.TokenIds, m.Logprobs = nil, nil, nil
		m.FinishReason, m.StopString = finishReason(ev.End.Reason), ev.End.StopString
		m.Usage, m.Timings = usage(ev.End), timings(ev.End)
		s.head = nil
		return s.framing.appendMessage(dst, m)
	}
	if len(ev.Text)+len(ev.Reasoning)+len(ev.Calls)+len(ev.Logprobs)+len(ev.Tokens) == 0 {
		return dst // everything is held back
	}
	m.Text, m.ReasoningContent = borrow(ev.Text), borrow(ev.Reasoning)
	m.ToolCalls = s.pieces(ev.Calls)
	m.TokenIds = appendTokens(m.TokenIds[:0], ev.Tokens)
	m.Logprobs = s.places.of(ev.Logprobs)
	s.head = nil
	return s.framing.appendMessage(dst, m)
}

// AppendFault appends a failure, after which nothing comes. Over gRPC it is told
// behind the stream: see [Stream.Fault].
func (s *Stream) AppendFault(dst []byte, f *ask.Fault) []byte {
	s.fault = f
	if s.framing == GRPC {
		return dst
	}
	return s.framing.appendMessage(dst, &weirv1.TokenEvent{Error: failure(f)})
}

// Fault is what the stream ended with, nil if it ended well, when it has ended.
func (s *Stream) Fault() *ask.Fault { return s.fault }

func (s *Stream) pieces(of []ask.CallPiece) []*weirv1.ToolCallDelta {
	for len(s.calls) < len(of) {
		s.calls = append(s.calls, new(weirv1.ToolCallDelta))
	}
	for i := range of {
		p, m := &of[i], s.calls[i]
		m.Index, m.Id, m.Name, m.Arguments = uint32(p.Index), p.ID, p.Name, borrow(p.Arguments)
	}
	return s.calls[:len(of)]
}

// borrow is b as a string, without a copy: it is only read until the message is
// encoded, and b does not change before that.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func appendTokens(dst []uint32, tokens []ask.Token) []uint32 {
	for _, t := range tokens {
		dst = append(dst, uint32(t))
	}
	return dst
}

func finishReason(r ask.FinishReason) weirv1.FinishReason {
	switch r {
	case ask.FinishLength:
		return weirv1.FinishReason_FINISH_REASON_LENGTH
	case ask.FinishCalls:
		return weirv1.FinishReason_FINISH_REASON_TOOL_CALLS
	}
	return weirv1.FinishReason_FINISH_REASON_STOP
}

func usage(e *ask.End) *weirv1.Usage {
	return &weirv1.Usage{
		PromptTokens: uint32(e.PromptTokens), CompletionTokens: uint32(e.CompletionTokens), TotalTokens: uint32(e.PromptTokens + e.CompletionTokens),
		CachedTokens: uint32(e.CachedTokens), ReasoningTokens: uint32(e.ReasoningTokens),
	}
}

func timings(e *ask.End) *weirv1.Timings {
	return &weirv1.Timings{QueueNs: e.QueueNs, PrefillNs: e.PrefillNs, DecodeNs: e.DecodeNs}
}
