package openai

import (
	"encoding/json/jsontext"
	"unicode/utf8"

	"github.com/weirgo/weir/server/engine"
)

// FinishReason says why a generation ended.
type FinishReason string

const (
	FinishStop   FinishReason = "stop"   // end of generation, or a stop string
	FinishLength FinishReason = "length" // max_tokens, or the context is full
)

// Usage counts the tokens of one request.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// NewUsage returns the usage with its total.
func NewUsage(prompt, completion int) Usage {
	return Usage{PromptTokens: prompt, CompletionTokens: completion, TotalTokens: prompt + completion}
}

// Head is what all parts of one response share.
type Head struct {
	ID                string `json:"id"`
	Object            string `json:"object"`
	Created           int64  `json:"created"` // seconds since 1970
	Model             string `json:"model"`
	SystemFingerprint string `json:"system_fingerprint,omitzero"`
}

// ChatResponse is the body of a chat completion that is not streamed.
type ChatResponse struct {
	Head
	Choices []ChatChoice `json:"choices"`
	Usage   Usage        `json:"usage"`
}

// ChatChoice is one answer.
type ChatChoice struct {
	Index        int            `json:"index"`
	Message      ChatMessage    `json:"message"`
	Logprobs     jsontext.Value `json:"logprobs"` // AppendChatLogprobs's, nil for null
	FinishReason FinishReason   `json:"finish_reason"`
}

// ChatMessage is the assistant's turn.
type ChatMessage struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"` // always null
}

// CompletionResponse is the body of a completion that is not streamed.
type CompletionResponse struct {
	Head
	Choices []CompletionChoice `json:"choices"`
	Usage   Usage              `json:"usage"`
}

// CompletionChoice is one continuation.
type CompletionChoice struct {
	Index        int            `json:"index"`
	Text         string         `json:"text"`
	Logprobs     jsontext.Value `json:"logprobs"` // AppendCompletionLogprobs's, nil for null
	FinishReason FinishReason   `json:"finish_reason"`
}

// Model is an entry of GET /v1/models.
type Model struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"` // "model"
	Created int64      `json:"created"`
	OwnedBy string     `json:"owned_by"`
	Meta    *ModelMeta `json:"meta,omitzero"`
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

// TokenPiece is a token with its text, or its bytes where they are not UTF-8.
type TokenPiece struct {
	ID    engine.Token   `json:"id"`
	Piece jsontext.Value `json:"piece"` // string or array of bytes
}

// NewTokenPiece returns the piece of a token.
func NewTokenPiece(token engine.Token, text []byte) TokenPiece {
	if utf8.Valid(text) {
		return TokenPiece{token, appendString(nil, text)}
	}
	return TokenPiece{token, appendBytes(nil, text)}
}

// TokenizeResponse is the body of POST /tokenize: token ids, or TokenPieces
// where the request asked for them.
type TokenizeResponse[T engine.Token | TokenPiece] struct {
	Tokens []T `json:"tokens"`
}

// DetokenizeResponse is the body of POST /detokenize.
type DetokenizeResponse struct {
	Content string `json:"content"`
}
