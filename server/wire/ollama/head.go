package ollama

import (
	"strconv"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Head is what all parts of one answer share.
type Head struct {
	Model   string // as the client named it
	Created time.Time
}

// append appends the beginning of an object.
func (h *Head) append(dst []byte) []byte {
	dst = append(dst, `{"model":`...)
	dst = wire.AppendJSONString(dst, h.Model)
	dst = append(dst, `,"created_at":"`...)
	dst = h.Created.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `",`...)
}

// appendEnd appends what the last object says, and ends it.
func appendEnd(dst []byte, end *ask.End) []byte {
	dst = append(dst, `"done":true,"done_reason":"`...)
	if end.Reason == ask.FinishLength {
		dst = append(dst, "length"...)
	} else {
		dst = append(dst, "stop"...)
	}
	dst = append(dst, `","total_duration":`...)
	dst = strconv.AppendInt(dst, end.QueueNs+end.PrefillNs+end.DecodeNs, 10)
	dst = append(dst, `,"load_duration":`...)
	dst = strconv.AppendInt(dst, end.QueueNs, 10)
	dst = append(dst, `,"prompt_eval_count":`...)
	dst = strconv.AppendInt(dst, int64(end.PromptTokens), 10)
	dst = append(dst, `,"prompt_eval_duration":`...)
	dst = strconv.AppendInt(dst, end.PrefillNs, 10)
	dst = append(dst, `,"eval_count":`...)
	dst = strconv.AppendInt(dst, int64(end.CompletionTokens), 10)
	dst = append(dst, `,"eval_duration":`...)
	dst = strconv.AppendInt(dst, end.DecodeNs, 10)
	return append(dst, '}')
}

// AppendLoaded appends the answer to a request that asks for nothing but that the
// model be there, with a line break.
func AppendLoaded(dst []byte, h Head, chat bool) []byte {
	dst = h.append(dst)
	if chat {
		dst = append(dst, `"message":{"role":"assistant","content":""}`...)
	} else {
		dst = append(dst, `"response":""`...)
	}
	return append(dst, ",\"done\":true,\"done_reason\":\"load\"}\n"...)
}

// calls gathers calls until they are whole. There is one at a time.
type calls struct {
	open      bool
	number    int // of the one that is open
	id, name  string
	arguments []byte
}

// next begins a call, or goes on with the one that is open, which the caller has
// closed if it is another.
func (c *calls) next(piece *ask.CallPiece) {
	if !c.open {
		c.open, c.number, c.id, c.name = true, piece.Index, piece.ID, piece.Name
	}
	c.arguments = append(c.arguments, piece.Arguments...)
}

// other reports whether a piece is not of the call that is open.
func (c *calls) other(piece *ask.CallPiece) bool { return c.open && c.number != piece.Index }

// whole reports whether a call is open and whole. Only the last one may have been
// cut off, by the end of the answer.
func (c *calls) whole(end *ask.End) bool {
	return c.open && (end == nil || end.Reason != ask.FinishLength || wire.IsObject(c.arguments))
}

// append appends the call.
func (c *calls) append(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendJSONString(dst, c.id)
	dst = append(dst, `,"function":{"index":`...)
	dst = strconv.AppendInt(dst, int64(c.number), 10)
	dst = append(dst, `,"name":`...)
	dst = wire.AppendJSONString(dst, c.name)
	dst = append(dst, `,"arguments":`...)
	return append(wire.AppendObject(dst, c.arguments), "}}"...)
}

// close forgets the call.
func (c *calls) close() { c.open, c.arguments = false, c.arguments[:0] }
