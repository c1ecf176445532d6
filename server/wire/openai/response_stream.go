package openai

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// ResponseStream renders the events of one generation as the events of a
// streamed response, "event: …\ndata: {…}\n\n", numbered from 0. Its output is
// there until the end: the last events repeat it. It belongs to one goroutine.
type ResponseStream struct {
	output responseItems
	number int
	begun  bool
	dst    []byte     // while an event is appended
	of     *ask.Event // that event
}

// NewResponseStream returns the encoder of a streamed response.
func NewResponseStream(h *ResponseHead) *ResponseStream {
	return &ResponseStream{output: responseItems{head: h}}
}

// Append appends the frames of an event, which has no fault.
func (s *ResponseStream) Append(dst []byte, ev *ask.Event) []byte {
	s.dst, s.of = dst, ev
	s.begin()
	switch {
	case ev.Progress != nil:
		s.response(inProgress, state{status: inProgress, of: ev})
	case ev.End == nil:
		s.output.take(ev, s)
	default:
		s.output.end(ev.End, s)
		s.response(status(ev.End), state{status: status(ev.End), end: ev.End})
	}
	dst, s.dst, s.of = s.dst, nil, nil
	return dst
}

// AppendFault appends a failure in mid-stream, after which nothing comes.
func (s *ResponseStream) AppendFault(dst []byte, f *ask.Fault) []byte {
	s.dst = dst
	s.begin()
	s.output.close("incomplete", s)
	s.response("failed", state{status: "failed", fault: f})
	dst, s.dst = s.dst, nil
	return dst
}

func (s *ResponseStream) begin() {
	if s.begun {
		return
	}
	s.begun = true
	s.response("created", state{status: inProgress})
	s.response(inProgress, state{status: inProgress})
}

// event begins an event; its fields follow.
func (s *ResponseStream) event(name string) {
	s.dst = append(append(s.dst, "event: response."...), name...)
	s.dst = append(append(s.dst, "\ndata: {\"type\":\"response."...), name...)
	s.dst = append(s.dst, `","sequence_number":`...)
	s.dst = strconv.AppendInt(s.dst, int64(s.number), 10)
	s.number++
}

func (s *ResponseStream) close() { s.dst = append(s.dst, "}\n\n"...) }

// response appends an event with the whole response.
func (s *ResponseStream) response(name string, as state) {
	s.event(name)
	s.dst = s.output.head.append(append(s.dst, `,"response":`...), as, s.output.items)
	if as.end != nil && s.output.head.timings {
		s.dst = wire.AppendTimings(append(s.dst, `,"timings":`...), as.end)
	}
	if as.of != nil {
		s.dst = wire.AppendProgress(s.dst, as.of)
	}
	s.close()
}

// item appends an event with an item.
func (s *ResponseStream) item(name string, i *responseItem) {
	s.event(name)
	s.dst = append(s.dst, `,"output_index":`...)
	s.dst = strconv.AppendInt(s.dst, int64(len(s.output.items)-1), 10)
	s.dst = i.append(append(s.dst, `,"item":`...))
	s.close()
}

// within begins an event about what is in an item.
func (s *ResponseStream) within(name string, i *responseItem) {
	s.event(name)
	s.dst = append(append(append(s.dst, `,"item_id":"`...), i.id...), `","output_index":`...)
	s.dst = strconv.AppendInt(s.dst, int64(len(s.output.items)-1), 10)
	if i.kind != itemCall {
		s.dst = append(s.dst, `,"content_index":0`...)
	}
}

// field appends a field of text, which is JSON without quotes.
func (s *ResponseStream) field(name string, text []byte) {
	s.dst = append(append(append(s.dst, `,"`...), name...), `":"`...)
	s.dst = append(append(s.dst, text...), '"')
}

func (s *ResponseStream) entries(i *responseItem, logprobs []byte) {
	if i.kind == itemMessage {
		s.dst = append(append(append(s.dst, `,"logprobs":[`...), logprobs...), ']')
	}
}

// Names of the events of each kind of item.
var (
	deltaNames = [...]string{itemReasoning: "reasoning_text.delta", itemMessage: "output_text.delta", itemCall: "function_call_arguments.delta"}
	doneNames  = [...]string{itemReasoning: "reasoning_text.done", itemMessage: "output_text.done", itemCall: "function_call_arguments.done"}
)

// opened implements responseSink.
func (s *ResponseStream) opened(i *responseItem) {
	s.item("output_item.added", i)
	if i.kind == itemCall {
		return
	}
	s.within("content_part.added", i)
	s.dst = i.appendPart(append(s.dst, `,"part":`...), nil, nil)
	s.close()
}

// grew implements responseSink.
func (s *ResponseStream) grew(i *responseItem, text, logprobs []byte) {
	s.within(deltaNames[i.kind], i)
	s.field("delta", text)
	s.entries(i, logprobs)
	s.dst = wire.AppendSoFar(s.dst, s.of)
	s.close()
}

// closed implements responseSink.
func (s *ResponseStream) closed(i *responseItem) {
	s.within(doneNames[i.kind], i)
	if i.kind == itemCall {
		s.field("arguments", i.text)
		s.close()
	} else {
		s.field("text", i.text)
		s.entries(i, i.logprobs)
		s.close()
		s.within("content_part.done", i)
		s.dst = i.appendPart(append(s.dst, `,"part":`...), i.text, i.logprobs)
		s.close()
	}
	s.item("output_item.done", i)
}

// ResponseAnswer renders the events of one generation as the body of a response
// that is not streamed, which is appended as a whole at the end. It belongs to one
// goroutine.
type ResponseAnswer struct{ output responseItems }

// NewResponseAnswer returns the encoder of a response that is not streamed.
func NewResponseAnswer(h *ResponseHead) *ResponseAnswer {
	return &ResponseAnswer{responseItems{head: h}}
}

// Append takes an event, and appends the body with the end.
func (a *ResponseAnswer) Append(dst []byte, ev *ask.Event) []byte {
	if ev.End == nil {
		a.output.take(ev, silent{})
		return dst
	}
	a.output.end(ev.End, silent{})
	return a.output.head.append(dst, state{status: status(ev.End), end: ev.End}, a.output.items)
}

// AppendFault appends nothing: the body of a failure is another.
func (a *ResponseAnswer) AppendFault(dst []byte, _ *ask.Fault) []byte { return dst }

// HeldBytes is what the body will be made of.
func (a *ResponseAnswer) HeldBytes() int { return a.output.heldBytes() }

// Head is empty: all of the body is appended.
func (a *ResponseAnswer) Head() []byte { return nil }

// silent is a sink that nobody listens to.
type silent struct{}

func (silent) opened(*responseItem)               {}
func (silent) grew(*responseItem, []byte, []byte) {}
func (silent) closed(*responseItem)               {}
