package source

import (
	"encoding/json"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/openai"
)

// Framer makes the SSE frames of one stream, behind what dst holds.
type Framer interface {
	Text(dst, token []byte) []byte
	End(dst []byte, tokens int) []byte
}

// head is what all chunks of stream n share.
func head(n int) openai.Head {
	return openai.Head{ID: fmt.Sprintf("cmpl-%026d", n), Created: 1_750_000_000, Model: "synthetic", SystemFingerprint: "fp_c07"}
}

// marshalled frames are made as most servers make them.
type marshalled struct{ chunk completionChunk }

type completionChunk struct {
	ID                string             `json:"id"`
	Object            string             `json:"object"`
	Created           int64              `json:"created"`
	Model             string             `json:"model"`
	SystemFingerprint string             `json:"system_fingerprint"`
	Choices           []completionChoice `json:"choices"`
	Usage             *usage             `json:"usage"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

type completionChoice struct {
	Index        int     `json:"index"`
	Text         string  `json:"text"`
	Logprobs     *string `json:"logprobs"`
	FinishReason *string `json:"finish_reason"`
}

// MarshalFrames returns those of stream n, made by encoding/json.
func MarshalFrames(n int) Framer {
	h := head(n)
	return &marshalled{completionChunk{ID: h.ID, Object: "text_completion", Created: h.Created, Model: h.Model, SystemFingerprint: h.SystemFingerprint}}
}

func (m *marshalled) Text(dst, token []byte) []byte {
	return m.frame(dst, []completionChoice{{Text: string(token)}}, nil)
}

func (m *marshalled) End(dst []byte, tokens int) []byte {
	reason := "length"
	dst = m.frame(dst, []completionChoice{{FinishReason: &reason}}, nil)
	dst = m.frame(dst, []completionChoice{}, &usage{1, tokens, 1 + tokens})
	return append(dst, "data: [DONE]\n\n"...)
}

func (m *marshalled) frame(dst []byte, choices []completionChoice, u *usage) []byte {
	chunk := m.chunk
	chunk.Choices, chunk.Usage = choices, u
	data, err := json.Marshal(chunk)
	if err != nil {
		panic("c07: chunk does not marshal") // plain fields always do
	}
	return fmt.Appendf(dst, "data: %s\n\n", data)
}

// appended frames are the server's own.
type appended struct{ encoder *openai.Stream }

// AppendFrames returns those of stream n, made by the server's own encoder.
func AppendFrames(n int) Framer { return appended{openai.NewCompletionStream(head(n), true)} }

func (a appended) Text(dst, token []byte) []byte {
	return a.encoder.Append(dst, &ask.Event{Text: token})
}

func (a appended) End(dst []byte, tokens int) []byte {
	return a.encoder.Append(dst, &ask.Event{End: &ask.End{Reason: ask.FinishLength, PromptTokens: 1, CompletionTokens: tokens}})
}
