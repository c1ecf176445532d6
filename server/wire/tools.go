package wire

import (
	"encoding/json/jsontext"

	"github.com/weirgo/weir/server/ask"
)

// CheckTools checks the names of tools, and that one that must be called is there.
func CheckTools(r *ask.Request) error {
	known := make(map[string]bool, len(r.Tools))
	for _, tool := range r.Tools {
		if known[tool.Name] {
			return Invalid("tools", "%q is there twice", ask.Clip(tool.Name, ask.QuotedBytes))
		}
		known[tool.Name] = true
	}
	switch {
	case r.ToolChoice == ask.ToolRequired && len(r.Tools) == 0:
		return Invalid("tool_choice", "a tool must be called, and there is none in tools")
	case r.ToolChoice == ask.ToolNamed && !known[r.ToolName]:
		return Invalid("tool_choice", "%q is not in tools", ask.Clip(r.ToolName, ask.QuotedBytes))
	}
	return nil
}

// AppendCall appends a call of a tool to an array of calls in OpenAI's form,
// which is nil or lacks its closing bracket. arguments is a JSON object.
func AppendCall(calls []byte, id, name string, arguments []byte) []byte {
	if len(calls) == 0 {
		calls = append(calls, '[')
	} else {
		calls = append(calls, ',')
	}
	calls = append(calls, `{"id":`...)
	calls = AppendJSONString(calls, id)
	calls = append(calls, `,"type":"function","function":{"name":`...)
	calls = AppendJSONString(calls, name)
	calls = append(calls, `,"arguments":`...)
	calls = AppendJSONString(calls, arguments)
	return append(calls, "}}"...)
}

// AppendObject appends a JSON object without blanks; what is none, because it was
// cut off, becomes an empty one.
func AppendObject(dst, object []byte) []byte {
	value := jsontext.Value(object).Clone()
	if value.Kind() != '{' || value.Compact(jsontext.AllowDuplicateNames(true)) != nil {
		return append(dst, "{}"...)
	}
	return append(dst, value...)
}

// IsObject reports whether text is a JSON object, and nothing else.
func IsObject(text []byte) bool {
	value := jsontext.Value(text)
	return value.Kind() == '{' && value.IsValid(jsontext.AllowDuplicateNames(true))
}
