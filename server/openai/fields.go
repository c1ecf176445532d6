package openai

import (
	"encoding/json/jsontext"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// rule says what a field outside the request types may be.
type rule []string

// ignored fields do not change the result.
var ignored = rule(nil)

// neutral fields are not implemented: null and the values that leave the
// result as it is may be sent, others are refused.
func neutral(values ...string) rule { return append(rule{"null"}, values...) }

var (
	chatFields = map[string]rule{
		"user": ignored, "metadata": ignored, "store": ignored, "service_tier": ignored,
		"safety_identifier": ignored, "prompt_cache_key": ignored, "prompt_cache_retention": ignored,
		"prediction": ignored, "parallel_tool_calls": ignored, "cache_prompt": ignored,
		"n":                    neutral("1"),
		"frequency_penalty":    neutral("0", "0.0"),
		"presence_penalty":     neutral("0", "0.0"),
		"repeat_penalty":       neutral("1", "1.0"),
		"repetition_penalty":   neutral("1", "1.0"),
		"logit_bias":           neutral("{}", "[]"),
		"response_format":      neutral(`{"type":"text"}`),
		"modalities":           neutral(`["text"]`),
		"tools":                neutral("[]"),
		"tool_choice":          neutral(`"none"`, `"auto"`),
		"functions":            neutral("[]"),
		"function_call":        neutral(`"none"`, `"auto"`),
		"audio":                neutral(),
		"web_search_options":   neutral(),
		"reasoning_effort":     neutral(`"none"`),
		"verbosity":            neutral(`"medium"`),
		"grammar":              neutral(`""`),
		"json_schema":          neutral(),
		"chat_template_kwargs": neutral("{}"),
	}
	completionFields = map[string]rule{
		"user": ignored, "cache_prompt": ignored,
		"n":                  neutral("1"),
		"best_of":            neutral("1"),
		"echo":               neutral("false"),
		"suffix":             neutral(`""`),
		"frequency_penalty":  neutral("0", "0.0"),
		"presence_penalty":   neutral("0", "0.0"),
		"repeat_penalty":     neutral("1", "1.0"),
		"repetition_penalty": neutral("1", "1.0"),
		"logit_bias":         neutral("{}", "[]"),
		"grammar":            neutral(`""`),
		"json_schema":        neutral(),
	}
	messageFields = map[string]rule{
		"refusal": ignored, "annotations": ignored, "reasoning_content": ignored,
		"audio":         neutral(),
		"function_call": neutral(),
	}
)

// checkRest refuses the fields that would change the result and those that
// nobody knows.
func checkRest(rest map[string]jsontext.Value, rules map[string]rule) error {
	for _, name := range slices.Sorted(maps.Keys(rest)) { // the same error every time
		allowed, known := rules[name]
		switch {
		case !known:
			return &Error{
				Status:  http.StatusBadRequest,
				Message: name + ": unknown field: check its spelling or leave it out",
				Type:    TypeInvalidRequest,
				Param:   name,
				Code:    CodeUnknown,
			}
		case !allowed.allows(rest[name]):
			return &Error{
				Status:  http.StatusBadRequest,
				Message: fmt.Sprintf("%s: not supported with this value: leave it out or send %s", name, allowed[len(allowed)-1]),
				Type:    TypeInvalidRequest,
				Param:   name,
				Code:    CodeUnsupported,
			}
		}
	}
	return nil
}

func (r rule) allows(value jsontext.Value) bool {
	if r == nil {
		return true
	}
	value = value.Clone()
	if value.Compact() != nil {
		return false
	}
	for _, v := range r {
		if string(value) == v {
			return true
		}
	}
	return false
}
