package front

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// told is a variable that a chat template is told.
type told struct {
	name  string
	value func(*LlamaServer, *ask.Request) string
}

// allTold are variables that llama-server gives chat templates beside those of the
// operator and the client: the day, in two forms, and the tools as a text. Few
// templates have them, and only those are told.
var allTold = []told{
	{"date_string", func(l *LlamaServer, _ *ask.Request) string { return l.Now().Format("02 Jan 2006") }},
	{"datetime", func(l *LlamaServer, _ *ask.Request) string { return l.Now().Format("Jan 02 2006") }},
	{"functions", func(_ *LlamaServer, r *ask.Request) string { return toolsText(r.Tools) }},
}

// toldTo returns the variables that a template has a use for.
func (l *LlamaServer) toldTo(template string) (all []told) {
	if l.Now == nil {
		return nil
	}
	for _, t := range allTold {
		if strings.Contains(template, t.name) {
			all = append(all, t)
		}
	}
	return all
}

// tell returns some variables, a JSON object, or nil for none.
func (l *LlamaServer) tell(variables []told, r *ask.Request) []byte {
	if len(variables) == 0 {
		return nil
	}
	object := make(map[string]string, len(variables))
	for _, t := range variables {
		object[t.name] = t.value(l, r)
	}
	text, err := json.Marshal(object, json.Deterministic(true))
	if err != nil {
		return nil // a tool that is no text: the template fails by itself
	}
	return text
}

// toolsText is the tools in OpenAI's form, "" for none.
func toolsText(tools []ask.Tool) string {
	if len(tools) == 0 {
		return ""
	}
	type function struct {
		Name        string         `json:"name"`
		Description string         `json:"description,omitempty"`
		Parameters  jsontext.Value `json:"parameters,omitzero"`
	}
	type tool struct {
		Type     string   `json:"type"`
		Function function `json:"function"`
	}
	all := make([]tool, len(tools))
	for i, t := range tools {
		all[i] = tool{"function", function{t.Name, t.Description, t.Parameters}}
	}
	text, err := json.Marshal(all, jsontext.WithIndent("  "))
	if err != nil {
		return ""
	}
	return string(text)
}
