package anthropic

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/wire"
)

// Request is the body of POST /v1/messages, and of POST
// /v1/messages/count_tokens. A nil pointer is a field that the client left out
// or set to null.
type Request struct {
	Model         string                    `json:"model"`
	Messages      wire.Objects[Message]     `json:"messages"`
	System        Content                   `json:"system"`
	MaxTokens     *float64                  `json:"max_tokens"`
	StopSequences []string                  `json:"stop_sequences"`
	Stream        bool                      `json:"stream"`
	Temperature   *float64                  `json:"temperature"`
	TopP          *float64                  `json:"top_p"`
	TopK          *float64                  `json:"top_k"`
	Tools         wire.Objects[Tool]        `json:"tools"`
	ToolChoice    *ToolChoice               `json:"tool_choice"`
	Thinking      *Thinking                 `json:"thinking"`
	OutputConfig  *OutputConfig             `json:"output_config"`
	OutputFormat  *OutputFormat             `json:"output_format"` // as it was called before
	Rest          map[string]jsontext.Value `json:",embed"`
}

// Message is one turn of a conversation.
type Message struct {
	Role    string                    `json:"role"`
	Content Content                   `json:"content"`
	Rest    map[string]jsontext.Value `json:",embed"`
}

// Content is what is said: blocks, or a text, which is one block.
type Content []Block

// Block is a part of a content. Its type says which of the fields it has.
type Block struct {
	Type      string                    `json:"type"`
	Text      string                    `json:"text"`
	Thinking  string                    `json:"thinking"`
	ID        string                    `json:"id"`
	Name      string                    `json:"name"`
	Input     jsontext.Value            `json:"input"`
	ToolUseID string                    `json:"tool_use_id"`
	Content   Content                   `json:"content"`
	IsError   bool                      `json:"is_error"`
	Rest      map[string]jsontext.Value `json:",embed"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *Content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*c = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		*c = Content{{Type: "text"}}
		return json.UnmarshalDecode(d, &(*c)[0].Text)
	case '[':
		return (*wire.Objects[Block])(c).UnmarshalJSONFrom(d)
	}
	return wire.WrongKind(d, "a string or an array of blocks")
}

// Tool is a function that the model may call.
type Tool struct {
	Type        string                    `json:"type"`
	Name        string                    `json:"name"`
	Description string                    `json:"description"`
	InputSchema jsontext.Value            `json:"input_schema"`
	Rest        map[string]jsontext.Value `json:",embed"`
}

// ToolChoice says whether tools are called.
type ToolChoice struct {
	Type                   string `json:"type"`
	Name                   string `json:"name"`
	DisableParallelToolUse bool   `json:"disable_parallel_tool_use"`
}

// Thinking says whether the model thinks before it speaks.
type Thinking struct {
	Type         string   `json:"type"`
	BudgetTokens *float64 `json:"budget_tokens"`
	Display      string   `json:"display"`
}

// OutputConfig is the form of the answer.
type OutputConfig struct {
	Effort string                    `json:"effort"`
	Format *OutputFormat             `json:"format"`
	Rest   map[string]jsontext.Value `json:",embed"`
}

// OutputFormat holds the text to a JSON schema.
type OutputFormat struct {
	Type   string         `json:"type"`
	Schema jsontext.Value `json:"schema"`
}

// What may be sent beside the fields that the types have.
var (
	requestFields = map[string]wire.Rule{
		"metadata": wire.Ignored, "service_tier": wire.Ignored, "cache_control": wire.Ignored, "inference_geo": wire.Ignored,
		"speed": wire.Ignored, "diagnostics": wire.Ignored, "context_management": wire.Ignored, "betas": wire.Ignored,
		"user_profile_id": wire.Ignored, "billing_policy": wire.Ignored,
		"fallbacks": wire.Ignored, "fallback_credit_token": wire.Ignored, // of models that decline
		"container":   wire.Neutral(),
		"mcp_servers": wire.Neutral("[]"),
		"compaction":  wire.Neutral(),
		threadField:   wire.Neutral(),
	}
	messageFields = map[string]wire.Rule{
		"id": wire.Ignored, "cache_control": wire.Ignored,
		"clear_at":      wire.Neutral(`"never"`),
		"output_config": wire.Neutral("{}"),
	}
	blockFields = map[string]wire.Rule{
		"cache_control": wire.Ignored, "citations": wire.Ignored, "signature": wire.Ignored, "data": wire.Ignored,
		"caller": wire.Ignored, "toolset_name": wire.Ignored,
	}
	toolFields = map[string]wire.Rule{
		"cache_control": wire.Ignored, "strict": wire.Ignored, "input_examples": wire.Ignored,
		"eager_input_streaming": wire.Ignored,
		"defer_loading":         wire.Neutral("false"),
		"allowed_callers":       wire.Neutral(`["direct"]`),
	}
	outputFields = map[string]wire.Rule{"task_budget": wire.Ignored}
)
