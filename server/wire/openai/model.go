package openai

import "github.com/weirgo/weir/server/ask"

// Model is an entry of GET /v1/models.
type Model struct {
	ID      string    `json:"id"`
	Object  string    `json:"object"` // "model"
	Created int64     `json:"created"`
	OwnedBy string    `json:"owned_by"`
	Meta    ModelMeta `json:"meta,omitzero"`
}

// ModelMeta is llama-server's addition to a model entry.
type ModelMeta struct {
	VocabSize      int    `json:"n_vocab"`
	TrainedContext int    `json:"n_ctx_train"`
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
		ID: m.ID, Object: "model", Created: created, OwnedBy: "weir",
		Meta: ModelMeta{m.VocabSize, m.TrainedContext, m.EmbeddingSize, m.Parameters, m.SizeBytes},
	}
}

// NewModelList is the list of the models that are served.
func NewModelList(models ...Model) ModelList { return ModelList{Object: "list", Data: models} }
