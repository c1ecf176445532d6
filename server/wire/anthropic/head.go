package anthropic

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Head is what all parts of one answer share.
type Head struct {
	ID    string // of the message
	Model string
	// HideThinking leaves the text of thinking out.
	HideThinking bool
}

// signature ends a block of thinking. Clients send it back, and some leave
// thinking out that has none; it signs nothing.
const signature = "d2Vpcg=="

// append appends a message up to its blocks.
func (h *Head) append(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendJSONString(dst, h.ID)
	dst = append(dst, `,"type":"message","role":"assistant","model":`...)
	dst = wire.AppendJSONString(dst, h.Model)
	return append(dst, `,"content":[`...)
}

// appendUsage appends the counts of tokens: those of the prompt that were decoded, and
// that were there already.
func appendUsage(dst []byte, prompt, cached, completion, thinking int) []byte {
	dst = append(dst, `"usage":{"input_tokens":`...)
	dst = strconv.AppendInt(dst, int64(prompt-cached), 10)
	dst = append(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":`...)
	dst = strconv.AppendInt(dst, int64(cached), 10)
	dst = append(dst, `,"output_tokens":`...)
	dst = strconv.AppendInt(dst, int64(completion), 10)
	if thinking > 0 {
		dst = append(dst, `,"output_tokens_details":{"thinking_tokens":`...)
		dst = append(strconv.AppendInt(dst, int64(thinking), 10), '}')
	}
	return append(dst, '}')
}

// appendStop appends why a message ended.
func appendStop(dst []byte, end *ask.End) []byte {
	dst = append(dst, `"stop_reason":"`...)
	switch {
	case end.Reason == ask.FinishLength && end.ContextFull:
		dst = append(dst, "model_context_window_exceeded"...)
	case end.Reason == ask.FinishLength:
		dst = append(dst, "max_tokens"...)
	case end.Reason == ask.FinishCalls:
		dst = append(dst, "tool_use"...)
	case end.StopString != "":
		dst = append(dst, `stop_sequence","stop_sequence":`...)
		return wire.AppendJSONString(dst, end.StopString)
	default:
		dst = append(dst, "end_turn"...)
	}
	return append(dst, `","stop_sequence":null`...)
}

// blockKind is a kind of block.
type blockKind uint8

const (
	noBlock blockKind = iota
	thinkingBlock
	textBlock
	callBlock
)

// block is the one that is being written.
type block struct {
	kind   blockKind
	number int // of the block in the message
	call   int // of the call in the answer, of a callBlock
}

// takes reports whether what comes next belongs to the block.
func (b *block) takes(k blockKind, call int) bool {
	return b.kind == k && (k != callBlock || b.call == call)
}
