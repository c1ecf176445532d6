package openai

import (
	"encoding/json/jsontext"
	"iter"
	"math"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// ResponseRequest is the body of POST /v1/responses. Nothing is stored: "store" is
// ignored, and what refers to something stored is refused.
type ResponseRequest struct {
	wire.Place
	wire.Drafts
	wire.Report
	Sampling
	Form
	Model           string         `json:"model"`
	Input           Input          `json:"input"`
	Instructions    string         `json:"instructions"`
	MaxOutputTokens *Int           `json:"max_output_tokens"`
	Stream          bool           `json:"stream"`
	StreamOptions   *StreamOptions `json:"stream_options"`
	Stop            Stop           `json:"stop"`
	IgnoreEOS       bool           `json:"ignore_eos"`
	ServiceTier     ServiceTier    `json:"service_tier"`
	Text            *ResponseText  `json:"text"`
	Reasoning       *Reasoning     `json:"reasoning"`
	TemplateArgs    jsontext.Value `json:"chat_template_kwargs"`
	Budgets
	Tools             jsontext.Value            `json:"tools"`
	ToolChoice        jsontext.Value            `json:"tool_choice"`
	ParallelToolCalls *bool                     `json:"parallel_tool_calls"`
	TopLogprobs       *Int                      `json:"top_logprobs"`
	Include           []string                  `json:"include"`
	Metadata          jsontext.Value            `json:"metadata"`
	Rest              map[string]jsontext.Value `json:",embed"`
}

// ResponseText is how the text is to be.
type ResponseText struct {
	Format    jsontext.Value `json:"format"`
	Verbosity string         `json:"verbosity"`
}

// Ask checks the form of a request for a response. The error is an *ask.Fault.
func (r *ResponseRequest) Ask(d Defaults) (*ask.Request, error) {
	if len(r.Input.messages) == 0 && r.Instructions == "" {
		return nil, wire.Missing("input", "a string, or an array of items")
	}
	if err := checkRest(r.Rest, responseFields); err != nil {
		return nil, err
	}
	a := &ask.Request{Model: r.Model, IgnoreEOS: r.IgnoreEOS, TopLogprobs: -1, Stop: r.Stop}
	r.ServiceTier.ask(a)
	if r.Instructions != "" {
		a.Messages = append(a.Messages, ask.Message{Role: "system", Content: r.Instructions})
	}
	a.Messages = append(a.Messages, r.Input.messages...)
	last := &a.Messages[len(a.Messages)-1]
	a.Continue = last.Role == "assistant" && last.ToolCalls == nil
	for _, part := range []func(*ask.Request) error{r.tools, r.thinking, r.format, r.logprobs} {
		if err := part(a); err != nil {
			return nil, err
		}
	}
	var err error
	if a.MaxTokens, err = MaxTokens("max_output_tokens", r.MaxOutputTokens, d); err != nil {
		return nil, err
	}
	if a.Sampling, err = r.Sampling.Ask(d); err != nil {
		return nil, err
	}
	if err := r.Place.Ask(a, d); err != nil {
		return nil, err
	}
	if err := r.Drafts.Ask(a); err != nil {
		return nil, err
	}
	r.Report.Ask(a, r.Stream)
	return a, r.Stop.check()
}

func (r *ResponseRequest) tools(a *ask.Request) error {
	t := Tools{ToolChoice: r.ToolChoice, ParallelToolCalls: r.ParallelToolCalls}
	if !isNull(r.Tools) {
		if err := decodeField("tools", r.Tools, &t.Tools); err != nil {
			return err
		}
	}
	return t.Ask(a)
}

func (r *ResponseRequest) thinking(a *ask.Request) error {
	t := Thinking{Reasoning: r.Reasoning, TemplateArgs: r.TemplateArgs, Budgets: r.Budgets}
	if r.Text != nil {
		t.Verbosity = r.Text.Verbosity
	}
	return wire.Rename(t.Ask(a), "verbosity", "text.verbosity")
}

func (r *ResponseRequest) format(a *ask.Request) (err error) {
	if a.Format, err = r.Form.Ask(); err != nil || r.Text == nil {
		return err
	}
	format, err := ReadFormat("text.format", r.Text.Format)
	switch {
	case err != nil:
		return err
	case format.Kind == ask.FormatText:
	case a.Format.Kind != ask.FormatText:
		return wire.Invalid("text.format", "another field asks for a form already: send one of the two")
	default:
		a.Format = format
	}
	return nil
}

func (r *ResponseRequest) logprobs(a *ask.Request) (err error) {
	if r.TopLogprobs != nil {
		if a.TopLogprobs, err = within("top_logprobs", *r.TopLogprobs, 0, math.MaxInt32); err != nil {
			return err
		}
	}
	if !slices.Contains(r.Include, "message.output_text.logprobs") {
		if a.TopLogprobs == 0 {
			a.TopLogprobs = -1
		}
		return nil
	}
	a.TopLogprobs = max(a.TopLogprobs, 0)
	return nil
}

// Ignored gives the fields that were sent and have no effect, by names of a
// closed set.
func (r *ResponseRequest) Ignored() iter.Seq[string] { return ignored(r.Rest, responseFields) }
