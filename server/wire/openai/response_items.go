package openai

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// itemKind is what an item of a response is.
type itemKind uint8

const (
	itemReasoning itemKind = iota
	itemMessage
	itemCall
)

// responseItem is an item of a response's output.
type responseItem struct {
	kind     itemKind
	id       string
	status   string
	call     int    // the call's number, of an itemCall
	callID   string // so too
	name     string // so too
	text     []byte // JSON, without quotes: the text, or the arguments
	logprobs []byte // entries
}

// append appends the item as it is.
func (i *responseItem) append(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendJSONString(dst, i.id)
	switch i.kind {
	case itemReasoning:
		dst = append(dst, `,"type":"reasoning","summary":[],"content":[`...)
	case itemMessage:
		dst = append(dst, `,"type":"message","role":"assistant","content":[`...)
	case itemCall:
		dst = append(dst, `,"type":"function_call","call_id":`...)
		dst = wire.AppendJSONString(dst, i.callID)
		dst = append(dst, `,"name":`...)
		dst = wire.AppendJSONString(dst, i.name)
		dst = append(dst, `,"arguments":"`...)
		dst = append(append(dst, i.text...), '"')
		return i.appendStatus(dst)
	}
	if i.status != inProgress {
		dst = i.appendPart(dst, i.text, i.logprobs)
	}
	return i.appendStatus(append(dst, ']'))
}

const inProgress = "in_progress"

func (i *responseItem) appendStatus(dst []byte) []byte {
	dst = append(dst, `,"status":"`...)
	return append(append(dst, i.status...), `"}`...)
}

// appendPart appends a part of its content with some text.
func (i *responseItem) appendPart(dst, text, logprobs []byte) []byte {
	if i.kind == itemReasoning {
		dst = append(dst, `{"type":"reasoning_text","text":"`...)
		return append(append(dst, text...), `"}`...)
	}
	dst = append(dst, `{"type":"output_text","text":"`...)
	dst = append(append(dst, text...), `","annotations":[],"logprobs":[`...)
	return append(append(dst, logprobs...), `]}`...)
}

// responseItems are the output of a response as it grows.
type responseItems struct {
	head  *ResponseHead
	items []responseItem
}

// open adds an item.
func (o *responseItems) open(kind itemKind, p *ask.CallPiece) *responseItem {
	prefix := [...]string{itemReasoning: "rs_", itemMessage: "msg_", itemCall: "fc_"}[kind]
	item := responseItem{kind: kind, status: inProgress, id: prefix + o.head.id + strconv.Itoa(len(o.items))}
	if p != nil {
		item.call, item.callID, item.name = p.Index, p.ID, p.Name
	}
	o.items = append(o.items, item)
	return o.current()
}

// current is the last item, nil if there is none.
func (o *responseItems) current() *responseItem {
	if len(o.items) == 0 {
		return nil
	}
	return &o.items[len(o.items)-1]
}

// is reports whether an item takes what is of a kind, and of a call.
func (i *responseItem) is(kind itemKind, p *ask.CallPiece) bool {
	return i != nil && i.status == inProgress && i.kind == kind && (p == nil || i.call == p.Index)
}

func (o *responseItems) heldBytes() (n int) {
	for i := range o.items {
		n += cap(o.items[i].text) + cap(o.items[i].logprobs)
	}
	return n
}

// status is how a response is that has ended, and its last item.
func status(end *ask.End) string {
	if end.Reason == ask.FinishLength {
		return "incomplete"
	}
	return "completed"
}

// responseSink is told what an event does to the output.
type responseSink interface {
	opened(i *responseItem)
	// grew says that text, JSON without quotes, and entries are the item's now.
	grew(i *responseItem, text, logprobs []byte)
	closed(i *responseItem)
}

// take applies an event that is not the end.
func (o *responseItems) take(ev *ask.Event, sink responseSink) {
	if len(ev.Reasoning) > 0 && !o.head.hideReasoning {
		o.grow(o.at(itemReasoning, nil, sink), ev.Reasoning, nil, sink)
	}
	if len(ev.Text) > 0 || len(ev.Logprobs) > 0 && o.current().is(itemMessage, nil) {
		o.grow(o.at(itemMessage, nil, sink), ev.Text, ev.Logprobs, sink)
	}
	for i := range ev.Calls {
		p := &ev.Calls[i]
		item := o.at(itemCall, p, sink)
		if len(p.Arguments) > 0 {
			o.grow(item, p.Arguments, nil, sink)
		}
	}
}

// at is the item that takes what comes; the one before it is closed.
func (o *responseItems) at(kind itemKind, p *ask.CallPiece, sink responseSink) *responseItem {
	if item := o.current(); item.is(kind, p) {
		return item
	}
	o.close("completed", sink)
	item := o.open(kind, p)
	sink.opened(item)
	return item
}

func (o *responseItems) close(status string, sink responseSink) {
	if item := o.current(); item != nil && item.status == inProgress {
		item.status = status
		sink.closed(item)
	}
}

func (o *responseItems) grow(item *responseItem, text []byte, entries []ask.Logprob, sink responseSink) {
	from := len(item.text)
	item.text = wire.AppendJSONText(item.text, text)
	scoredFrom := len(item.logprobs)
	for i := range entries {
		item.logprobs = appendChatEntry(appendComma(item.logprobs), &entries[i])
	}
	if scoredFrom > 0 && len(entries) > 0 {
		scoredFrom++ // the comma
	}
	sink.grew(item, item.text[from:], item.logprobs[scoredFrom:])
}

// end closes what is open. A response without anything has an empty message.
func (o *responseItems) end(end *ask.End, sink responseSink) {
	if len(o.items) == 0 {
		sink.opened(o.open(itemMessage, nil))
	}
	o.close(status(end), sink)
}
