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
	// Tools is an array of tools in OpenAI's form, see [Tools], or nil.
	Tools jsontext.Value
	// AddGenerationPrompt ends the text where the assistant's turn begins.
	AddGenerationPrompt bool
	// Continue leaves the last message, the assistant's, open: the text ends
	// with its content, or with its reasoning if it has no content yet, as
	// with transformers' continue_final_message.
	Continue bool
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
	given := t.singly(in.Messages)
	messages := make([]jinja.Value, len(given))
	for i := range given {
		message, err := t.message(d, &given[i])
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
	reasoning, content := m.Reasoning, t.content(m)
	switch said := m.Parts != nil || m.Content != ""; {
	case m.ToolCalls == nil:
	case !said && t.wantsNoContent:
		content = jinja.None(0)
	case said && reasoning != "" && t.eitherOne:
		reasoning += "\n" + m.Content + strings.Join(m.Parts, "\n")
		content = clients("")
	}
	value.Set("content", content)
	if reasoning != "" {
		for _, key := range t.reasoningKeys {
			value.Set(key, clients(reasoning))
		}
	}
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
		value.Set("tool_call_id", t.identity(m.ToolCallID))
	}
	return value, nil
}

// content returns a message's text in the form the template takes.
func (t *Template) content(m *ask.Message) jinja.Value {
	thinks := m.Reasoning != "" && t.thinkingParts
	if !t.wantsParts && !thinks {
		if m.Parts == nil {
			return clients(m.Content)
		}
		return clients(strings.Join(m.Parts, "\n"))
	}
	parts := m.Parts
	if parts == nil {
		parts = []string{m.Content}
	}
	items := make([]jinja.Value, 0, len(parts)+1)
	add := func(kind, text string) {
		item := jinja.NewDict(2, false)
		item.Set("type", jinja.String(kind, true))
		item.Set(kind, clients(text))
		items = append(items, item)
	}
	if thinks {
		add("thinking", m.Reasoning)
	}
	for _, part := range parts {
		if part != "" || !thinks {
			add("text", part)
		}
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
	if t.wantsArgumentsAsText && !t.wantsNineIDs {
		return calls, nil
	}
	for _, call := range calls.Items() {
		call, ok := call.(*jinja.Dict)
		if !ok {
			continue
		}
		if field, _ := call.Get("id"); t.wantsNineIDs {
			if id, ok := field.(*jinja.Str); ok {
				call.Set("id", t.identity(id.Text()))
			}
		}
		if t.wantsArgumentsAsText {
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
