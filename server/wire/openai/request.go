package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Common is the part that chat and completion requests share. A nil pointer is
// a field that the client left out or set to null.
type Common struct {
	Model         string         `json:"model"`
	Stream        bool           `json:"stream"`
	StreamOptions *StreamOptions `json:"stream_options"`
	MaxTokens     *int           `json:"max_tokens"`
	Temperature   *float64       `json:"temperature"`
	TopP          *float64       `json:"top_p"`
	TopK          *int           `json:"top_k"`
	MinP          *float64       `json:"min_p"`
	Seed          *int64         `json:"seed"`
	Stop          Stop           `json:"stop"`
	IgnoreEOS     bool           `json:"ignore_eos"`
}

// StreamOptions are options of a streaming request.
type StreamOptions struct {
	IncludeUsage       bool `json:"include_usage"`
	IncludeObfuscation bool `json:"include_obfuscation"` // accepted, has no effect
}

// ChatRequest is the body of POST /v1/chat/completions.
type ChatRequest struct {
	Common
	Messages            []Message                 `json:"messages"`
	MaxCompletionTokens *int                      `json:"max_completion_tokens"`
	Logprobs            bool                      `json:"logprobs"`
	TopLogprobs         *int                      `json:"top_logprobs"`
	Rest                map[string]jsontext.Value `json:",embed"`
}

// CompletionRequest is the body of POST /v1/completions.
type CompletionRequest struct {
	Common
	Prompt   Prompt                    `json:"prompt"`
	Logprobs *int                      `json:"logprobs"`
	Rest     map[string]jsontext.Value `json:",embed"`
}

// Stop is the strings that end a generation: one string or an array.
type Stop []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Stop) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*s = nil
	switch d.PeekKind() {
	case '"':
		var one string
		if err := json.UnmarshalDecode(d, &one); err != nil {
			return err
		}
		*s = Stop{one}
		return nil
	case '[', 'n':
		return json.UnmarshalDecode(d, (*[]string)(s))
	}
	return wire.WrongKind(d, "a string or an array of strings")
}

// Prompt is what a completion continues: text or tokens.
type Prompt ask.Prompt

// UnmarshalJSONFrom implements json.UnmarshalerFrom. OpenAI's four forms are a
// string, an array with one string, an array of tokens and an array with one
// array of tokens; several prompts in one request are refused.
func (p *Prompt) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*p = Prompt{}
	kind := d.PeekKind()
	switch kind {
	case 'n':
		return d.SkipValue()
	case '"':
		return json.UnmarshalDecode(d, &p.Text)
	case '[':
	default:
		return wire.WrongKind(d, "a string or an array of tokens")
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	var texts []string
	if json.Unmarshal(value, &texts) == nil && len(texts) > 0 {
		p.Text = texts[0]
		return onlyOne(len(texts))
	}
	if json.Unmarshal(value, &p.Tokens) == nil {
		return nil
	}
	var lists [][]ask.Token
	if json.Unmarshal(value, &lists) == nil && len(lists) > 0 {
		p.Tokens = lists[0]
		return onlyOne(len(lists))
	}
	return wire.InvalidHere("expected a string or an array of tokens")
}

func onlyOne(prompts int) error {
	if prompts == 1 {
		return nil
	}
	return wire.InvalidHere("one prompt a request: send the others as requests of their own, they are batched")
}

// Message is one turn of a chat.
type Message struct {
	Role       string                    `json:"role"`
	Content    Content                   `json:"content"`
	Name       string                    `json:"name"`
	ToolCalls  jsontext.Value            `json:"tool_calls"`   // an assistant's, as sent
	ToolCallID string                    `json:"tool_call_id"` // what a tool's turn answers
	Rest       map[string]jsontext.Value `json:",embed"`
}

// Content is what a message says: one text, or text parts if Parts is not nil.
type Content struct {
	Text  string
	Parts []string
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
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.UnmarshalDecode(d, &parts); err != nil {
		return err
	}
	c.Parts = make([]string, len(parts))
	for i, part := range parts {
		if part.Type != "text" {
			return wire.InvalidHere("part %d is of type %q: this model reads text only", i, ask.Clip(part.Type, ask.QuotedBytes))
		}
		c.Parts[i] = part.Text
	}
	return nil
}
