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
	return append(dst, '}')
}

// finishReason is OpenAI's word for how a generation ended well.
func finishReason(r ask.FinishReason) string {
	if r == ask.FinishLength {
		return `"length"`
	}
	return `"stop"`
}
