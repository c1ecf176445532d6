package anthropic

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Answer renders the events of one generation as the body of a response that
// is not streamed, as they come. It belongs to one goroutine.
//
// The body is Head, and then all that was appended. The arguments of a call are
// held until they are whole: a call that was cut off has none.
type Answer struct {
	head      Head
	block     block
	arguments []byte
}

// NewAnswer returns the encoder of a message.
func NewAnswer(h Head) *Answer { return &Answer{head: h} }

// Append appends what an event adds to the body, which is complete with the
// end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	if len(ev.Reasoning) > 0 {
		dst = a.enter(dst, thinkingBlock, nil)
		if !a.head.HideThinking {
			dst = wire.AppendJSONText(dst, ev.Reasoning)
		}
	}
	if len(ev.Text) > 0 {
		dst = wire.AppendJSONText(a.enter(dst, textBlock, nil), ev.Text)
	}
	for i := range ev.Calls {
		piece := &ev.Calls[i]
		dst = a.enter(dst, callBlock, piece)
		a.arguments = append(a.arguments, piece.Arguments...)
	}
	if end := ev.End; end != nil {
		dst = append(a.leave(dst), "],"...)
		dst = append(appendStop(dst, end), ',')
		dst = appendUsage(dst, end.PromptTokens, end.CachedTokens, end.CompletionTokens, end.ReasoningTokens)
		dst = append(dst, '}')
	}
	return dst
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what is held of a call.
func (a *Answer) HeldBytes() int { return cap(a.arguments) }

// Head is the body's beginning.
func (a *Answer) Head() []byte { return a.head.append(nil) }

// enter begins a block, unless it has begun; piece is the first of a call.
func (a *Answer) enter(dst []byte, k blockKind, piece *ask.CallPiece) []byte {
	number := 0
	if piece != nil {
		number = piece.Index
	}
	if a.block.takes(k, number) {
		return dst
	}
	dst = a.leave(dst)
	a.block.kind, a.block.call = k, number
	if a.block.number > 0 {
		dst = append(dst, ',')
	}
	switch k {
	case thinkingBlock:
		return append(dst, `{"type":"thinking","thinking":"`...)
	case textBlock:
		return append(dst, `{"type":"text","text":"`...)
	}
	dst = append(dst, `{"type":"tool_use","id":`...)
	dst = wire.AppendJSONString(dst, piece.ID)
	dst = append(dst, `,"name":`...)
	dst = wire.AppendJSONString(dst, piece.Name)
	return append(dst, `,"input":`...)
}

// leave ends the block that has begun, if one has.
func (a *Answer) leave(dst []byte) []byte {
	switch a.block.kind {
	case noBlock:
		return dst
	case thinkingBlock:
		dst = append(dst, `","signature":"`+signature+`"}`...)
	case textBlock:
		dst = append(dst, `"}`...)
	case callBlock:
		dst = append(wire.AppendObject(dst, a.arguments), '}')
		a.arguments = a.arguments[:0]
	}
	a.block.kind = noBlock
	a.block.number++
	return dst
}
