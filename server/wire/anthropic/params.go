package anthropic

import (
	"math"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// maxTemperature is larger than Anthropic's, 1: models that are served here are
// used with more.
const maxTemperature = 2

// Ask checks the form of a request and makes what it asks for. The error is an
// *ask.Fault.
func (r *Request) Ask(d wire.Defaults) (*ask.Request, error) {
	a, err := r.AskCount()
	if err != nil {
		return nil, err
	}
	if r.MaxTokens == nil {
		return nil, wire.Missing("max_tokens", "how many tokens the answer may have")
	}
	if a.MaxTokens, err = wire.Whole("max_tokens", *r.MaxTokens, 1, math.MaxInt32); err != nil {
		return nil, err
	}
	if err := r.sampling(&a.Sampling, d); err != nil {
		return nil, err
	}
	a.Stop, a.Shift = r.StopSequences, d.Shift
	return a, wire.CheckStops("stop_sequences", a.Stop)
}

// AskCount is Ask for a request whose prompt is counted and not answered.
func (r *Request) AskCount() (*ask.Request, error) {
	if len(r.Messages) == 0 {
		return nil, wire.Missing("messages", "an array with at least one message")
	}
	if err := wire.CheckRest(r.Rest, requestFields); err != nil {
		return nil, err
	}
	a := &ask.Request{Model: r.Model, TopLogprobs: -1}
	for _, part := range []func(*ask.Request) error{r.conversation, r.tools, r.choice, r.format, r.template} {
		if err := part(a); err != nil {
			return nil, err
		}
	}
	return a, wire.CheckTools(a)
}

func (r *Request) sampling(s *ask.Sampling, d wire.Defaults) error {
	*s = d.Sampling
	s.Seed = wire.SeedOf(d.Seed)
	if v := r.Temperature; v != nil {
		if err := wire.Within("temperature", *v, 0, maxTemperature); err != nil {
			return err
		}
		s.Temperature = float32(*v)
	}
	if v := r.TopP; v != nil {
		if err := wire.Within("top_p", *v, 0, 1); err != nil {
			return err
		}
		// 0 would mean "no top-p"; the client means the likeliest token alone.
		s.TopP = max(float32(*v), math.SmallestNonzeroFloat32)
	}
	if v := r.TopK; v != nil {
		k, err := wire.Whole("top_k", *v, -1, math.MaxInt32) // -1 and 0: off
		if err != nil {
			return err
		}
		s.TopK = max(k, 0)
	}
	return nil
}

func (r *Request) tools(a *ask.Request) error {
	for i := range r.Tools {
		t := &r.Tools[i]
		outer := "tools[" + strconv.Itoa(i) + "]"
		switch {
		case t.Type != "" && t.Type != "custom":
			return &ask.Fault{
				Kind: ask.Unsupported, Param: outer + ".type",
				What:   outer + ".type: " + strconv.Quote(ask.Clip(t.Type, ask.QuotedBytes)) + " is a tool of Anthropic's own",
				Remedy: `leave it out, or describe it as a tool of type "custom" with an input_schema`,
			}
		case t.Name == "":
			return wire.Missing(outer+".name", "the name of the tool")
		case t.InputSchema == nil:
			return wire.Missing(outer+".input_schema", "the JSON schema of what the tool is given")
		case t.InputSchema.Kind() != '{':
			return wire.Invalid(outer+".input_schema", "expected an object, got a JSON %s", wire.KindName(t.InputSchema.Kind()))
		}
		if err := wire.CheckRest(t.Rest, toolFields); err != nil {
			return wire.Inside(outer, err)
		}
		a.Tools = append(a.Tools, ask.Tool{Name: t.Name, Description: t.Description, Parameters: t.InputSchema})
	}
	return nil
}

func (r *Request) choice(a *ask.Request) error {
	c := r.ToolChoice
	if c == nil {
		return nil
	}
	a.OneCall = c.DisableParallelToolUse
	switch c.Type {
	case "auto":
	case "none":
		a.ToolChoice = ask.ToolNone
	case "any":
		a.ToolChoice = ask.ToolRequired
	case "tool":
		a.ToolChoice, a.ToolName = ask.ToolNamed, c.Name
		if c.Name == "" {
			return wire.Missing("tool_choice.name", "the name of the tool")
		}
	case "":
		return wire.Missing("tool_choice.type", `"auto", "any", "tool" or "none"`)
	default:
		return wire.Invalid("tool_choice.type", `%q is none of "auto", "any", "tool" and "none"`, ask.Clip(c.Type, ask.QuotedBytes))
	}
	return nil
}

func (r *Request) format(a *ask.Request) error {
	name, f := "output_format", r.OutputFormat
	if c := r.OutputConfig; c != nil {
		if err := wire.CheckRest(c.Rest, outputFields); err != nil {
			return wire.Inside("output_config", err)
		}
		if c.Format != nil {
			name, f = "output_config.format", c.Format
		}
	}
	switch {
	case f == nil:
		return nil
	case f.Type != "json_schema":
		return wire.Invalid(name+".type", `%q is not supported: use "json_schema"`, ask.Clip(f.Type, ask.QuotedBytes))
	case f.Schema.Kind() != '{':
		return wire.Missing(name+".schema", "a JSON schema, an object")
	}
	a.Format = ask.Format{Kind: ask.FormatSchema, Source: string(f.Schema)}
	return nil
}

// template sets what the chat template is told of thinking.
func (r *Request) template(a *ask.Request) error {
	var args []byte
	if t := r.Thinking; t != nil {
		switch t.Type {
		case "enabled", "adaptive":
			args = append(args, `,"enable_thinking":true`...)
		case "disabled":
			args = append(args, `,"enable_thinking":false`...)
		case "":
			return wire.Missing("thinking.type", `"enabled", "adaptive" or "disabled"`)
		default:
			return wire.Invalid("thinking.type", `%q is none of "enabled", "adaptive" and "disabled"`, ask.Clip(t.Type, ask.QuotedBytes))
		}
		if t.BudgetTokens != nil {
			n, err := wire.Whole("thinking.budget_tokens", *t.BudgetTokens, 0, math.MaxInt32)
			if err != nil {
				return err
			}
			a.Thinking = ask.Thinking{Bounded: t.Type != "disabled", Tokens: n}
		}
		switch t.Display {
		case "", "summarized", "omitted":
		default:
			return wire.Invalid("thinking.display", `%q is neither "summarized" nor "omitted"`, ask.Clip(t.Display, ask.QuotedBytes))
		}
	}
	if c := r.OutputConfig; c != nil {
		switch c.Effort {
		case "":
		case "low", "medium", "high":
			args = append(args, `,"reasoning_effort":"`+c.Effort+`"`...)
		case "xhigh", "max": // templates know three
			args = append(args, `,"reasoning_effort":"high"`...)
		default:
			return wire.Invalid("output_config.effort", `%q is none of "low", "medium", "high", "xhigh" and "max"`, ask.Clip(c.Effort, ask.QuotedBytes))
		}
	}
	if args != nil {
		args[0] = '{'
		a.TemplateArgs = append(args, '}')
	}
	return nil
}

// HidesThinking reports whether the client wants no thinking to be told.
func (r *Request) HidesThinking() bool { return r.Thinking != nil && r.Thinking.Display == "omitted" }
