package llamaserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/openai"
)

// TemplateRequest is the body of POST /apply-template: that of a chat, of which
// only the prompt is wanted.
type TemplateRequest struct {
	Chat openai.ChatRequest
	// Open leaves the text where the assistant's turn begins. Default true.
	Open bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *TemplateRequest) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	const open = "add_generation_prompt" // which a chat does not have
	var fields map[string]jsontext.Value
	if err := json.UnmarshalDecode(d, &fields); err != nil {
		return err
	}
	switch fields[open].Kind() {
	case 0, 'n', 't':
		r.Open = true
	case 'f':
		delete(fields, open)
	default:
		return wire.InvalidHere("%s: expected a boolean, got a JSON %s", open, wire.KindName(fields[open].Kind()))
	}
	chat, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return wire.Decode(chat, &r.Chat)
}

// Props is the body of GET /props.
type Props struct {
	Defaults      Generation     `json:"default_generation_settings"`
	Slots         int            `json:"total_slots"`
	Alias         string         `json:"model_alias"`
	Path          string         `json:"model_path"`
	Modalities    Modalities     `json:"modalities"`
	EndpointSlots bool           `json:"endpoint_slots"`
	EndpointProps bool           `json:"endpoint_props"`
	Metrics       bool           `json:"endpoint_metrics"`
	UI            bool           `json:"webui"`
	Template      string         `json:"chat_template"`
	TemplateCaps  map[string]any `json:"chat_template_caps"`
	BOS           string         `json:"bos_token"`
	EOS           string         `json:"eos_token"`
	Build         string         `json:"build_info"`
	Sleeping      bool           `json:"is_sleeping"`
}

// Generation is how a request is answered that says nothing of it.
type Generation struct {
	Params        jsontext.Value `json:"params"`
	ContextTokens int            `json:"n_ctx"`
}

// Modalities are what a model reads beside text.
type Modalities struct {
	Vision bool `json:"vision"`
	Audio  bool `json:"audio"`
}

// DefaultSettings are the options in force where a client says nothing.
func DefaultSettings(d wire.Defaults) (jsontext.Value, error) {
	c, err := new(Options).Ask(d)
	if err != nil {
		return nil, err
	}
	seed := "4294967295" // a new one for each request
	if d.Seed >= 0 {
		seed = string(appendNumber(nil, float64(wire.SeedOf(d.Seed)), 64))
	}
	return c.AppendSettings([]byte(`{"seed":`+seed+`,`), &c.Request), nil
}

// Slot is an element of the body of GET /slots: a place in the batch.
type Slot struct {
	ID            int         `json:"id"`
	ContextTokens int         `json:"n_ctx"`
	Speculative   bool        `json:"speculative"`
	Processing    bool        `json:"is_processing"`
	PromptTokens  int         `json:"n_prompt_tokens,omitzero"`
	Processed     int         `json:"n_prompt_tokens_processed,omitzero"`
	Next          []NextToken `json:"next_token,omitzero"` // nil of one that is idle
}

// NextToken is how far an answer is.
type NextToken struct {
	More    bool `json:"has_next_token"`
	Remain  int  `json:"n_remain"`
	Decoded int  `json:"n_decoded"`
}

// ModelList is the body of GET /models: OpenAI's list, and ollama's beside it.
type ModelList struct {
	Models []ListedModel  `json:"models"`
	Object string         `json:"object"`
	Data   []openai.Model `json:"data"`
}

// ListedModel is a model in ollama's form.
type ListedModel struct {
	Name         string   `json:"name"`
	Model        string   `json:"model"`
	Modified     string   `json:"modified_at"`
	Size         string   `json:"size"`
	Digest       string   `json:"digest"`
	Type         string   `json:"type"`
	Description  string   `json:"description"`
	Tags         []string `json:"tags"`
	Capabilities []string `json:"capabilities"`
	Parameters   string   `json:"parameters"`
	Details      Details  `json:"details"`
}

// Details are what ollama's clients look for.
type Details struct {
	Parent       string   `json:"parent_model"`
	Format       string   `json:"format"`
	Family       string   `json:"family"`
	Families     []string `json:"families"`
	Size         string   `json:"parameter_size"`
	Quantization string   `json:"quantization_level"`
}

// NewModelList lists one model.
func NewModelList(m openai.Model) ModelList {
	return ModelList{
		Models: []ListedModel{{
			Name: m.ID, Model: m.ID, Type: "model", Tags: []string{""}, Capabilities: []string{"completion"},
			Details: Details{Format: "gguf", Families: []string{""}},
		}},
		Object: "list", Data: []openai.Model{m},
	}
}

// EmbeddingRequest is the body of POST /embedding and /embeddings.
type EmbeddingRequest struct {
	Input     Prompts  `json:"input"`
	Content   Prompts  `json:"content"`
	Normalize *float64 `json:"embd_normalize"`
}

// Inputs are the texts, one of whose names must be there.
func (r *EmbeddingRequest) Inputs() (Prompts, error) {
	inputs := r.Input
	if inputs == nil {
		inputs = r.Content
	}
	if inputs == nil {
		return nil, wire.Missing("content", `or "input": a string, an array of tokens, or an array of such`)
	}
	if r.Normalize != nil && *r.Normalize != 2 {
		return nil, &ask.Fault{Kind: ask.Unsupported, Param: "embd_normalize", What: "embd_normalize: vectors have a length of 1", Remedy: "leave it out or send 2"}
	}
	return inputs, nil
}

// AppendEmbeddingBegin appends the beginning of element i of the answer: its vectors
// follow.
func AppendEmbeddingBegin(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	return append(dst, `,"embedding":[`...)
}

// AppendVector appends vector i of an element.
func AppendVector(dst []byte, i int, vector []float32) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return wire.AppendVector(dst, vector)
}

// AppendEmbeddingEnd ends an element.
func AppendEmbeddingEnd(dst []byte) []byte { return append(dst, "]}"...) }

// AdapterRequest is the body of POST /lora-adapters.
type AdapterRequest []struct {
	ID    int     `json:"id"`
	Scale float64 `json:"scale"`
}

// Check refuses adapters, of which there are none, unless they are not to be used.
func (r AdapterRequest) Check() error {
	if slices.ContainsFunc(r, func(a struct {
		ID    int     `json:"id"`
		Scale float64 `json:"scale"`
	}) bool {
		return a.Scale != 0
	}) {
		return &ask.Fault{Kind: ask.InvalidValue, What: "this server has no adapters", Remedy: "send []"}
	}
	return nil
}
