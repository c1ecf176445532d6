package calls

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// Instruct returns a conversation for a template that does not tell its model of
// tools: a system message does, and what was called and answered before is said
// in the same JSON. takesSystem says whether the template renders system
// messages; otherwise the first message of the user begins with the words. The
// messages given are not changed.
func (f *Form) Instruct(messages []ask.Message, tools []ask.Tool, takesSystem bool) []ask.Message {
	told := make([]ask.Message, 0, len(messages)+1)
	for i := range messages {
		m := messages[i]
		switch {
		case m.ToolCalls != nil:
			if text, ok := calledBefore(m.ToolCalls); ok {
				said := wholeContent(&m)
				if said != "" {
					said += "\n"
				}
				m.Content, m.Parts, m.ToolCalls = said+text, nil, nil
			}
		case m.Role == "tool":
			m = ask.Message{Role: "user", Content: answered(&m)}
			if n := len(told); n > 0 && messages[i-1].Role == "tool" {
				told[n-1].Content += "\n" + m.Content // templates want turns
				continue
			}
		}
		told = append(told, m)
	}
	if len(tools) == 0 {
		return told
	}
	return withInstructions(told, instructions(tools), takesSystem)
}

// withInstructions puts a text in front, or behind the system message.
func withInstructions(told []ask.Message, text string, takesSystem bool) []ask.Message {
	if len(told) > 0 && told[0].Role == "system" {
		m := &told[0]
		m.Content, m.Parts = wholeContent(m)+"\n\n"+text, nil
		return told
	}
	if takesSystem {
		return slices.Insert(told, 0, ask.Message{Role: "system", Content: text})
	}
	for i := range told {
		if m := &told[i]; m.Role == "user" {
			m.Content, m.Parts = text+"\n\n"+wholeContent(m), nil
			return told
		}
	}
	return slices.Insert(told, 0, ask.Message{Role: "user", Content: text})
}

func wholeContent(m *ask.Message) string {
	if m.Parts != nil {
		return strings.Join(m.Parts, "\n")
	}
	return m.Content
}

// instructions tells a model of tools.
func instructions(tools []ask.Tool) string {
	text := []byte("You may call tools. These are there, each with its name, what it does, and the JSON schema of its arguments:\n")
	for i := range tools {
		text = append(text, `{"name": `...)
		text = appendQuoted(text, tools[i].Name)
		if tools[i].Description != "" {
			text = append(text, `, "description": `...)
			text = appendQuoted(text, tools[i].Description)
		}
		text = append(text, `, "parameters": `...)
		if schema := jsontext.Value(slices.Clone(tools[i].Parameters)); len(schema) > 0 && schema.Compact() == nil {
			text = append(text, schema...)
		} else {
			text = append(text, "{}"...)
		}
		text = append(text, "}\n"...)
	}
	return string(append(text, "\nTo call tools, answer with nothing but JSON in this form:\n"+
		`{"tool_calls": [{"name": "name of the tool", "arguments": {"name of the argument": "value"}}]}`+"\n"+
		`You are then told what came of it as {"tool_response": …}. If you need no tool, answer in plain words.`...))
}

func appendQuoted(dst []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(dst, s) // what is no UTF-8 is replaced
	return quoted
}

// calledBefore says calls in OpenAI's form as the model was told to write them.
func calledBefore(raw []byte) (text string, ok bool) {
	var given []struct {
		Function struct {
			Name      string         `json:"name"`
			Arguments jsontext.Value `json:"arguments"`
		} `json:"function"`
	}
	if json.Unmarshal(raw, &given) != nil {
		return "", false
	}
	said := []byte(`{"tool_calls": [`)
	for i := range given {
		if i > 0 {
			said = append(said, ", "...)
		}
		said = append(said, `{"name": `...)
		said = appendQuoted(said, given[i].Function.Name)
		said = append(said, `, "arguments": `...)
		arguments := []byte(given[i].Function.Arguments)
		var inside string
		if json.Unmarshal(arguments, &inside) == nil && jsontext.Value(inside).IsValid() {
			arguments = []byte(inside)
		}
		if len(arguments) == 0 {
			arguments = []byte("{}")
		}
		said = append(append(said, arguments...), '}')
	}
	return string(append(said, "]}"...)), true
}

// answered says what a tool answered.
func answered(m *ask.Message) string {
	said := []byte(`{"tool_response": {`)
	if m.Name != "" {
		said = append(appendQuoted(append(said, `"name": `...), m.Name), ", "...)
	}
	said = append(appendQuoted(append(said, `"content": `...), wholeContent(m)), "}}"...)
	return string(said)
}
