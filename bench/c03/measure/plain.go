package main

import (
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Structs with the fields of weir.v1's messages, as one writes them for
// encoding/json.
type (
	plainEvent struct {
		Text         string         `json:"text,omitempty"`
		Reasoning    string         `json:"reasoning_content,omitempty"`
		ToolCalls    []plainDelta   `json:"tool_calls,omitempty"`
		TokenIDs     []uint32       `json:"token_ids,omitempty"`
		Logprobs     []plainLogprob `json:"logprobs,omitempty"`
		FinishReason string         `json:"finish_reason,omitempty"`
		Usage        *plainUsage    `json:"usage,omitempty"`
		Timings      *plainTimings  `json:"timings,omitempty"`
		StopString   string         `json:"stop_string,omitempty"`
		Error        *plainError    `json:"error,omitempty"`
		Head         *plainHead     `json:"head,omitempty"`
	}
	plainDelta struct {
		Index     uint32 `json:"index"`
		ID        string `json:"id,omitempty"`
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	}
	plainLogprob struct {
		TokenID uint32     `json:"token_id"`
		Bytes   []byte     `json:"bytes"`
		Logprob float32    `json:"logprob"`
		Top     []plainTop `json:"top_logprobs,omitempty"`
	}
	plainTop struct {
		TokenID uint32  `json:"token_id"`
		Bytes   []byte  `json:"bytes"`
		Logprob float32 `json:"logprob"`
	}
	plainAnswer struct {
		Text         string         `json:"text"`
		Reasoning    string         `json:"reasoning_content,omitempty"`
		ToolCalls    []plainCall    `json:"tool_calls,omitempty"`
		TokenIDs     []uint32       `json:"token_ids,omitempty"`
		Logprobs     []plainLogprob `json:"logprobs,omitempty"`
		FinishReason string         `json:"finish_reason"`
		Usage        *plainUsage    `json:"usage"`
		Timings      *plainTimings  `json:"timings"`
		StopString   string         `json:"stop_string,omitempty"`
		Head         *plainHead     `json:"head"`
	}
	plainCall struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	plainTimings struct {
		QueueNs   int64 `json:"queue_ns"`
		PrefillNs int64 `json:"prefill_ns"`
		DecodeNs  int64 `json:"decode_ns"`
	}
	plainError struct {
		Code    int32  `json:"code"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Remedy  string `json:"remedy,omitempty"`
		Param   string `json:"param,omitempty"`
	}
	plainUsage struct {
		PromptTokens     uint32 `json:"prompt_tokens"`
		CompletionTokens uint32 `json:"completion_tokens"`
		TotalTokens      uint32 `json:"total_tokens"`
		CachedTokens     uint32 `json:"cached_tokens,omitempty"`
		ReasoningTokens  uint32 `json:"reasoning_tokens,omitempty"`
	}
	plainHead struct {
		ID                string `json:"id"`
		Created           int64  `json:"created"`
		Model             string `json:"model"`
		SystemFingerprint string `json:"system_fingerprint"`
	}
)

// plainEventOf is a message's plain twin.
func plainEventOf(m *weirv1.TokenEvent) *plainEvent {
	p := &plainEvent{Text: m.Text, TokenIDs: m.TokenIds}
	for _, l := range m.Logprobs {
		one := plainLogprob{TokenID: l.TokenId, Bytes: l.Bytes, Logprob: l.Logprob}
		for _, t := range l.TopLogprobs {
			one.Top = append(one.Top, plainTop{TokenID: t.TokenId, Bytes: t.Bytes, Logprob: t.Logprob})
		}
		p.Logprobs = append(p.Logprobs, one)
	}
	return p
}

func plainAnswerOf(m *weirv1.Answer) *plainAnswer {
	u, h, t := m.Usage, m.Head, m.Timings
	return &plainAnswer{
		Text: m.Text, FinishReason: "stop",
		Usage:   &plainUsage{PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens, TotalTokens: u.TotalTokens},
		Timings: &plainTimings{QueueNs: t.QueueNs, PrefillNs: t.PrefillNs, DecodeNs: t.DecodeNs},
		Head:    &plainHead{ID: h.Id, Created: h.Created, Model: h.Model, SystemFingerprint: h.SystemFingerprint},
	}
}
