package api

import (
	"errors"
	"log/slog"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

// Config is what a Handler serves and within which bounds. The zero value of a
// bound takes its default.
type Config struct {
	Loop  *batch.Loop
	Model engine.Model
	// Template renders chats; nil refuses chat completions.
	Template *chat.Template
	// ModelID is the model's name in the API. A request may leave its model
	// out; any other name gives 404.
	ModelID string
	// Fingerprint names what computes the answers, in system_fingerprint.
	Fingerprint string
	Defaults    openai.Defaults
	// Keys are the accepted API keys; none lets everybody in.
	Keys []string

	// BodyBytes bounds a request's body. Default 8 MiB: two million tokens of
	// ASCII text, more than any context.
	BodyBytes int64
	// LogprobEntries bounds the log-probabilities that a response that is not
	// streamed gathers: (top_logprobs+1) × max_tokens. Default 1 Mi, about
	// 100 MiB of JSON.
	LogprobEntries int
	// WriteTimeout bounds one write to a client that does not read. Default
	// one minute.
	WriteTimeout time.Duration
	// RetryAfter is what a client that got 429 is told to wait. Default 1 s.
	RetryAfter time.Duration
	// FanOut, if not nil, takes streamed responses out of the HTTP server: one
	// goroutine sends what a step of the engine gave all of them, see package
	// iouring. Its DropAfter defaults to
	// WriteTimeout. The owner of the server waits for such streams with Wait.
	FanOut *fanout.Config
	// Group is the group of that goroutine. Default: that of the caller of New.
	Group *ggroup.Group
	// Log gets one debug record a request, and failures. Default
	// slog.Default().
	Log *slog.Logger
}

const (
	defaultBodyBytes      = 8 << 20
	defaultLogprobEntries = 1 << 20
	defaultWriteTimeout   = time.Minute
	defaultRetryAfter     = time.Second
)

func (c Config) withDefaults() (Config, error) {
	if c.Loop == nil || c.Model == nil || c.ModelID == "" {
		return c, errors.New("api: check config: Loop, Model and ModelID are required")
	}
	if c.BodyBytes == 0 {
		c.BodyBytes = defaultBodyBytes
	}
	if c.LogprobEntries == 0 {
		c.LogprobEntries = defaultLogprobEntries
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = defaultRetryAfter
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}
