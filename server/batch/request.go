package batch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weirgo/weir/server/engine"
)

// Errors of Submit.
var (
	// ErrQueueFull: MaxSequences generations run and QueueLimit wait.
	ErrQueueFull = errors.New("batch: queue is full")
	// ErrClosed: the loop has been closed.
	ErrClosed = errors.New("batch: closed")
	// ErrEmptyPrompt: a prompt needs at least one token.
	ErrEmptyPrompt = errors.New("batch: prompt is empty")
)

// PromptTooLongError: the prompt leaves no room to generate a token.
type PromptTooLongError struct {
	PromptTokens  int
	ContextTokens int // of one sequence, prompt and generated tokens together
}

// Error implements error.
func (e *PromptTooLongError) Error() string {
	return fmt.Sprintf("batch: prompt of %d tokens leaves no room in a context of %d tokens", e.PromptTokens, e.ContextTokens)
}

// Request asks for one generation.
type Request struct {
	// Prompt is the tokens to go on from. Submit copies them.
	Prompt []engine.Token
	// MaxTokens ends the generation with FinishLength. 0 or more than fits
	// means up to the end of the context.
	MaxTokens int
	// Sampler chooses how tokens are drawn.
	Sampler engine.SamplerConfig
	// TopLogprobs asks for log-probabilities: -1 none, 0 of the chosen token,
	// n also those of the n likeliest tokens, at most the whole vocabulary.
	TopLogprobs int
	// IgnoreEOS delivers end-of-generation tokens like any other and goes on.
	IgnoreEOS bool
}

// Result is one generated token.
type Result struct {
	Token engine.Token
	// Logprob is the natural logarithm of the token's probability under the
	// model, before any sampling step; 0 unless the request asked for it.
	Logprob float32
	// Top is the likeliest tokens, likeliest first. The memory belongs to the
	// Generation and holds until the next call of Next.
	Top []TokenLogprob
}

// TokenLogprob is a token of the vocabulary with its log-probability.
type TokenLogprob struct {
	Token   engine.Token
	Logprob float32
}

// FinishReason says why a generation ended.
type FinishReason uint8

const (
	finishNone    FinishReason = iota
	FinishStop                 // the model ended it
	FinishLength               // MaxTokens or the context is used up
	FinishAborted              // cancelled, or the loop was closed
	FinishError                // the engine failed
	finishReasons = iota
)

// String returns the reason's name in metrics and logs.
func (r FinishReason) String() string {
	switch r {
	case FinishStop:
		return "stop"
	case FinishLength:
		return "length"
	case FinishAborted:
		return "abort"
	case FinishError:
		return "error"
	}
	return "none"
}

// Finish is the end of a generation.
type Finish struct {
	Reason FinishReason
	// Err is the engine's error with FinishError, the context's cause or
	// ErrClosed with FinishAborted (nil after Cancel).
	Err              error
	PromptTokens     int
	CompletionTokens int           // results delivered
	Queue            time.Duration // Submit to admission
	Prefill          time.Duration // admission to the first token
	Decode           time.Duration // first token to the end
}

// check reports what is wrong with a request.
func (r *Request) check(limits engine.Limits, vocab int) error {
	if len(r.Prompt) == 0 {
		return ErrEmptyPrompt
	}
	if len(r.Prompt) >= limits.SequenceTokens {
		return &PromptTooLongError{PromptTokens: len(r.Prompt), ContextTokens: limits.SequenceTokens}
	}
	outside := func(t engine.Token) bool { return t < 0 || int(t) >= vocab }
	if i := slices.IndexFunc(r.Prompt, outside); i >= 0 {
		return fmt.Errorf("batch: check request: prompt token %d is %d, the vocabulary has %d", i, r.Prompt[i], vocab)
	}
	if r.MaxTokens < 0 {
		return fmt.Errorf("batch: check request: MaxTokens is %d", r.MaxTokens)
	}
	if r.TopLogprobs < -1 || r.TopLogprobs > vocab {
		return fmt.Errorf("batch: check request: TopLogprobs is %d, allowed are -1 to %d", r.TopLogprobs, vocab)
	}
	return nil
}
