package openai

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/stream"
)

// Params is a checked request.
type Params struct {
	Model        string
	Stream       bool
	IncludeUsage bool
	MaxTokens    int // 0: up to the context
	Sampler      engine.SamplerConfig
	Stop         []string
	TopLogprobs  int // -1: no logprobs; 0: of the chosen token alone
	IgnoreEOS    bool
}

// Defaults are the values of the fields that a client leaves out.
type Defaults struct {
	Sampler   engine.SamplerConfig // its Seed is not used
	Seed      int64                // negative: a new one for each request
	MaxTokens int                  // 0: up to the context
}

const maxTemperature = 2 // OpenAI's

// Params checks a chat request to a model with vocabSize tokens.
func (r *ChatRequest) Params(d Defaults, vocabSize int) (Params, error) {
	p := Params{TopLogprobs: -1}
	if len(r.Messages) == 0 {
		return p, missing("messages", "an array with at least one message")
	}
	for i := range r.Messages {
		if err := r.Messages[i].check(i); err != nil {
			return p, err
		}
	}
	if err := checkRest(r.Rest, chatFields); err != nil {
		return p, err
	}
	switch {
	case r.TopLogprobs != nil && !r.Logprobs:
		return p, invalid("top_logprobs", `needs "logprobs": true`)
	case r.TopLogprobs != nil:
		if err := within("top_logprobs", *r.TopLogprobs, 0, vocabSize); err != nil {
			return p, err
		}
		p.TopLogprobs = *r.TopLogprobs
	case r.Logprobs:
		p.TopLogprobs = 0
	}
	maxTokens, name := r.MaxTokens, "max_tokens"
	if r.MaxCompletionTokens != nil {
		maxTokens, name = r.MaxCompletionTokens, "max_completion_tokens"
	}
	return p, r.Common.check(&p, maxTokens, name, d)
}

// Params checks a completion request to a model with vocabSize tokens.
func (r *CompletionRequest) Params(d Defaults, vocabSize int) (Params, error) {
	p := Params{TopLogprobs: -1}
	if r.Prompt.Text == "" && len(r.Prompt.Tokens) == 0 {
		return p, missing("prompt", "a string or an array of tokens, not empty")
	}
	if err := CheckTokens("prompt", r.Prompt.Tokens, vocabSize); err != nil {
		return p, err
	}
	if err := checkRest(r.Rest, completionFields); err != nil {
		return p, err
	}
	if r.Logprobs != nil {
		if err := within("logprobs", *r.Logprobs, 0, vocabSize); err != nil {
			return p, err
		}
		p.TopLogprobs = *r.Logprobs
	}
	return p, r.Common.check(&p, r.MaxTokens, "max_tokens", d)
}

// CheckTokens returns an [*Error] if a token is not one of the vocabulary.
func CheckTokens(param string, tokens []engine.Token, vocabSize int) error {
	for i, t := range tokens {
		if t < 0 || int(t) >= vocabSize {
			return invalid(param, "token %d at index %d is outside the vocabulary of %d tokens", t, i, vocabSize)
		}
	}
	return nil
}

func (c *Common) check(p *Params, maxTokens *int, maxTokensName string, d Defaults) error {
	p.Model, p.Stream, p.IgnoreEOS = c.Model, c.Stream, c.IgnoreEOS
	if c.StreamOptions != nil {
		if !c.Stream {
			return invalid("stream_options", `needs "stream": true`)
		}
		p.IncludeUsage = c.StreamOptions.IncludeUsage
	}
	p.MaxTokens = d.MaxTokens
	if maxTokens != nil {
		if err := within(maxTokensName, *maxTokens, 1, math.MaxInt32); err != nil {
			return err
		}
		p.MaxTokens = *maxTokens
	}
	if err := c.checkSampler(&p.Sampler, d); err != nil {
		return err
	}
	return c.checkStop(p)
}

func (c *Common) checkSampler(s *engine.SamplerConfig, d Defaults) error {
	*s = d.Sampler
	if v := c.Temperature; v != nil {
		if err := within("temperature", *v, 0, maxTemperature); err != nil {
			return err
		}
		s.Temperature = float32(*v)
	}
	if v := c.TopP; v != nil {
		if err := within("top_p", *v, 0, 1); err != nil {
			return err
		}
		// The engine reads 0 as "no top-p"; the client means the likeliest
		// token alone.
		s.TopP = max(float32(*v), math.SmallestNonzeroFloat32)
	}
	if v := c.TopK; v != nil {
		if err := within("top_k", *v, -1, math.MaxInt32); err != nil { // -1 and 0: off
			return err
		}
		s.TopK = max(*v, 0)
	}
	if v := c.MinP; v != nil {
		if err := within("min_p", *v, 0, 1); err != nil {
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

func (c *Common) checkStop(p *Params) error {
	if len(c.Stop) > stream.MaxStops {
		return invalid("stop", "%d strings, at most %d are allowed", len(c.Stop), stream.MaxStops)
	}
	for i, s := range c.Stop {
		if s == "" || len(s) > stream.MaxStopBytes {
			return invalid("stop", "string %d has %d bytes, 1 to %d are allowed", i, len(s), stream.MaxStopBytes)
		}
	}
	p.Stop = c.Stop
	return nil
}

func (m *Message) check(i int) error {
	field := func(name string) string { return "messages[" + strconv.Itoa(i) + "]." + name }
	switch m.Role {
	case "system", "user", "assistant", "tool":
	case "developer": // the newer name of the same thing, unknown to templates
		m.Role = "system"
	case "":
		return missing(field("role"), `"system", "user" or "assistant"`)
	default:
		return invalid(field("role"), `%q is not supported: use "system", "developer", "user", "assistant" or "tool"`, m.Role)
	}
	switch m.ToolCalls.Kind() {
	case 'n':
		m.ToolCalls = nil
	case '[', 0:
	default:
		return invalid(field("tool_calls"), "expected an array, got a JSON %s", kindName(m.ToolCalls.Kind()))
	}
	if err := checkRest(m.Rest, messageFields); err != nil {
		e := *err.(*Error)
		e.Param = field(e.Param)
		e.Message = field(e.Message)
		return &e
	}
	return nil
}

func within[T int | float64](param string, v, low, high T) error {
	if v >= low && v <= high { // false for NaN
		return nil
	}
	return invalid(param, "%v is out of range: %v to %v", v, low, high)
}

func badValue(format string, args ...any) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Message: fmt.Sprintf(format, args...),
		Type:    TypeInvalidRequest,
		Code:    CodeInvalidValue,
	}
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
