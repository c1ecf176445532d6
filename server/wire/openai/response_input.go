package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Input is the conversation of a request for a response: a text, or items.
type Input struct {
	messages  []ask.Message
	reasoning []byte // of the assistant's message that comes next
	calling   bool   // the last message is the assistant's, and takes calls
}

// inputItem is one of them. Which fields count depends on Type.
type inputItem struct {
	Type      string         `json:"type"`
	Role      string         `json:"role"`
	Content   Content        `json:"content"`
	CallID    string         `json:"call_id"`
	Name      string         `json:"name"`
	Arguments string         `json:"arguments"`
	Output    Content        `json:"output"`
	Summary   []reasoningSum `json:"summary"`
}

type reasoningSum struct {
	Text string `json:"text"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (in *Input) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*in = Input{}
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		var text string
		if err := json.UnmarshalDecode(d, &text); err != nil {
			return err
		}
		if text != "" {
			in.messages = []ask.Message{{Role: "user", Content: text}}
		}
		return nil
	case '[':
	default:
		return wire.WrongKind(d, "a string or an array of items")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for i := 0; d.PeekKind() != ']'; i++ {
		var item inputItem // one at a time: most of its fields are empty
		if err := json.UnmarshalDecode(d, &item); err != nil {
			return err
		}
		if err := in.add(&item, "input["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// add makes an item a message, or a part of one.
func (in *Input) add(item *inputItem, outer string) error {
	switch item.Type {
	case "message", "":
		return in.addMessage(item, outer)
	case "function_call":
		return in.addCall(item, outer)
	case "function_call_output":
		if item.CallID == "" {
			return wire.Missing(outer+".call_id", "the call_id of the function_call that it answers")
		}
		in.calling = false
		in.messages = append(in.messages, ask.Message{
			Role: "tool", Content: item.Output.Text, Parts: item.Output.Parts, ToolCallID: item.CallID,
		})
		return nil
	case "reasoning":
		in.addReasoning(item)
		return nil
	}
	remedy := "leave it out, or say in messages what it means"
	if item.Type == "item_reference" {
		remedy = "items are not stored here: send the item itself"
	}
	return &ask.Fault{
		Kind: ask.Unsupported, Param: outer + ".type",
		What:   outer + ".type: " + strconv.Quote(ask.Clip(item.Type, ask.QuotedBytes)) + " is not supported",
		Remedy: remedy,
	}
}

// addReasoning keeps what an item thinks, or its summary where it does not say, for
// the assistant's message that comes next.
func (in *Input) addReasoning(item *inputItem) {
	before := len(in.reasoning)
	if before > 0 {
		in.reasoning = append(in.reasoning, '\n')
	}
	thoughts := len(in.reasoning)
	in.reasoning = append(in.reasoning, item.Content.Reasoning...)
	if len(in.reasoning) == thoughts {
		for _, part := range item.Summary {
			in.reasoning = append(in.reasoning, part.Text...)
		}
	}
	if len(in.reasoning) == thoughts {
		in.reasoning = in.reasoning[:before]
	}
}

// takeReasoning returns what was kept.
func (in *Input) takeReasoning() string {
	thoughts := string(in.reasoning)
	in.reasoning = in.reasoning[:0]
	return thoughts
}

func (in *Input) addMessage(item *inputItem, outer string) error {
	m := ask.Message{Role: item.Role, Content: item.Content.Text, Parts: item.Content.Parts, Name: item.Name}
	thoughts := in.takeReasoning() // which led to nothing, if another than the assistant speaks
	switch item.Role {
	case "assistant":
		m.Reasoning = thoughts
	case "user", "system":
	case "developer":
		m.Role = "system"
	case "":
		return wire.Missing(outer+".role", `"user", "assistant", "system" or "developer"`)
	default:
		return wire.Invalid(outer+".role", `%q is not supported: use "user", "assistant", "system" or "developer"`, ask.Clip(item.Role, ask.QuotedBytes))
	}
	in.calling = item.Role == "assistant"
	in.messages = append(in.messages, m)
	return nil
}

// addCall puts a call into the assistant's message that it belongs to.
func (in *Input) addCall(item *inputItem, outer string) error {
	if item.CallID == "" || item.Name == "" {
		return wire.Missing(outer, "a call with call_id, name and arguments")
	}
	if !in.calling {
		in.messages = append(in.messages, ask.Message{Role: "assistant", Reasoning: in.takeReasoning()})
		in.calling = true
	}
	m := &in.messages[len(in.messages)-1]
	if calls := m.ToolCalls; calls == nil {
		m.ToolCalls = []byte{'['}
	} else {
		m.ToolCalls = append(calls[:len(calls)-1], ',')
	}
	m.ToolCalls = append(AppendToolCall(m.ToolCalls, item.CallID, item.Name, item.Arguments), ']')
	return nil
}
