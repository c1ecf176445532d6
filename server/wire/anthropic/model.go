package anthropic

import (
	"time"

	"github.com/weirgo/weir/server/ask"
)

// Model is an entry of GET /v1/models, in Anthropic's form.
type Model struct {
	Type           string    `json:"type"` // "model"
	ID             string    `json:"id"`
	DisplayName    string    `json:"display_name"`
	CreatedAt      time.Time `json:"created_at"`
	MaxInputTokens int       `json:"max_input_tokens"`
	MaxTokens      int       `json:"max_tokens"` // of an answer
}

// ModelList is the body of GET /v1/models: one page.
type ModelList struct {
	Data    []Model `json:"data"`
	HasMore bool    `json:"has_more"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
}

// NewModel describes a model that is served since a time.
func NewModel(m ask.Model, since time.Time) Model {
	return Model{
		Type: "model", ID: m.ID, DisplayName: m.ID, CreatedAt: since.UTC().Truncate(time.Second),
		MaxInputTokens: m.ContextTokens, MaxTokens: m.ContextTokens,
	}
}

// NewModelList is the list of the models that are served.
func NewModelList(models ...Model) ModelList {
	list := ModelList{Data: models}
	if n := len(models); n > 0 {
		list.FirstID, list.LastID = &models[0].ID, &models[n-1].ID
	}
	return list
}

// TokenCount is the answer to POST /v1/messages/count_tokens.
type TokenCount struct {
	InputTokens int `json:"input_tokens"`
}
