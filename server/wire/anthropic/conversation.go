package anthropic

import (
	"encoding/json/jsontext"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// conversation is messages in the form that chat templates know, as they are
// made.
type conversation struct {
	turns []turn
	names map[string]string // of tools, by the id of the call
}

// turn is one message, whose thoughts come in blocks.
type turn struct {
	ask.Message
	thoughts []string
}

// billing begins a block of the system prompt that a client of Anthropic's means
// for its own service. It differs from request to request, and would keep the
// prompt from being the same.
const billing = "x-anthropic-billing-header:"

// conversation makes the messages of a request.
func (r *Request) conversation(a *ask.Request) error {
	c := conversation{names: map[string]string{}}
	for i := range r.System {
		b := &r.System[i]
		outer := "system[" + strconv.Itoa(i) + "]"
		if err := b.check(outer); err != nil {
			return err
		}
		if b.Type != "text" {
			return misplaced(outer, b.Type, "the system prompt")
		}
		if !strings.HasPrefix(b.Text, billing) {
			c.say("system", b.Text)
		}
	}
	for i := range r.Messages {
		if err := c.add(&r.Messages[i], "messages["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	last := &c.turns[len(c.turns)-1]
	if a.Continue = last.Role == "assistant"; a.Continue && last.ToolCalls != nil {
		return &ask.Fault{
			Kind: ask.InvalidValue, Param: "messages", What: "messages: the last one calls tools, whose results are missing",
			Remedy: "add a user's message with a tool_result for each tool_use",
		}
	}
	a.Messages = make([]ask.Message, len(c.turns))
	for i := range c.turns {
		a.Messages[i] = c.turns[i].message()
	}
	return nil
}

// message is a turn that is whole.
func (t *turn) message() ask.Message {
	m := t.Message
	m.Reasoning = strings.Join(t.thoughts, "\n")
	if m.ToolCalls != nil {
		m.ToolCalls = append(m.ToolCalls, ']')
	}
	if len(m.Parts) == 1 {
		m.Content, m.Parts = m.Parts[0], nil
	}
	return m
}

// add adds a message.
func (c *conversation) add(m *Message, outer string) error {
	switch m.Role {
	case "user", "assistant", "system":
	case "":
		return wire.Missing(outer+".role", `"user" or "assistant"`)
	default:
		return wire.Invalid(outer+".role", `%q is not supported: use "user" or "assistant"`, ask.Clip(m.Role, ask.QuotedBytes))
	}
	if err := wire.CheckRest(m.Rest, messageFields); err != nil {
		return wire.Inside(outer, err)
	}
	if len(m.Content) == 0 {
		c.turn(m.Role)
	}
	for i := range m.Content {
		b := &m.Content[i]
		at := outer + ".content[" + strconv.Itoa(i) + "]"
		if err := b.check(at); err != nil {
			return err
		}
		if err := c.block(m.Role, b, at); err != nil {
			return err
		}
	}
	return nil
}

// block adds a block of a turn.
func (c *conversation) block(role string, b *Block, at string) error {
	switch {
	case b.Type == "text":
		c.say(role, b.Text)
	case b.Type == "tool_result" && role == "user":
		return c.result(b, at)
	case role != "assistant":
		return misplaced(at, b.Type, "a message of role "+role)
	case b.Type == "thinking":
		t := c.turn(role)
		t.thoughts = append(t.thoughts, b.Thinking)
	case b.Type == "redacted_thinking": // nobody here can read it
		c.turn(role)
	case b.Type == "tool_use":
		return c.call(b, at)
	default:
		return misplaced(at, b.Type, "a message of role "+role)
	}
	return nil
}

// turn is the turn that role has now.
func (c *conversation) turn(role string) *turn {
	if n := len(c.turns); n == 0 || c.turns[n-1].Role != role {
		c.turns = append(c.turns, turn{Message: ask.Message{Role: role}})
	}
	return &c.turns[len(c.turns)-1]
}

func (c *conversation) say(role, text string) {
	t := c.turn(role)
	t.Parts = append(t.Parts, text)
}

// call adds a call of a tool to the assistant's turn.
func (c *conversation) call(b *Block, at string) error {
	switch {
	case b.ID == "":
		return wire.Missing(at+".id", "the id of the call")
	case b.Name == "":
		return wire.Missing(at+".name", "the name of the tool")
	}
	input := b.Input
	switch input.Kind() {
	case '{':
		if err := input.Compact(); err != nil {
			return wire.Invalid(at+".input", "%v", err)
		}
	case 0, 'n':
		input = jsontext.Value("{}")
	default:
		return wire.Invalid(at+".input", "expected an object, got a JSON %s", wire.KindName(input.Kind()))
	}
	c.names[b.ID] = b.Name
	t := c.turn("assistant")
	t.ToolCalls = wire.AppendCall(t.ToolCalls, b.ID, b.Name, input)
	return nil
}

// result adds what a tool gave, a turn of its own.
func (c *conversation) result(b *Block, at string) error {
	if b.ToolUseID == "" {
		return wire.Missing(at+".tool_use_id", "the id of the call that this is the result of")
	}
	m := ask.Message{Role: "tool", ToolCallID: b.ToolUseID, Name: c.names[b.ToolUseID]}
	for i := range b.Content {
		inner := &b.Content[i]
		outer := at + ".content[" + strconv.Itoa(i) + "]"
		if err := inner.check(outer); err != nil {
			return err
		}
		if inner.Type != "text" {
			return misplaced(outer, inner.Type, "the result of a tool")
		}
		m.Parts = append(m.Parts, inner.Text)
	}
	if b.IsError && len(m.Parts) == 0 {
		m.Parts = []string{"error"}
	}
	c.turns = append(c.turns, turn{Message: m})
	return nil
}

// check refuses blocks that no message may have.
func (b *Block) check(at string) error {
	switch b.Type {
	case "text", "thinking", "redacted_thinking", "tool_use", "tool_result":
	case "":
		return wire.Missing(at+".type", `"text" for a text`)
	case "image", "document", "search_result":
		return &ask.Fault{
			Kind: ask.Unsupported, Param: at, What: at + ": a block of type " + strconv.Quote(b.Type) + " cannot be read",
			Remedy: `this model reads text only: send what matters of it as a block of type "text"`,
		}
	default:
		return &ask.Fault{
			Kind: ask.Unsupported, Param: at + ".type",
			What:   at + ".type: " + strconv.Quote(ask.Clip(b.Type, ask.QuotedBytes)) + " is not supported",
			Remedy: `use "text", "thinking", "tool_use" and "tool_result"`,
		}
	}
	if err := wire.CheckRest(b.Rest, blockFields); err != nil {
		return wire.Inside(at, err)
	}
	return nil
}

func misplaced(at, typ, where string) error {
	return wire.Invalid(at+".type", "%q cannot be in %s", typ, where)
}
