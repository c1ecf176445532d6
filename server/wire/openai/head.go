package openai

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Head is what all parts of one response share.
type Head struct {
	ID                string
	Created           int64 // seconds since 1970
	Model             string
	SystemFingerprint string // "" for none
	ServiceTier       string // that was given, "" to say nothing of it
}

// append appends the head of an object and opens its choices.
func (h *Head) append(dst []byte, object string) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendJSONString(dst, h.ID)
	dst = append(dst, `,"object":"`...)
	dst = append(dst, object...)
	dst = append(dst, `","created":`...)
	dst = strconv.AppendInt(dst, h.Created, 10)
	dst = append(dst, `,"model":`...)
	dst = wire.AppendJSONString(dst, h.Model)
	if h.ServiceTier != "" {
		dst = append(dst, `,"service_tier":`...)
		dst = wire.AppendJSONString(dst, h.ServiceTier)
	}
	if h.SystemFingerprint != "" {
		dst = append(dst, `,"system_fingerprint":`...)
		dst = wire.AppendJSONString(dst, h.SystemFingerprint)
	}
	return append(dst, `,"choices":[`...)
}

// appendUsage appends the usage object of a generation that has ended.
func appendUsage(dst []byte, end *ask.End) []byte {
	dst = append(dst, `"usage":{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(end.PromptTokens), 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, int64(end.CompletionTokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(end.PromptTokens+end.CompletionTokens), 10)
	dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
	dst = strconv.AppendInt(dst, int64(end.CachedTokens), 10)
	dst = append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...)
	dst = strconv.AppendInt(dst, int64(end.ReasoningTokens), 10)
	return append(dst, "}}"...)
}

// Shape is how the answer to a request is written.
type Shape struct {
	Chat     bool
	Choices  int  // answers; at least 1
	Logprobs bool // are asked for
	Usage    bool // of a stream: each chunk has the field, null but in the last
	// HideReasoning leaves out what the model thinks.
	HideReasoning bool
	// FunctionCall writes a call of a tool in the older form.
	FunctionCall bool
	// Timings adds how long the answer took, as llama-server does.
	Timings bool
	// EachTimings adds it to each chunk of a stream that has something of an answer.
	EachTimings bool
	// Explained adds where the time went, to each answer and to what ends all.
	Explained bool
	// Scheduler, if not nil, adds to that; see [wire.AppendExplained].
	Scheduler func(dst []byte, gap *ask.Gap) []byte
	// Prompt is shown beside the answer, as llama-server's __verbose does; "" for
	// not.
	Prompt string
}

// appendExtras appends llama-server's members of an answer and our own, those that are
// wanted.
func (s *Shape) appendExtras(dst []byte, end *ask.End) []byte {
	if s.Prompt != "" {
		dst = append(dst, `,"__verbose":{"prompt":`...)
		dst = append(wire.AppendJSONString(dst, s.Prompt), '}')
	}
	if s.Timings {
		dst = wire.AppendTimings(append(dst, `,"timings":`...), end)
	}
	if s.Explained {
		dst = wire.AppendExplained(dst, end, s.Scheduler)
	}
	return dst
}

// finishReason is OpenAI's word for how an answer ended well.
func (s *Shape) finishReason(r ask.FinishReason) string {
	switch {
	case r == ask.FinishLength:
		return `"length"`
	case r == ask.FinishCalls && s.FunctionCall:
		return `"function_call"`
	case r == ask.FinishCalls:
		return `"tool_calls"`
	}
	return `"stop"`
}
