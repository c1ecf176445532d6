package batch

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// Faults of Submit, and of generations that ended with ask.FinishAborted.
var (
	// ErrQueueFull: MaxSequences generations run and QueueLimit wait.
	ErrQueueFull = &ask.Fault{Kind: ask.QueueFull, What: "too many requests are waiting", Remedy: "try again later"}
	// ErrClosed: the loop has been closed.
	ErrClosed = ask.Closing()
	// ErrEmptyPrompt: a prompt needs at least one token.
	ErrEmptyPrompt = &ask.Fault{Kind: ask.PromptEmpty, What: "the prompt is empty"}
	// ErrFormStuck ends a generation with ask.FinishError, and so does
	// ErrBiasForbidsAll.
	ErrFormStuck = &ask.Fault{
		Kind: ask.InvalidValue, What: "no token of the model goes on with the text in the form asked for",
		Remedy: "check the grammar or the schema, and that logit_bias does not forbid what they need",
	}
	ErrBiasForbidsAll = &ask.Fault{
		Kind: ask.InvalidValue, Param: "logit_bias", What: "logit_bias forbids every token", Remedy: "leave some allowed",
	}
)

// Result is one generated token or, with Job.Request.Echo and log-probabilities,
// one of the prompt, from its second on. With Job.Request.Progress there are marks
// before them.
type Result struct {
	Token  engine.Token
	Prompt bool
	// Mark says that this is no token: Processed tokens of the prompt are computed.
	Mark      bool
	Processed int
	// Logprob is the natural logarithm of the token's probability under the
	// model, before any sampling step, or with Request.PostSampling after all; 0
	// unless the request asked for it.
	Logprob float32
	// Top is the likeliest tokens, likeliest first. The memory belongs to the
	// Generation and holds until the next call of Poll.
	Top []TokenLogprob
}

// TokenLogprob is a token of the vocabulary with its log-probability.
type TokenLogprob struct {
	Token   engine.Token
	Logprob float32
}

// Finish is the end of a generation.
type Finish struct {
	Reason ask.FinishReason
	// Err is the engine's error with FinishError, and with FinishAborted
	// ErrClosed, or nil after Cancel.
	Err              error
	PromptTokens     int
	CompletionTokens int           // results delivered
	ContextFull      bool          // with FinishLength: the context bounds it, not the request
	Drafted          int           // tokens that were guessed
	Accepted         int           // of them, those that were right
	Queue            time.Duration // Submit to admission
	Prefill          time.Duration // admission to the first token
	Decode           time.Duration // first token to the end
	Spent            ask.Spent     // of Prefill and Decode; kept from the admission on, valid as the rest is
}

// check refuses a prompt that cannot be gone on from.
func check(r *ask.Request, limits engine.Limits) error {
	if len(r.Prompt.Tokens) == 0 {
		return ErrEmptyPrompt
	}
	if n := len(r.Prompt.Tokens); n >= limits.SequenceTokens {
		return &ask.Fault{
			Kind:   ask.ContextExceeded,
			What:   fmt.Sprintf("the prompt has %d tokens and leaves no room to generate in a context of %d tokens", n, limits.SequenceTokens),
			Remedy: "shorten it, or serve with a larger -c",

			PromptTokens: n, ContextTokens: limits.SequenceTokens,
		}
	}
	return nil
}
