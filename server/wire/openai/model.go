package openai

import "github.com/weirgo/weir/server/ask"

// Model is an entry of GET /v1/models: OpenAI's fields, and those that clients
// of other servers read.
type Model struct {
	ID            string    `json:"id"`
	Object        string    `json:"object"` // "model"
	Created       int64     `json:"created"`
	OwnedBy       string    `json:"owned_by"`
	Root          string    `json:"root"`           // vLLM's: the id
	Parent        *string   `json:"parent"`         // vLLM's: of a LoRA
	MaxModelLen   int       `json:"max_model_len"`  // vLLM's: tokens of a prompt and its answer
	ContextLength int       `json:"context_length"` // the same, of routers
	ContextWindow int       `json:"context_window"` // the same, Groq's
	Meta          ModelMeta `json:"meta,omitzero"`
	Aliases       []string  `json:"aliases,omitzero"` // llama-server's: all its names
	Tags          []string  `json:"tags,omitzero"`    // llama-server's: what the operator says of it
}

// ModelMeta is llama-server's addition to a model entry.
type ModelMeta struct {
	VocabSize      int    `json:"n_vocab"`
	TrainedContext int    `json:"n_ctx_train"`
	Context        int    `json:"n_ctx"`
	EmbeddingSize  int    `json:"n_embd"`
	Parameters     uint64 `json:"n_params"`
	SizeBytes      uint64 `json:"size"`
}

// ModelList is the body of GET /v1/models.
type ModelList struct {
	Object string  `json:"object"` // "list"
	Data   []Model `json:"data"`
}

// NewModel describes a model that is served since created, in seconds since
// 1970.
func NewModel(m ask.Model, created int64) Model {
	return Model{
		ID: m.ID, Object: "model", Created: created, OwnedBy: "weir", Root: m.ID,
		MaxModelLen: m.ContextTokens, ContextLength: m.ContextTokens, ContextWindow: m.ContextTokens,
		Meta: ModelMeta{m.VocabSize, m.TrainedContext, m.ContextTokens, m.EmbeddingSize, m.Parameters, m.SizeBytes},
	}
}

// NewModelList is the list of the models that are served.
func NewModelList(models ...Model) ModelList { return ModelList{Object: "list", Data: models} }
