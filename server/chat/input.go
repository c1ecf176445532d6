package chat

import (
	"encoding/json/jsontext"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat/jinja"
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

// variables returns what the template sees of the input. All that is the
// client's is untrusted.
func (t *Template) variables(in Input) (map[string]jinja.Value, error) {
	variables := map[string]jinja.Value{}
	d := jinja.NewDecoder(t.limits)
	if in.Variables != nil {
		value, err := decode(d, "variables", in.Variables)
		if err != nil {
			return nil, err
		}
		given, ok := value.(*jinja.Dict)
		if !ok {
			return nil, badRequest("the template's variables are no JSON object")
		}
		for name, value := range given.All() {
			variables[name] = value
		}
	}
	messages := make([]jinja.Value, len(in.Messages))
	for i := range in.Messages {
		message, err := t.message(d, &in.Messages[i])
		if err != nil {
			return nil, err
		}
		messages[i] = message
	}
	variables["tools"] = jinja.None(0)
	if in.Tools != nil {
		tools, err := decode(d, "tools", in.Tools)
		if err != nil {
			return nil, err
		}
		variables["tools"] = tools
	}
	variables["messages"] = jinja.NewList(messages, false)
	variables["add_generation_prompt"] = jinja.NewBool(in.AddGenerationPrompt, true)
	variables["bos_token"] = t.bos
	variables["eos_token"] = t.eos
	return variables, nil
}

// decode returns JSON that a client sent as a template's value. what names it
// in errors, which blame the request.
func decode(d *jinja.Decoder, what string, raw jsontext.Value) (jinja.Value, error) {
	value, err := d.JSON(raw)
	if err != nil {
		return nil, badRequest("%s: %w", what, err)
	}
	return value, nil
}

func clients(text string) *jinja.Str { return jinja.String(text, false) }

func (t *Template) message(d *jinja.Decoder, m *ask.Message) (jinja.Value, error) {
	value := jinja.NewDict(3, false)
	value.Set("role", clients(m.Role))
	value.Set("content", t.content(m))
	if m.Name != "" {
		value.Set("name", clients(m.Name))
	}
	if m.ToolCalls != nil {
		calls, err := t.toolCalls(d, m.ToolCalls)
		if err != nil {
			return nil, err
		}
		value.Set("tool_calls", calls)
	}
	if m.ToolCallID != "" {
		value.Set("tool_call_id", clients(m.ToolCallID))
	}
	return value, nil
}

// content returns a message's text in the form the template takes.
func (t *Template) content(m *ask.Message) jinja.Value {
	if !t.wantsParts {
		if m.Parts == nil {
			return clients(m.Content)
		}
		return clients(strings.Join(m.Parts, "\n"))
	}
	parts := m.Parts
	if parts == nil {
		parts = []string{m.Content}
	}
	items := make([]jinja.Value, len(parts))
	for i, part := range parts {
		item := jinja.NewDict(2, false)
		item.Set("type", jinja.String("text", true))
		item.Set("text", clients(part))
		items[i] = item
	}
	return jinja.NewList(items, false)
}

// toolCalls returns an assistant's calls, their arguments in the form the
// template takes: clients send a string of JSON.
func (t *Template) toolCalls(d *jinja.Decoder, raw jsontext.Value) (jinja.Value, error) {
	value, err := decode(d, "tool_calls", raw)
	if err != nil {
		return nil, err
	}
	calls, ok := value.(*jinja.List)
	if !ok {
		return nil, badRequest("tool_calls is no array")
	}
	if t.wantsArgumentsAsText {
		return calls, nil
	}
	for _, call := range calls.Items() {
		call, ok := call.(*jinja.Dict)
		if !ok {
			continue
		}
		field, _ := call.Get("function")
		function, ok := field.(*jinja.Dict)
		if !ok {
			continue
		}
		field, _ = function.Get("arguments")
		arguments, ok := field.(*jinja.Str)
		if !ok {
			continue
		}
		// A model may have written arguments that are no JSON: they stay text.
		if object, err := decode(d, "arguments", jsontext.Value(arguments.Text())); err == nil {
			function.Set("arguments", object)
		}
	}
	return calls, nil
}
