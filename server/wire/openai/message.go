package openai

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Message is one turn of a chat. What few messages have is in Rest.
type Message struct {
	Role       string                    `json:"role"`
	Content    Content                   `json:"content"`
	Name       string                    `json:"name"`
	ToolCalls  jsontext.Value            `json:"tool_calls"`   // an assistant's, as sent
	ToolCallID string                    `json:"tool_call_id"` // what a tool's turn answers
	Rest       map[string]jsontext.Value `json:",embed"`
}

// rare are the fields of a message that most have not.
type rare struct {
	reasoning    string
	functionCall *Call // the older form of a tool call
	prefix       *bool // whether to go on with it
}

// rare reads them out of Rest.
func (m *Message) rare(outer string) (r rare, err error) {
	if len(m.Rest) == 0 { // as most have none; what follows is on the heap
		r.reasoning = m.Content.Reasoning
		return r, nil
	}
	var partial *bool
	var thoughts [3]string
	for _, f := range []struct {
		name string
		to   any
	}{
		{"reasoning_content", &thoughts[0]}, {"reasoning", &thoughts[1]}, {"thinking", &thoughts[2]}, // whoever's name it is
		{"function_call", &r.functionCall},
		{"prefix", &r.prefix}, {"partial", &partial}, // Mistral's and DeepSeek's name; Qwen's and Moonshot's
	} {
		if value, sent := m.Rest[f.name]; sent {
			if err := decodeField(outer+"."+f.name, value, f.to); err != nil {
				return r, err
			}
		}
	}
	if r.prefix == nil {
		r.prefix = partial
	}
	r.reasoning = cmp.Or(thoughts[0], thoughts[1], thoughts[2], m.Content.Reasoning)
	return r, nil
}

// Call is a call of a function, as clients send it back.
type Call struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// messages puts the conversation into a request, and says whether its last
// message is gone on with.
func (r *ChatRequest) messages(a *ask.Request) error {
	a.Messages = make([]ask.Message, len(r.Messages))
	callID := ""
	var last rare
	for i := range r.Messages {
		m, to := &r.Messages[i], &a.Messages[i]
		var err error
		if last, err = m.ask(to, i); err != nil {
			return err
		}
		switch c := last.functionCall; {
		case c != nil:
			callID = "call_" + strconv.Itoa(i)
			to.ToolCalls = append(AppendToolCall([]byte{'['}, callID, c.Name, c.Arguments), ']')
		case m.Role == "function":
			to.ToolCallID = callID
		}
	}
	final := &a.Messages[len(a.Messages)-1]
	isAssistant := isOpen(final)
	said := func(b *bool, v bool) bool { return b != nil && *b == v }
	if said(r.AddGenerationPrompt, true) && said(r.ContinueFinalMessage, true) {
		return wire.Invalid("continue_final_message", "add_generation_prompt is true as well: send one of the two")
	}
	switch {
	case isAssistant && len(a.Messages) > 1 && isOpen(&a.Messages[len(a.Messages)-2]):
		return wire.Invalid("messages", "the last two are both the assistant's, and one can be gone on with: make one of them")
	case isAssistant:
		a.Continue = !said(r.AddGenerationPrompt, true) && !said(r.ContinueFinalMessage, false) && !said(last.prefix, false)
	case said(r.ContinueFinalMessage, true):
		return wire.Invalid("continue_final_message", "the last message is not the assistant's")
	case said(r.AddGenerationPrompt, false):
		return &ask.Fault{
			Kind: ask.Unsupported, Param: "add_generation_prompt", What: "add_generation_prompt: not supported with this value",
			Remedy: "leave it out, or send a last message of the assistant to go on with",
		}
	}
	return nil
}

// isOpen reports whether a message is one that can be gone on with.
func isOpen(m *ask.Message) bool { return m.Role == "assistant" && m.ToolCalls == nil }

// AppendToolCall appends a call as an entry of an assistant's "tool_calls".
func AppendToolCall(dst []byte, id, name, arguments string) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendJSONString(dst, id)
	dst = append(dst, `,"type":"function","function":{"name":`...)
	dst = wire.AppendJSONString(dst, name)
	dst = append(dst, `,"arguments":`...)
	dst = wire.AppendJSONString(dst, arguments)
	return append(dst, `}}`...)
}

// ask checks the form of message number i and makes a of it.
func (m *Message) ask(a *ask.Message, i int) (rare, error) {
	outer := "messages[" + strconv.Itoa(i) + "]"
	r, err := m.rare(outer)
	if err != nil {
		return r, err
	}
	*a = ask.Message{
		Role: m.Role, Content: m.Content.Text, Parts: m.Content.Parts, Name: m.Name, Reasoning: r.reasoning,
		ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
	}
	switch m.Role {
	case "system", "user", "assistant", "tool":
	case "developer": // the newer name of the same thing, unknown to templates
		a.Role = "system"
	case "function": // the older name
		a.Role = "tool"
	case "":
		return r, wire.Missing(outer+".role", `"system", "user" or "assistant"`)
	default:
		return r, wire.Invalid(outer+".role", `%q is not supported: use "system", "developer", "user", "assistant" or "tool"`, ask.Clip(m.Role, ask.QuotedBytes))
	}
	switch m.ToolCalls.Kind() {
	case 'n', 0:
		a.ToolCalls = nil
	case '[':
		var calls []struct{} // objects, whatever is in them
		if err := decodeField(outer+".tool_calls", m.ToolCalls, &calls); err != nil {
			return r, err
		}
		if len(calls) == 0 {
			a.ToolCalls = nil
		}
	default:
		return r, wire.Invalid(outer+".tool_calls", "expected an array, got a JSON %s", wire.KindName(m.ToolCalls.Kind()))
	}
	if c := r.functionCall; c != nil && (c.Name == "" || a.ToolCalls != nil) {
		return r, wire.Invalid(outer+".function_call", "it has no name, or there are tool_calls: send one of the two")
	}
	if err := checkRest(m.Rest, messageFields); err != nil {
		return r, wire.Inside(outer, err)
	}
	return r, nil
}

// Content is what a message says: one text, or text parts if Parts is not nil.
type Content struct {
	Text  string
	Parts []string
	// Reasoning is what the parts hold of the model's thoughts.
	Reasoning string
}

// part is an element of an array of content.
type part struct {
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	Refusal   string         `json:"refusal"`
	Reasoning string         `json:"reasoning"`
	Thinking  jsontext.Value `json:"thinking"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *Content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*c = Content{}
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		return json.UnmarshalDecode(d, &c.Text)
	case '[':
	default:
		return wire.WrongKind(d, "a string or an array of text parts")
	}
	var parts wire.Objects[part]
	if err := json.UnmarshalDecode(d, &parts); err != nil {
		return err
	}
	c.Parts = make([]string, 0, len(parts))
	var reasoning strings.Builder
	for i := range parts {
		if err := c.add(&reasoning, i, &parts[i]); err != nil {
			return err
		}
	}
	c.Reasoning = reasoning.String()
	return nil
}

// add takes part number i.
func (c *Content) add(reasoning *strings.Builder, i int, p *part) error {
	switch p.Type {
	case "text", "input_text", "output_text":
		c.Parts = append(c.Parts, p.Text)
	case "refusal":
		c.Parts = append(c.Parts, p.Refusal)
	case "reasoning", "reasoning_text":
		reasoning.WriteString(p.Text)
		reasoning.WriteString(p.Reasoning)
	case "thinking": // a string, or an array of text parts
		var text string
		var texts []struct {
			Text string `json:"text"`
		}
		switch {
		case len(p.Thinking) == 0, json.Unmarshal(p.Thinking, &text) == nil:
		case json.Unmarshal(p.Thinking, &texts) == nil:
			var b strings.Builder
			for _, t := range texts {
				b.WriteString(t.Text)
			}
			text = b.String()
		default:
			return wire.InvalidHere("part %d: thinking is neither a string nor an array of text parts", i)
		}
		reasoning.WriteString(text)
	case "":
		return wire.InvalidHere(`part %d has no type: send {"type":"text","text":"…"}`, i)
	default:
		return wire.InvalidHere("part %d is of type %q: this model reads text only: leave it out, or say in words what it shows", i, ask.Clip(p.Type, ask.QuotedBytes))
	}
	return nil
}
