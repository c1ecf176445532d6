package openai

import "github.com/weirgo/weir/server/wire"

// What may be sent beside the fields that the request types have.
var (
	chatFields = map[string]wire.Rule{
		"user": wire.Ignored, "metadata": wire.Ignored, "store": wire.Ignored, "service_tier": wire.Ignored,
		"safety_identifier": wire.Ignored, "prompt_cache_key": wire.Ignored, "prompt_cache_retention": wire.Ignored,
		"prediction": wire.Ignored, "parallel_tool_calls": wire.Ignored, "cache_prompt": wire.Ignored,
		"n":                    wire.Neutral("1"),
		"frequency_penalty":    wire.Neutral("0", "0.0"),
		"presence_penalty":     wire.Neutral("0", "0.0"),
		"repeat_penalty":       wire.Neutral("1", "1.0"),
		"repetition_penalty":   wire.Neutral("1", "1.0"),
		"logit_bias":           wire.Neutral("{}", "[]"),
		"response_format":      wire.Neutral(`{"type":"text"}`),
		"modalities":           wire.Neutral(`["text"]`),
		"tools":                wire.Neutral("[]"),
		"tool_choice":          wire.Neutral(`"none"`, `"auto"`),
		"functions":            wire.Neutral("[]"),
		"function_call":        wire.Neutral(`"none"`, `"auto"`),
		"audio":                wire.Neutral(),
		"web_search_options":   wire.Neutral(),
		"reasoning_effort":     wire.Neutral(`"none"`),
		"verbosity":            wire.Neutral(`"medium"`),
		"grammar":              wire.Neutral(`""`),
		"json_schema":          wire.Neutral(),
		"chat_template_kwargs": wire.Neutral("{}"),
	}
	completionFields = map[string]wire.Rule{
		"user": wire.Ignored, "cache_prompt": wire.Ignored,
		"n":                  wire.Neutral("1"),
		"best_of":            wire.Neutral("1"),
		"echo":               wire.Neutral("false"),
		"suffix":             wire.Neutral(`""`),
		"frequency_penalty":  wire.Neutral("0", "0.0"),
		"presence_penalty":   wire.Neutral("0", "0.0"),
		"repeat_penalty":     wire.Neutral("1", "1.0"),
		"repetition_penalty": wire.Neutral("1", "1.0"),
		"logit_bias":         wire.Neutral("{}", "[]"),
		"grammar":            wire.Neutral(`""`),
		"json_schema":        wire.Neutral(),
	}
	messageFields = map[string]wire.Rule{
		"refusal": wire.Ignored, "annotations": wire.Ignored, "reasoning_content": wire.Ignored,
		"audio":         wire.Neutral(),
		"function_call": wire.Neutral(),
	}
)
