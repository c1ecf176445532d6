package chat

import (
	"encoding/json/jsontext"

	"github.com/ardanlabs/jinja"

	"github.com/weirgo/weir/server/ask"
)

// Input is one conversation to render.
type Input struct {
	Messages []ask.Message
	// Tools is the request's array of tools as the client sent it, or nil.
	Tools jsontext.Value
	// AddGenerationPrompt ends the text where the assistant's turn begins.
	AddGenerationPrompt bool
	// Variables is a JSON object of further variables for the template, such
	// as {"enable_thinking": false}, or nil. The names the template always
	// has cannot be changed by it.
	Variables jsontext.Value
}

// variables returns what the template sees of the input. The values are made
// for one Render: templates may change them.
func (t *Template) variables(in Input) (map[string]jinja.Value, error) {
	variables := map[string]jinja.Value{}
	if in.Variables != nil {
		given, err := t.decode("variables", in.Variables)
		if err != nil {
			return nil, err
		}
		if !given.IsDict() {
			return nil, &RenderError{Message: "the template's variables are no JSON object", BadRequest: true}
		}
		for name, value := range given.AsDict().Data {
			variables[name] = value
		}
	}
	messages := make([]jinja.Value, len(in.Messages))
	for i := range in.Messages {
		message, err := t.message(&in.Messages[i])
		if err != nil {
			return nil, err
		}
		messages[i] = message
	}
	tools := jinja.None()
	if in.Tools != nil {
		var err error
		if tools, err = t.decode("tools", in.Tools); err != nil {
			return nil, err
		}
	}
	variables["messages"] = jinja.NewList(messages)
	variables["tools"] = tools
	variables["add_generation_prompt"] = jinja.NewBool(in.AddGenerationPrompt)
	variables["bos_token"] = jinja.NewString(t.bos)
	variables["eos_token"] = jinja.NewString(t.eos)
	return variables, nil
}

func (t *Template) message(m *ask.Message) (jinja.Value, error) {
	value := jinja.NewDict()
	dict := value.AsDict()
	dict.Set("role", jinja.NewString(m.Role))
	dict.Set("content", t.content(m))
	if m.Name != "" {
		dict.Set("name", jinja.NewString(m.Name))
	}
	if m.ToolCalls != nil {
		calls, err := t.toolCalls(m.ToolCalls)
		if err != nil {
			return jinja.Undefined(), err
		}
		dict.Set("tool_calls", calls)
	}
	if m.ToolCallID != "" {
		dict.Set("tool_call_id", jinja.NewString(m.ToolCallID))
	}
	return value, nil
}

// content returns a message's text in the form the template takes.
func (t *Template) content(m *ask.Message) jinja.Value {
	parts := m.Parts
	if parts == nil {
		parts = []string{m.Content}
	}
	if !t.wantsParts {
		text := ""
		for i, part := range parts {
			if i > 0 {
				text += "\n"
			}
			text += part
		}
		return jinja.NewString(text)
	}
	items := make([]jinja.Value, len(parts))
	for i, part := range parts {
		item := jinja.NewDict()
		item.AsDict().Set("type", jinja.NewString("text"))
		item.AsDict().Set("text", jinja.NewString(part))
		items[i] = item
	}
	return jinja.NewList(items)
}

// toolCalls returns an assistant's calls, their arguments in the form the
// template takes: clients send a string of JSON.
func (t *Template) toolCalls(raw jsontext.Value) (jinja.Value, error) {
	calls, err := t.decode("tool_calls", raw)
	if err != nil {
		return jinja.Undefined(), err
	}
	if !calls.IsList() {
		return jinja.Undefined(), &RenderError{Message: "tool_calls is no array", BadRequest: true}
	}
	if t.wantsArgumentsAsText {
		return calls, nil
	}
	for _, call := range calls.AsList().Items {
		if !call.IsDict() {
			continue
		}
		function, _ := call.AsDict().Get("function")
		if !function.IsDict() {
			continue
		}
		arguments, _ := function.AsDict().Get("arguments")
		if !arguments.IsString() {
			continue
		}
		// A model may have written arguments that are no JSON: they stay text.
		if object, err := t.decode("arguments", jsontext.Value(arguments.AsString())); err == nil {
			function.AsDict().Set("arguments", object)
		}
	}
	return calls, nil
}
