package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"time"

	"github.com/weirgo/weir/server/openai"
)

// bodySink is the sink of a response that is not streamed.
type bodySink struct {
	h        *Handler
	w        http.ResponseWriter
	head     openai.Head
	chat     bool
	logprobs bool
	output   []byte
	entries  []openai.LogprobEntry
}

func (s *bodySink) text(text []byte, entries []openai.LogprobEntry) {
	s.output = append(s.output, text...)
	s.entries = append(s.entries, entries...)
}

func (s *bodySink) flush() error         { return nil }
func (s *bodySink) fail(err error) error { return err }

func (s *bodySink) finish(reason openai.FinishReason, usage openai.Usage) error {
	var logprobs jsontext.Value
	if s.chat {
		if s.logprobs {
			logprobs = openai.AppendChatLogprobs(nil, s.entries)
		}
		return s.h.writeJSON(s.w, openai.ChatResponse{
			Head: s.head,
			Choices: []openai.ChatChoice{{
				Message:      openai.ChatMessage{Role: "assistant", Content: string(s.output)},
				Logprobs:     logprobs,
				FinishReason: reason,
			}},
			Usage: usage,
		})
	}
	if s.logprobs {
		logprobs, _ = openai.AppendCompletionLogprobs(nil, s.entries, 0)
	}
	return s.h.writeJSON(s.w, openai.CompletionResponse{
		Head:    s.head,
		Choices: []openai.CompletionChoice{{Text: string(s.output), Logprobs: logprobs, FinishReason: reason}},
		Usage:   usage,
	})
}

// writeJSON answers 200 with a body.
func (h *Handler) writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h.bound(w)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that is gone needs no answer
	return nil
}

// bound gives what is written next the time a client has to read it. net/http
// takes the deadline back after the request.
func (h *Handler) bound(w http.ResponseWriter) {
	// A writer without deadlines, as in a test, has none to miss.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.cfg.WriteTimeout))
}
