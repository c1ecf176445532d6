package openai

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Defaults are the values of the fields that a client leaves out.
type Defaults struct {
	Sampling  ask.Sampling // its Seed is not used
	Seed      int64        // negative: a new one for each request
	MaxTokens int          // 0: up to the context
}

const maxTemperature = 2 // OpenAI's

// Ask checks the form of a chat request. The error is an *ask.Fault.
func (r *ChatRequest) Ask(d Defaults) (*ask.Request, error) {
	if len(r.Messages) == 0 {
		return nil, wire.Missing("messages", "an array with at least one message")
	}
	a := &ask.Request{Messages: make([]ask.Message, len(r.Messages)), TopLogprobs: -1}
	for i := range r.Messages {
		var err error
		if a.Messages[i], err = r.Messages[i].ask(i); err != nil {
			return nil, err
		}
	}
	if err := wire.CheckRest(r.Rest, chatFields); err != nil {
		return nil, err
	}
	switch {
	case r.TopLogprobs != nil && !r.Logprobs:
		return nil, wire.Invalid("top_logprobs", `needs "logprobs": true`)
	case r.TopLogprobs != nil:
		if err := wire.Within("top_logprobs", *r.TopLogprobs, 0, math.MaxInt32); err != nil {
			return nil, err
		}
		a.TopLogprobs = *r.TopLogprobs
	case r.Logprobs:
		a.TopLogprobs = 0
	}
	if r.MaxCompletionTokens != nil {
		return a, r.Common.ask(a, r.MaxCompletionTokens, "max_completion_tokens", d)
	}
	return a, r.Common.ask(a, r.MaxTokens, "max_tokens", d)
}

// Ask checks the form of a completion request. The error is an *ask.Fault.
func (r *CompletionRequest) Ask(d Defaults) (*ask.Request, error) {
	if r.Prompt.Text == "" && len(r.Prompt.Tokens) == 0 {
		return nil, wire.Missing("prompt", "a string or an array of tokens, not empty")
	}
	if err := wire.CheckRest(r.Rest, completionFields); err != nil {
		return nil, err
	}
	a := &ask.Request{Prompt: ask.Prompt(r.Prompt), TopLogprobs: -1}
	if r.Logprobs != nil {
		if err := wire.Within("logprobs", *r.Logprobs, 0, math.MaxInt32); err != nil {
			return nil, err
		}
		a.TopLogprobs = *r.Logprobs
	}
	return a, r.Common.ask(a, r.MaxTokens, "max_tokens", d)
}

// CompletionFault gives a generator's fault the names of a completion's fields,
// where they differ from a chat's.
func CompletionFault(err error) error { return wire.Rename(err, "top_logprobs", "logprobs") }

// IncludeUsage reports whether a stream is to end with its usage.
func (c *Common) IncludeUsage() bool { return c.StreamOptions != nil && c.StreamOptions.IncludeUsage }

func (c *Common) ask(a *ask.Request, maxTokens *int, maxTokensName string, d Defaults) error {
	a.Model, a.IgnoreEOS = c.Model, c.IgnoreEOS
	if c.StreamOptions != nil && !c.Stream {
		return wire.Invalid("stream_options", `needs "stream": true`)
	}
	a.MaxTokens = d.MaxTokens
	if maxTokens != nil {
		if err := wire.Within(maxTokensName, *maxTokens, 1, math.MaxInt32); err != nil {
			return err
		}
		a.MaxTokens = *maxTokens
	}
	if err := c.sampling(&a.Sampling, d); err != nil {
		return err
	}
	a.Stop = c.Stop
	return c.Stop.check()
}

func (c *Common) sampling(s *ask.Sampling, d Defaults) error {
	*s = d.Sampling
	if v := c.Temperature; v != nil {
		if err := wire.Within("temperature", *v, 0, maxTemperature); err != nil {
			return err
		}
		s.Temperature = float32(*v)
	}
	if v := c.TopP; v != nil {
		if err := wire.Within("top_p", *v, 0, 1); err != nil {
			return err
		}
		// 0 would mean "no top-p"; the client means the likeliest token alone.
		s.TopP = max(float32(*v), math.SmallestNonzeroFloat32)
	}
	if v := c.TopK; v != nil {
		if err := wire.Within("top_k", *v, -1, math.MaxInt32); err != nil { // -1 and 0: off
			return err
		}
		s.TopK = max(*v, 0)
	}
	if v := c.MinP; v != nil {
		if err := wire.Within("min_p", *v, 0, 1); err != nil {
			return err
		}
		s.MinP = float32(*v)
	}
	seed := d.Seed
	if c.Seed != nil {
		seed = *c.Seed
	}
	if seed < 0 {
		s.Seed = rand.Uint32()
	} else {
		s.Seed = uint32(seed) ^ uint32(seed>>32)
	}
	return nil
}

func (s Stop) check() error {
	if len(s) > ask.MaxStops {
		return wire.Invalid("stop", "%d strings, at most %d are allowed", len(s), ask.MaxStops)
	}
	for i, text := range s {
		if text == "" || len(text) > ask.MaxStopBytes {
			return wire.Invalid("stop", "string %d has %d bytes, 1 to %d are allowed", i, len(text), ask.MaxStopBytes)
		}
	}
	return nil
}

// ask checks the form of message number i.
func (m *Message) ask(i int) (ask.Message, error) {
	outer := "messages[" + strconv.Itoa(i) + "]"
	a := ask.Message{
		Role: m.Role, Content: m.Content.Text, Parts: m.Content.Parts, Name: m.Name,
		ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
	}
	switch m.Role {
	case "system", "user", "assistant", "tool":
	case "developer": // the newer name of the same thing, unknown to templates
		a.Role = "system"
	case "":
		return a, wire.Missing(outer+".role", `"system", "user" or "assistant"`)
	default:
		return a, wire.Invalid(outer+".role", `%q is not supported: use "system", "developer", "user", "assistant" or "tool"`, ask.Clip(m.Role, ask.QuotedBytes))
	}
	switch m.ToolCalls.Kind() {
	case 'n':
		a.ToolCalls = nil
	case '[', 0:
	default:
		return a, wire.Invalid(outer+".tool_calls", "expected an array, got a JSON %s", wire.KindName(m.ToolCalls.Kind()))
	}
	if err := wire.CheckRest(m.Rest, messageFields); err != nil {
		return a, wire.Inside(outer, err)
	}
	return a, nil
}
