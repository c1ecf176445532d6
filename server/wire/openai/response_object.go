package openai

import (
	"cmp"
	"encoding/json/jsontext"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// ResponseHead is what is known of a response from the beginning: how its object
// begins and ends.
type ResponseHead struct {
	id, begin, end string
	hideReasoning  bool
	timings        bool // are wanted with each delta, and with the end
}

// echoBytes bounds what of a request its response repeats: it would be held as
// long as the answer takes. Longer instructions are null, and longer tools none.
const echoBytes = 64 << 10

// Head is the response to a request, which a is; id is random and unique.
func (r *ResponseRequest) Head(h Head, a *ask.Request) *ResponseHead {
	dst := append([]byte(nil), `{"id":`...)
	dst = wire.AppendJSONString(dst, "resp_"+h.ID)
	dst = append(dst, `,"object":"response","created_at":`...)
	dst = strconv.AppendInt(dst, h.Created, 10)
	begin := string(append(dst, `,"background":false,`...)) + `"status":"`
	dst = append(dst[:0], `,"model":`...)
	dst = wire.AppendJSONString(dst, h.Model)
	instructions, tools := r.Instructions, r.Tools
	if len(instructions)+len(tools)+len(r.Metadata)+len(r.ToolChoice) > echoBytes {
		instructions, tools, r.Metadata, r.ToolChoice = "", nil, nil, nil
	}
	dst = append(dst, `,"instructions":`...)
	dst = appendStringOrNull(dst, instructions)
	dst = append(dst, `,"max_output_tokens":`...)
	if a.MaxTokens > 0 {
		dst = strconv.AppendInt(dst, int64(a.MaxTokens), 10)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"max_tool_calls":null,"metadata":`...)
	dst = appendValueOr(dst, r.Metadata, `{}`)
	dst = append(dst, `,"parallel_tool_calls":`...)
	dst = strconv.AppendBool(dst, !a.OneCall)
	dst = append(dst, `,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{"effort":`...)
	var reasoning Reasoning
	if r.Reasoning != nil {
		reasoning = *r.Reasoning
	}
	dst = appendStringOrNull(dst, reasoning.Effort)
	dst = append(dst, `,"summary":null},"safety_identifier":null,"service_tier":`...)
	dst = wire.AppendJSONString(dst, cmp.Or(h.ServiceTier, ServiceTierOf(ask.TierStandard)))
	dst = append(dst, `,"store":false,"temperature":`...)
	dst = strconv.AppendFloat(dst, float64(a.Sampling.Temperature), 'g', -1, 32)
	dst = append(dst, `,"text":{"format":`...)
	var text ResponseText
	if r.Text != nil && len(r.Text.Format) <= echoBytes {
		text = *r.Text
	}
	dst = appendValueOr(dst, text.Format, `{"type":"text"}`)
	dst = append(dst, `},"tool_choice":`...)
	dst = appendValueOr(dst, r.ToolChoice, `"auto"`)
	dst = append(dst, `,"tools":`...)
	dst = appendValueOr(dst, tools, `[]`)
	dst = append(dst, `,"top_logprobs":`...)
	dst = strconv.AppendInt(dst, int64(max(a.TopLogprobs, 0)), 10)
	topP := float64(a.Sampling.TopP)
	if topP == 0 { // off
		topP = 1
	}
	dst = append(dst, `,"top_p":`...)
	dst = strconv.AppendFloat(dst, topP, 'g', -1, 32)
	dst = append(dst, `,"truncation":"disabled","user":null}`...)
	return &ResponseHead{id: h.ID, begin: begin, end: string(dst), hideReasoning: reasoning.Exclude, timings: a.Timings}
}

// appendValueOr appends a value that the client sent, on one line, or another.
func appendValueOr(dst []byte, v jsontext.Value, other string) []byte {
	v = v.Clone()
	if isNull(v) || v.Compact() != nil {
		return append(dst, other...)
	}
	return append(dst, v...)
}

// state is how far a response has come.
type state struct {
	status string
	end    *ask.End
	fault  *ask.Fault
	of     *ask.Event // that tells of the prompt's progress
}

// append appends the object of a response.
func (h *ResponseHead) append(dst []byte, s state, items []responseItem) []byte {
	dst = append(dst, h.begin...)
	dst = append(append(dst, s.status...), `","error":`...)
	if s.fault != nil {
		dst = appendResponseError(dst, s.fault)
	} else {
		dst = append(dst, "null"...)
	}
	if s.status == "incomplete" {
		dst = append(dst, `,"incomplete_details":{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, `,"incomplete_details":null`...)
	}
	dst = append(dst, `,"output":[`...)
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = items[i].append(dst)
	}
	dst = append(dst, `],"usage":`...)
	if s.end != nil {
		dst = appendResponseUsage(dst, s.end)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, h.end...)
}

func appendResponseUsage(dst []byte, end *ask.End) []byte {
	for _, f := range []struct {
		name  string
		count int
	}{
		{`{"input_tokens":`, end.PromptTokens},
		{`,"input_tokens_details":{"cached_tokens":`, end.CachedTokens},
		{`},"output_tokens":`, end.CompletionTokens},
		{`,"output_tokens_details":{"reasoning_tokens":`, end.ReasoningTokens},
		{`},"total_tokens":`, end.PromptTokens + end.CompletionTokens},
	} {
		dst = strconv.AppendInt(append(dst, f.name...), int64(f.count), 10)
	}
	return append(dst, '}')
}

// appendResponseError appends a failure in the words of responses.
func appendResponseError(dst []byte, f *ask.Fault) []byte {
	s := spellings[f.Kind]
	code := s.code
	switch {
	case s.typ == typeRateLimit:
		code = "rate_limit_exceeded"
	case s.typ == typeServer:
		code = typeServer
	}
	dst = append(dst, `{"code":`...)
	dst = wire.AppendJSONString(dst, code)
	dst = append(dst, `,"message":`...)
	shown := ask.Fault{What: ask.Clip(f.What, messageBytes), Remedy: ask.Clip(f.Remedy, messageBytes)}
	dst = wire.AppendJSONString(dst, shown.Error())
	return append(dst, '}')
}
