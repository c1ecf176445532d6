package openai

import "github.com/weirgo/weir/server/stream"

// StreamEncoder renders the chunks of one streamed response as SSE frames,
// "data: {…}\n\n". What the chunks share is rendered once; each method appends
// whole frames to the caller's buffer and allocates nothing else. It belongs
// to one goroutine.
type StreamEncoder struct {
	chat   bool
	head   []byte // up to and with "choices":[
	tail   string // after a choice
	offset int    // characters of the completion with logprobs so far
	usage  bool
}

// plainEnd ends a choice that has neither logprobs nor a finish reason.
const plainEnd = `,"logprobs":null,"finish_reason":null}`

// NewChatStream returns the encoder of a streamed chat completion. h.Object is
// not used. With includeUsage each chunk has a "usage" field, null but in the
// last.
func NewChatStream(h Head, includeUsage bool) *StreamEncoder {
	h.Object = "chat.completion.chunk"
	return newStream(h, true, includeUsage)
}

// NewCompletionStream returns the encoder of a streamed completion.
func NewCompletionStream(h Head, includeUsage bool) *StreamEncoder {
	h.Object = "text_completion"
	return newStream(h, false, includeUsage)
}

func newStream(h Head, chat, includeUsage bool) *StreamEncoder {
	head := make([]byte, 0, 256)
	head = append(head, `data: {"id":`...)
	head = appendString(head, h.ID)
	head = append(head, `,"object":`...)
	head = appendString(head, h.Object)
	head = append(head, `,"created":`...)
	head = appendInt(head, int(h.Created))
	head = append(head, `,"model":`...)
	head = appendString(head, h.Model)
	if h.SystemFingerprint != "" {
		head = append(head, `,"system_fingerprint":`...)
		head = appendString(head, h.SystemFingerprint)
	}
	e := &StreamEncoder{chat: chat, usage: includeUsage, tail: "]}\n\n"}
	e.head = append(head, `,"choices":[`...)
	if includeUsage {
		e.tail = "],\"usage\":null}\n\n"
	}
	return e
}

// AppendStart appends what comes before the first text: a chat's role chunk,
// nothing for a completion.
func (e *StreamEncoder) AppendStart(dst []byte) []byte {
	if !e.chat {
		return dst
	}
	dst = append(dst, e.head...)
	dst = append(dst, `{"index":0,"delta":{"role":"assistant","content":"","refusal":null}`...)
	dst = append(dst, plainEnd...)
	return append(dst, e.tail...)
}

// AppendText appends a chunk with text, which must be whole UTF-8 characters.
func (e *StreamEncoder) AppendText(dst, text []byte) []byte {
	dst = e.appendText(dst, text)
	dst = append(dst, plainEnd...)
	return append(dst, e.tail...)
}

// AppendTextLogprobs appends a chunk with text and the entries of the tokens
// that it came from. Either may be empty.
func (e *StreamEncoder) AppendTextLogprobs(dst, text []byte, entries []LogprobEntry) []byte {
	dst = e.appendText(dst, text)
	dst = append(dst, `,"logprobs":`...)
	if e.chat {
		dst = AppendChatLogprobs(dst, entries)
	} else {
		dst, e.offset = AppendCompletionLogprobs(dst, entries, e.offset)
	}
	dst = append(dst, `,"finish_reason":null}`...)
	return append(dst, e.tail...)
}

func (e *StreamEncoder) appendText(dst, text []byte) []byte {
	dst = append(dst, e.head...)
	if e.chat {
		dst = append(dst, `{"index":0,"delta":{"content":`...)
		dst = appendString(dst, text)
		return append(dst, '}')
	}
	dst = append(dst, `{"index":0,"text":`...)
	return appendString(dst, text)
}

// AppendFinish appends the chunk with the finish reason.
func (e *StreamEncoder) AppendFinish(dst []byte, reason FinishReason) []byte {
	dst = append(dst, e.head...)
	if e.chat {
		dst = append(dst, `{"index":0,"delta":{}`...)
	} else {
		dst = append(dst, `{"index":0,"text":""`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	dst = appendString(dst, reason)
	dst = append(dst, '}')
	return append(dst, e.tail...)
}

// AppendUsage appends the usage chunk, which has no choices, if the client
// asked for it.
func (e *StreamEncoder) AppendUsage(dst []byte, u Usage) []byte {
	if !e.usage {
		return dst
	}
	dst = append(dst, e.head...)
	dst = append(dst, `],"usage":{"prompt_tokens":`...)
	dst = appendInt(dst, u.PromptTokens)
	dst = append(dst, `,"completion_tokens":`...)
	dst = appendInt(dst, u.CompletionTokens)
	dst = append(dst, `,"total_tokens":`...)
	dst = appendInt(dst, u.TotalTokens)
	return append(dst, "}}\n\n"...)
}

// AppendDone appends the frame that ends a stream.
func (e *StreamEncoder) AppendDone(dst []byte) []byte {
	return append(dst, stream.DoneFrame...)
}

// AppendError appends a failure in mid-stream, after which nothing comes.
func (e *StreamEncoder) AppendError(dst []byte, err *Error) []byte {
	return stream.AppendFrame(dst, err.Append(nil))
}
