package anthropic

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Stream renders the events of one generation as the events of Anthropic's
// stream. Append appends whole frames to the caller's buffer and allocates nothing
// else. It belongs to one goroutine.
type Stream struct {
	head      Head
	requestID string
	begun     bool
	block     block
}

// NewStream returns the encoder of a streamed message.
func NewStream(h Head, requestID string) *Stream { return &Stream{head: h, requestID: requestID} }

const pingFrame = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

// Append appends the frames of an event, which has no fault.
func (s *Stream) Append(dst []byte, ev *ask.Event) []byte {
	if !s.begun {
		s.begun = true
		dst = s.appendStart(dst, ev)
	}
	if len(ev.Reasoning) > 0 {
		dst = s.enter(dst, thinkingBlock, nil)
		if !s.head.HideThinking {
			dst = s.appendDelta(dst, `thinking_delta","thinking":`, ev.Reasoning)
		}
	}
	if len(ev.Text) > 0 {
		dst = s.enter(dst, textBlock, nil)
		dst = s.appendDelta(dst, `text_delta","text":`, ev.Text)
	}
	for i := range ev.Calls {
		piece := &ev.Calls[i]
		dst = s.enter(dst, callBlock, piece)
		if len(piece.Arguments) > 0 {
			dst = s.appendDelta(dst, `input_json_delta","partial_json":`, piece.Arguments)
		}
	}
	if ev.End != nil {
		dst = s.appendEnd(s.leave(dst), ev.End)
	}
	return dst
}

// AppendFault appends a failure in mid-stream, after which nothing comes.
func (s *Stream) AppendFault(dst []byte, f *ask.Fault) []byte {
	dst = append(dst, "event: error\ndata: "...)
	return append(AppendFault(dst, f, s.requestID), "\n\n"...)
}

func (s *Stream) appendStart(dst []byte, ev *ask.Event) []byte {
	prompt, cached := ev.PromptTokens, 0 // what was cached is told with the end
	if ev.End != nil {
		prompt, cached = ev.End.PromptTokens, ev.End.CachedTokens
	}
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	dst = append(s.head.append(dst), `],"stop_reason":null,"stop_sequence":null,`...)
	dst = append(appendUsage(dst, prompt, cached, 0, 0), "}}\n\n"...)
	return append(dst, pingFrame...)
}

// enter begins a block, unless it has begun; piece is the first of a call.
func (s *Stream) enter(dst []byte, k blockKind, piece *ask.CallPiece) []byte {
	number := 0
	if piece != nil {
		number = piece.Index
	}
	if s.block.takes(k, number) {
		return dst
	}
	dst = s.leave(dst)
	s.block.kind, s.block.call = k, number
	dst = append(dst, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"...)
	dst = strconv.AppendInt(dst, int64(s.block.number), 10)
	switch k {
	case thinkingBlock:
		dst = append(dst, `,"content_block":{"type":"thinking","thinking":"","signature":""`...)
	case textBlock:
		dst = append(dst, `,"content_block":{"type":"text","text":""`...)
	default:
		dst = append(dst, `,"content_block":{"type":"tool_use","id":`...)
		dst = wire.AppendJSONString(dst, piece.ID)
		dst = append(dst, `,"name":`...)
		dst = wire.AppendJSONString(dst, piece.Name)
		dst = append(dst, `,"input":{}`...)
	}
	return append(dst, "}}\n\n"...)
}

// leave ends the block that has begun, if one has.
func (s *Stream) leave(dst []byte) []byte {
	if s.block.kind == noBlock {
		return dst
	}
	if s.block.kind == thinkingBlock {
		dst = s.appendDelta(dst, `signature_delta","signature":`, []byte(signature))
	}
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...)
	dst = strconv.AppendInt(dst, int64(s.block.number), 10)
	s.block.kind = noBlock
	s.block.number++
	return append(dst, "}\n\n"...)
}

// appendDelta appends a piece of the block. what is the delta up to its text.
func (s *Stream) appendDelta(dst []byte, what string, piece []byte) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	dst = strconv.AppendInt(dst, int64(s.block.number), 10)
	dst = append(dst, `,"delta":{"type":"`...)
	dst = append(dst, what...)
	dst = wire.AppendJSONString(dst, piece)
	return append(dst, "}}\n\n"...)
}

func (s *Stream) appendEnd(dst []byte, end *ask.End) []byte {
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"...)
	dst = append(appendStop(dst, end), "},"...)
	dst = appendUsage(dst, end.PromptTokens, end.CachedTokens, end.CompletionTokens, end.ReasoningTokens)
	dst = append(dst, "}\n\n"...)
	return append(dst, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
