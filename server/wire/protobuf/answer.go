package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Numbers of fields that are written by hand.
const (
	answerText     protowire.Number = 1
	answerLogprobs protowire.Number = 5
)

// Answer renders the events of one generation as one message, as they come. It
// belongs to one goroutine.
//
// The body is Head, and then all that was appended: the text, as it comes. A
// message's fields may stand in any order, so that all others are Head's, and the
// length of the text ends it.
type Answer struct {
	framing   Framing
	head      *weirv1.Head
	textBytes int
	reasoning []byte
	calls     []call
	tokens    []uint32
	logprobs  []byte // as fields of the message
	places    places
	end       ask.End
}

// call is a call of a tool.
type call struct {
	id, name  string
	arguments []byte
}

// NewAnswer returns the encoder of an answer that is not streamed.
func NewAnswer(h Head, f Framing) *Answer { return &Answer{framing: f, head: h.message()} }

// Append appends what an event adds to the body, which is complete with the end.
func (a *Answer) Append(dst []byte, ev *ask.Event) []byte {
	if ev.End != nil {
		a.end = *ev.End
		return dst
	}
	a.reasoning = append(a.reasoning, ev.Reasoning...)
	a.tokens = appendTokens(a.tokens, ev.Tokens)
	for i := range ev.Calls {
		a.addPiece(&ev.Calls[i])
	}
	for _, m := range a.places.of(ev.Logprobs) {
		a.logprobs = protowire.AppendTag(a.logprobs, answerLogprobs, protowire.BytesType)
		a.logprobs = Delimited.appendMessage(a.logprobs, m)
	}
	a.textBytes += len(ev.Text)
	return append(dst, ev.Text...)
}

func (a *Answer) addPiece(p *ask.CallPiece) {
	for len(a.calls) <= p.Index {
		a.calls = append(a.calls, call{})
	}
	one := &a.calls[p.Index]
	if p.ID != "" {
		one.id, one.name = p.ID, p.Name
	}
	one.arguments = append(one.arguments, p.Arguments...)
}

// AppendFault appends nothing: the body of a failure is another.
func (a *Answer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what Head will be made of, and what it will be.
func (a *Answer) HeldBytes() int {
	n := cap(a.reasoning) + cap(a.logprobs) + cap(a.tokens)*4
	for i := range a.calls {
		n += cap(a.calls[i].arguments)
	}
	return 2 * n
}

// Head is the body's beginning, when all else is there.
func (a *Answer) Head() []byte {
	m := &weirv1.Answer{
		Head: a.head, ReasoningContent: borrow(a.reasoning), TokenIds: a.tokens,
		FinishReason: finishReason(a.end.Reason), StopString: a.end.StopString, Usage: usage(&a.end), Timings: timings(&a.end),
	}
	for i := range a.calls {
		c := &a.calls[i]
		m.ToolCalls = append(m.ToolCalls, &weirv1.ToolCall{Id: c.id, Name: c.name, Arguments: borrow(c.arguments)})
	}
	rest := m.SizeVT() + len(a.logprobs)
	size := rest
	if a.textBytes > 0 {
		size += protowire.SizeTag(answerText) + protowire.SizeBytes(a.textBytes)
	}
	dst := a.framing.appendHead(make([]byte, 0, grpcHeadBytes+rest+protowire.SizeTag(answerText)+protowire.SizeVarint(uint64(a.textBytes))), size)
	dst = Bare.appendMessage(dst, m)
	dst = append(dst, a.logprobs...)
	if a.textBytes == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, answerText, protowire.BytesType)
	return protowire.AppendVarint(dst, uint64(a.textBytes))
}
