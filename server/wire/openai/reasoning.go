package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Thinking are the fields that say how much the model thinks, and what the chat
// template is told: OpenAI's, vLLM's, llama-server's and those of services that
// speak their dialect. Whether a model heeds them is its template's affair.
type Thinking struct {
	ReasoningEffort  string         `json:"reasoning_effort"`
	Verbosity        string         `json:"verbosity"`
	Reasoning        *Reasoning     `json:"reasoning"`
	Thinking         *Switch        `json:"thinking"`
	EnableThinking   *bool          `json:"enable_thinking"`
	IncludeReasoning *bool          `json:"include_reasoning"`
	ReasoningFormat  string         `json:"reasoning_format"`
	TemplateArgs     jsontext.Value `json:"chat_template_kwargs"`
	Documents        jsontext.Value `json:"documents"`
	Budgets
}

// Reasoning is the object of responses, and of some services' chat completions.
type Reasoning struct {
	Effort    string                    `json:"effort"`
	Summary   jsontext.Value            `json:"summary"`
	Generated jsontext.Value            `json:"generate_summary"`
	Enabled   *bool                     `json:"enabled"`
	Exclude   bool                      `json:"exclude"`
	MaxTokens *float64                  `json:"max_tokens"`
	Rest      map[string]jsontext.Value `json:",embed"`
}

// Switch is {"type":"enabled"} or {"type":"disabled"}.
type Switch struct {
	Type   string                    `json:"type"`
	Budget *float64                  `json:"budget_tokens"`
	Rest   map[string]jsontext.Value `json:",embed"`
}

var (
	efforts     = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}
	verbosities = []string{"low", "medium", "high"}
)

// Hidden reports whether the client wants nothing of what the model thinks.
func (c *Thinking) Hidden() bool {
	return c.IncludeReasoning != nil && !*c.IncludeReasoning || c.Reasoning != nil && c.Reasoning.Exclude
}

// Ask puts the variables of the template into a request. The error is an
// *ask.Fault.
func (c *Thinking) Ask(a *ask.Request) error {
	args := map[string]jsontext.Value{}
	if !isNull(c.TemplateArgs) {
		if err := decodeField("chat_template_kwargs", c.TemplateArgs, &args); err != nil {
			return err
		}
	}
	set := func(name string, value any) {
		if _, said := args[name]; said {
			return // the client's own word
		}
		args[name], _ = json.Marshal(value) // of strings and booleans
	}
	effort, err := c.effort()
	if err != nil {
		return err
	}
	if effort != "" {
		set("reasoning_effort", effort)
	}
	if on, said, err := c.enabled(effort); err != nil {
		return err
	} else if said {
		set("enable_thinking", on)
	}
	if a.Thinking, err = c.bound(); err != nil {
		return err
	}
	if c.Verbosity != "" {
		if err := oneOf("verbosity", c.Verbosity, verbosities); err != nil {
			return err
		}
		set("verbosity", c.Verbosity)
	}
	if !isNull(c.Documents) && c.Documents.Kind() != '[' {
		return wire.Invalid("documents", "expected an array, got a JSON %s", wire.KindName(c.Documents.Kind()))
	}
	if !isNull(c.Documents) {
		set("documents", c.Documents)
	}
	if len(args) > 0 {
		if a.TemplateArgs, err = json.Marshal(args, json.Deterministic(true)); err != nil {
			return ask.Failed(err)
		}
	}
	if c.ReasoningFormat != "" {
		if err := oneOf("reasoning_format", c.ReasoningFormat, []string{"none", "auto", "deepseek", "deepseek-legacy"}); err != nil {
			return err
		}
		a.RawReasoning = c.ReasoningFormat == "none"
	}
	return nil
}

// effort is the one effort that is asked for, "" if none is.
func (c *Thinking) effort() (string, error) {
	effort, param := c.ReasoningEffort, "reasoning_effort"
	if r := c.Reasoning; r != nil {
		if err := checkRest(r.Rest, reasoningFields); err != nil {
			return "", wire.Inside("reasoning", err)
		}
		switch {
		case r.Effort == "":
		case effort != "" && effort != r.Effort:
			return "", wire.Invalid("reasoning.effort", "reasoning_effort is another: send one of the two")
		default:
			effort, param = r.Effort, "reasoning.effort"
		}
	}
	if effort == "" {
		return "", nil
	}
	return effort, oneOf(param, effort, efforts)
}

// enabled reports whether the model is to think, and whether the client said so.
func (c *Thinking) enabled(effort string) (on, said bool, err error) {
	switch {
	case c.EnableThinking != nil:
		return *c.EnableThinking, true, nil
	case c.Reasoning != nil && c.Reasoning.Enabled != nil:
		return *c.Reasoning.Enabled, true, nil
	case effort == "none":
		return false, true, nil
	case c.Thinking == nil:
		return false, false, nil
	}
	if err := checkRest(c.Thinking.Rest, thinkingFields); err != nil {
		return false, false, wire.Inside("thinking", err)
	}
	err = oneOf("thinking.type", c.Thinking.Type, []string{"enabled", "disabled", "auto", "adaptive"})
	return c.Thinking.Type == "enabled", c.Thinking.Type == "enabled" || c.Thinking.Type == "disabled", err
}

// oneOf checks a word.
func oneOf(param, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return wire.Invalid(param, "%q is not supported: use one of %q", ask.Clip(word, ask.QuotedBytes), words)
}
