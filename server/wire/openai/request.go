package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"iter"
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Common is the part that chat and completion requests share. A nil pointer is
// a field that the client left out or set to null.
type Common struct {
	Model         string         `json:"model"`
	Stream        bool           `json:"stream"`
	StreamOptions *StreamOptions `json:"stream_options"`
	MaxTokens     *Int           `json:"max_tokens"`
	Predict       *Int           `json:"n_predict"` // llama-server's name
	MinTokens     *Int           `json:"min_tokens"`
	N             *Int           `json:"n"`
	Stop          Stop           `json:"stop"`
	IgnoreEOS     bool           `json:"ignore_eos"`
	ServiceTier   ServiceTier    `json:"service_tier"`
	wire.Place
	wire.Drafts
	wire.Report
	wire.Own
	Sampling
	Form
}

// StreamOptions are options of a streaming request.
type StreamOptions struct {
	IncludeUsage       bool `json:"include_usage"`
	IncludeObfuscation bool `json:"include_obfuscation"`    // accepted, has no effect
	ContinuousUsage    bool `json:"continuous_usage_stats"` // vLLM's, refused
}

// ChatRequest is the body of POST /v1/chat/completions.
type ChatRequest struct {
	Common
	Tools
	LegacyTools
	Thinking
	Messages             wire.Objects[Message]     `json:"messages"`
	MaxCompletionTokens  *Int                      `json:"max_completion_tokens"`
	Logprobs             bool                      `json:"logprobs"`
	TopLogprobs          *Int                      `json:"top_logprobs"`
	Probs                *Int                      `json:"n_probs"` // llama-server's name
	BestOf               *Int                      `json:"best_of"`
	Verbose              bool                      `json:"verbose"` // llama-server's: show the prompt
	AddGenerationPrompt  *bool                     `json:"add_generation_prompt"`
	ContinueFinalMessage *bool                     `json:"continue_final_message"`
	Rest                 map[string]jsontext.Value `json:",embed"`
}

// CompletionRequest is the body of POST /v1/completions.
type CompletionRequest struct {
	Common
	Prompt   Prompts                   `json:"prompt"`
	Echo     bool                      `json:"echo"`
	BestOf   *Int                      `json:"best_of"`
	Logprobs LogprobsCount             `json:"logprobs"`
	Probs    *Int                      `json:"n_probs"` // llama-server's name
	Rest     map[string]jsontext.Value `json:",embed"`
}

// Stop is the strings that end a generation: one string or an array.
type Stop []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Stop) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*s = nil
	switch d.PeekKind() {
	case '"':
		var one string
		if err := json.UnmarshalDecode(d, &one); err != nil {
			return err
		}
		*s = Stop{one}
		return nil
	case '[', 'n':
		return json.UnmarshalDecode(d, (*[]string)(s))
	}
	return wire.WrongKind(d, "a string or an array of strings")
}

// LogprobsCount is how many likeliest tokens a completion shows, nil for none;
// false means none too.
type LogprobsCount struct{ Count *Int }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *LogprobsCount) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	c.Count = nil
	if k := d.PeekKind(); k == 'f' || k == 'n' {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &c.Count)
}

// Ask checks the form of a chat request: the answers that it asks for, one at
// least, which differ in their seeds. The error is an *ask.Fault.
func (r *ChatRequest) Ask(d Defaults) ([]*ask.Request, error) {
	if len(r.Messages) == 0 {
		return nil, wire.Missing("messages", "an array with at least one message")
	}
	a := &ask.Request{TopLogprobs: -1}
	if err := r.messages(a); err != nil {
		return nil, err
	}
	if err := checkRest(r.Rest, chatFields); err != nil {
		return nil, err
	}
	if err := r.logprobs(a); err != nil {
		return nil, err
	}
	for _, part := range []func(*ask.Request) error{r.Tools.Ask, r.LegacyTools.ask, r.Thinking.Ask} {
		if err := part(a); err != nil {
			return nil, err
		}
	}
	var err error
	if r.MaxCompletionTokens != nil {
		err = r.Common.ask(a, r.MaxCompletionTokens, "max_completion_tokens", d)
	} else {
		err = r.Common.ask(a, r.MaxTokens, "max_tokens", d)
	}
	if err != nil {
		return nil, err
	}
	n, err := r.Common.choices(r.BestOf, 1)
	return fan([]*ask.Request{a}, n), err
}

func (r *ChatRequest) logprobs(a *ask.Request) error {
	top, param := r.TopLogprobs, "top_logprobs"
	if r.Probs != nil && *r.Probs > 0 {
		r.Logprobs, top, param = true, r.Probs, "n_probs"
	}
	switch {
	case top == nil && r.Logprobs:
		a.TopLogprobs = 0
	case top == nil, !r.Logprobs && *top == 0:
	case !r.Logprobs:
		return wire.Invalid(param, `needs "logprobs": true`)
	default:
		n, err := within(param, *top, 0, math.MaxInt32)
		a.TopLogprobs = n
		return err
	}
	return nil
}

// Shape is how the answer is written.
func (r *ChatRequest) Shape() Shape {
	return Shape{
		Chat: true, Choices: r.Common.count(1), Usage: r.IncludeUsage(), Logprobs: r.Logprobs, EachTimings: r.Timings, Explained: r.Weir.Explain,
		HideReasoning: r.Thinking.Hidden(), FunctionCall: r.LegacyTools.used(),
	}
}

// Ignored gives the fields that were sent and have no effect, by names of a
// closed set.
func (r *ChatRequest) Ignored() iter.Seq[string] { return ignored(r.Rest, chatFields) }

// Ask checks the form of a completion request: the answers that it asks for, one
// at least: PerPrompt for each prompt. The error is an *ask.Fault.
func (r *CompletionRequest) Ask(d Defaults) ([]*ask.Request, error) {
	if len(r.Prompt) == 0 {
		return nil, wire.Missing("prompt", "a string or an array of tokens, not empty")
	}
	if err := checkRest(r.Rest, completionFields); err != nil {
		return nil, err
	}
	first := &ask.Request{TopLogprobs: -1, Echo: r.Echo}
	top, param := r.Logprobs.Count, "logprobs"
	if top == nil && r.Probs != nil && *r.Probs > 0 {
		top, param = r.Probs, "n_probs"
	}
	if top != nil {
		var err error
		if first.TopLogprobs, err = within(param, *top, 0, math.MaxInt32); err != nil {
			return nil, err
		}
	}
	nothing := r.Echo && r.MaxTokens != nil && *r.MaxTokens == 0 // but the prompt
	if nothing {
		r.MaxTokens = nil
	}
	if err := r.Common.ask(first, r.MaxTokens, "max_tokens", d); err != nil {
		return nil, err
	}
	if nothing {
		first.MaxTokens = -1
	}
	n, err := r.Common.choices(r.BestOf, len(r.Prompt))
	if err != nil {
		return nil, err
	}
	requests := make([]*ask.Request, len(r.Prompt))
	for i, p := range r.Prompt {
		if p.Text == "" && len(p.Tokens) == 0 {
			return nil, wire.Missing("prompt", "a string or an array of tokens, not empty")
		}
		one := *first
		one.Prompt = p
		requests[i] = &one
	}
	return fan(requests, n), nil
}

// PerPrompt is how many answers there are to each prompt.
func (r *CompletionRequest) PerPrompt() int { return r.Common.count(1) }

// Shape is how the answer is written.
func (r *CompletionRequest) Shape() Shape {
	return Shape{
		Choices: r.Common.count(len(r.Prompt)), Usage: r.IncludeUsage(), EachTimings: r.Timings, Explained: r.Weir.Explain,
		Logprobs: r.Logprobs.Count != nil || r.Probs != nil && *r.Probs > 0,
	}
}

// Ignored gives the fields that were sent and have no effect, by names of a
// closed set.
func (r *CompletionRequest) Ignored() iter.Seq[string] { return ignored(r.Rest, completionFields) }

// CompletionFault gives a generator's fault the names of a completion's fields,
// where they differ from a chat's.
func CompletionFault(err error) error { return wire.Rename(err, "top_logprobs", "logprobs") }
