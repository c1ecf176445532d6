package ollama

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Common is what requests that generate share. A nil pointer is a field that the
// client left out or set to null.
type Common struct {
	Model   string         `json:"model"`
	Stream  *bool          `json:"stream"` // default true
	Format  jsontext.Value `json:"format"`
	Options Options        `json:"options"`
	Think   Think          `json:"think"`
	// Logprobs asks for log-probabilities, TopLogprobs also for those of the
	// likeliest tokens.
	Logprobs    bool     `json:"logprobs"`
	TopLogprobs *float64 `json:"top_logprobs"`
}

// ChatRequest is the body of POST /api/chat.
type ChatRequest struct {
	Common
	Messages wire.Objects[Message]     `json:"messages"`
	Tools    wire.Objects[Tool]        `json:"tools"`
	Rest     map[string]jsontext.Value `json:",embed"`
}

// GenerateRequest is the body of POST /api/generate.
type GenerateRequest struct {
	Common
	Prompt string                    `json:"prompt"`
	System string                    `json:"system"`
	Raw    bool                      `json:"raw"`
	Rest   map[string]jsontext.Value `json:",embed"`
}

// Streams reports whether the answer is to be streamed.
func (c *Common) Streams() bool { return c.Stream == nil || *c.Stream }

// Message is one turn of a chat.
type Message struct {
	Role       string                    `json:"role"`
	Content    string                    `json:"content"`
	Thinking   string                    `json:"thinking"`
	ToolCalls  wire.Objects[ToolCall]    `json:"tool_calls"`
	ToolName   string                    `json:"tool_name"`
	ToolCallID string                    `json:"tool_call_id"`
	Rest       map[string]jsontext.Value `json:",embed"`
}

// ToolCall is a call that the assistant made.
type ToolCall struct {
	ID       string                    `json:"id"`
	Function ToolCallFunction          `json:"function"`
	Rest     map[string]jsontext.Value `json:",embed"`
}

// ToolCallFunction is what is called, with what.
type ToolCallFunction struct {
	Index     float64        `json:"index"` // the order says it
	Name      string         `json:"name"`
	Arguments jsontext.Value `json:"arguments"`
}

// Tool is a function that the model may call.
type Tool struct {
	Type     string       `json:"type"`
	Function ToolFunction `json:"function"`
}

// ToolFunction describes it.
type ToolFunction struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Parameters  jsontext.Value `json:"parameters"`
}

// Think says whether, and how much, the model thinks before it speaks.
type Think struct {
	Set    bool // the client said
	On     bool
	Effort string // "low", "medium", "high", or ""
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Think) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*t = Think{}
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case 't', 'f':
		t.Set = true
		return json.UnmarshalDecode(d, &t.On)
	case '"':
		t.Set, t.On = true, true
		if err := json.UnmarshalDecode(d, &t.Effort); err != nil {
			return err
		}
		switch t.Effort {
		case "low", "medium", "high":
			return nil
		case "max": // templates know three
			t.Effort = "high"
			return nil
		}
		return wire.InvalidHere(`%q is none of true, false, "low", "medium" and "high"`, ask.Clip(t.Effort, ask.QuotedBytes))
	}
	return wire.WrongKind(d, "a boolean or a string")
}

// ModelRequest names a model: the body of POST /api/show, of /api/pull and of
// others.
type ModelRequest struct {
	Model  string                    `json:"model"`
	Name   string                    `json:"name"` // as it was called before
	Stream *bool                     `json:"stream"`
	Rest   map[string]jsontext.Value `json:",embed"` // of no interest
}

// Named is the model's name.
func (r *ModelRequest) Named() (string, error) {
	switch {
	case r.Model != "":
		return r.Model, nil
	case r.Name != "":
		return r.Name, nil
	}
	return "", wire.Missing("model", "the name of a model, as GET /api/tags gives it")
}

// EmbedRequest is the body of POST /api/embed.
type EmbedRequest struct {
	Model      string                    `json:"model"`
	Input      Inputs                    `json:"input"`
	Dimensions *float64                  `json:"dimensions"`
	Options    Options                   `json:"options"`
	Rest       map[string]jsontext.Value `json:",embed"`
}

// EmbeddingsRequest is the body of POST /api/embeddings, which came before.
type EmbeddingsRequest struct {
	Model   string                    `json:"model"`
	Prompt  string                    `json:"prompt"`
	Options Options                   `json:"options"`
	Rest    map[string]jsontext.Value `json:",embed"`
}

// Inputs are texts: one or an array.
type Inputs []ask.Prompt

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (in *Inputs) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*in = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		*in = make(Inputs, 1)
		return json.UnmarshalDecode(d, &(*in)[0].Text)
	case '[':
		var texts []string
		if err := json.UnmarshalDecode(d, &texts); err != nil {
			return err
		}
		*in = make(Inputs, len(texts))
		for i, text := range texts {
			(*in)[i].Text = text
		}
		return nil
	}
	return wire.WrongKind(d, "a string or an array of strings")
}

// What may be sent beside the fields that the types have.
var (
	chatFields = map[string]wire.Rule{
		"keep_alive": wire.Ignored, "truncate": wire.Ignored, "shift": wire.Ignored,
		"_debug_render_only": wire.Neutral("false"),
	}
	generateFields = map[string]wire.Rule{
		"keep_alive": wire.Ignored, "truncate": wire.Ignored, "shift": wire.Ignored,
		"_debug_render_only": wire.Neutral("false"),
		"suffix":             wire.Neutral(`""`), "template": wire.Neutral(`""`), "context": wire.Neutral("[]"), "images": wire.Neutral("[]"),
		"width": wire.Neutral("0"), "height": wire.Neutral("0"), "steps": wire.Neutral("0"),
	}
	messageFields  = map[string]wire.Rule{"images": wire.Neutral("[]"), "name": wire.Ignored}
	toolCallFields = map[string]wire.Rule{"type": wire.Ignored}
	embedFields    = map[string]wire.Rule{"keep_alive": wire.Ignored, "truncate": wire.Ignored}
)
