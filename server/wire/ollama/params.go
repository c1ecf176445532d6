package ollama

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"math"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Ask checks the form of a chat request. The error is an *ask.Fault. A request
// without messages asks for nothing but that the model be there; it is nil.
func (r *ChatRequest) Ask(d wire.Defaults) (*ask.Request, error) {
	a, err := r.Common.ask(d, r.Rest, chatFields)
	if err != nil {
		return nil, err
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		outer := "tools[" + strconv.Itoa(i) + "]"
		switch {
		case t.Type != "" && t.Type != "function":
			return nil, wire.Invalid(outer+".type", `%q is not supported: use "function"`, ask.Clip(t.Type, ask.QuotedBytes))
		case t.Function.Name == "":
			return nil, wire.Missing(outer+".function.name", "the name of the function")
		}
		parameters := t.Function.Parameters
		switch parameters.Kind() {
		case '{':
		case 0, 'n':
			parameters = nil
		default:
			return nil, wire.Invalid(outer+".function.parameters", "expected an object, got a JSON %s", wire.KindName(parameters.Kind()))
		}
		a.Tools = append(a.Tools, ask.Tool{Name: t.Function.Name, Description: t.Function.Description, Parameters: parameters})
	}
	if err := wire.CheckTools(a); err != nil {
		return nil, err
	}
	if len(r.Messages) == 0 {
		return nil, nil
	}
	a.Messages = make([]ask.Message, len(r.Messages))
	for i := range r.Messages {
		if a.Messages[i], err = r.Messages[i].ask(i); err != nil {
			return nil, err
		}
	}
	last := &a.Messages[len(a.Messages)-1]
	a.Continue = last.Role == "assistant" && last.ToolCalls == nil
	return a, nil
}

// Ask checks the form of a completion request. The error is an *ask.Fault. A
// request without a prompt asks for nothing but that the model be there; it is
// nil. The prompt is a conversation of one turn, unless it is raw.
func (r *GenerateRequest) Ask(d wire.Defaults) (*ask.Request, error) {
	a, err := r.Common.ask(d, r.Rest, generateFields)
	switch {
	case err != nil:
		return nil, err
	case r.Raw && r.System != "":
		return nil, wire.Invalid("system", "a raw prompt has none: write it into the prompt")
	case r.Prompt == "":
		return nil, nil
	case r.Raw:
		a.Prompt.Text, a.RawReasoning = r.Prompt, true
		return a, nil
	case r.System != "":
		a.Messages = append(a.Messages, ask.Message{Role: "system", Content: r.System})
	}
	a.Messages = append(a.Messages, ask.Message{Role: "user", Content: r.Prompt})
	return a, nil
}

// maxTopLogprobs is ollama's.
const maxTopLogprobs = 20

func (c *Common) ask(d wire.Defaults, rest map[string]jsontext.Value, fields map[string]wire.Rule) (*ask.Request, error) {
	if c.Model == "" {
		return nil, wire.Missing("model", "the name of a model, as GET /api/tags gives it")
	}
	if err := wire.CheckRest(rest, fields); err != nil {
		return nil, err
	}
	a := &ask.Request{Model: c.Model, TopLogprobs: -1}
	if err := c.Options.ask(a, d); err != nil {
		return nil, err
	}
	if c.Logprobs {
		a.TopLogprobs = 0
	}
	if v := c.TopLogprobs; v != nil {
		n, err := wire.Whole("top_logprobs", *v, 0, maxTopLogprobs)
		if err != nil {
			return nil, err
		}
		if n > 0 && !c.Logprobs {
			return nil, wire.Invalid("top_logprobs", `needs "logprobs": true`)
		}
		if c.Logprobs {
			a.TopLogprobs = n
		}
	}
	if c.Think.Set {
		a.TemplateArgs = append(a.TemplateArgs, `{"enable_thinking":`...)
		a.TemplateArgs = strconv.AppendBool(a.TemplateArgs, c.Think.On)
		if c.Think.Effort != "" {
			a.TemplateArgs = append(a.TemplateArgs, `,"reasoning_effort":"`+c.Think.Effort+`"`...)
		}
		a.TemplateArgs = append(a.TemplateArgs, '}')
	}
	switch kind := c.Format.Kind(); kind {
	case 0, 'n':
	case '{':
		a.Format = ask.Format{Kind: ask.FormatSchema, Source: string(c.Format)}
	case '"':
		var name string
		if err := json.Unmarshal(c.Format, &name); err != nil {
			return nil, err
		}
		switch name {
		case "":
		case "json":
			a.Format.Kind = ask.FormatJSON
		default:
			return nil, wire.Invalid("format", `%q is not supported: use "json" or a JSON schema`, ask.Clip(name, ask.QuotedBytes))
		}
	default:
		return nil, wire.Invalid("format", `expected "json" or a JSON schema, got a JSON %s`, wire.KindName(kind))
	}
	return a, nil
}

// ask checks the form of message number i.
func (m *Message) ask(i int) (ask.Message, error) {
	outer := "messages[" + strconv.Itoa(i) + "]"
	a := ask.Message{
		Role: strings.ToLower(m.Role), Content: m.Content, Reasoning: m.Thinking, Name: m.ToolName, ToolCallID: m.ToolCallID,
	}
	switch a.Role {
	case "system", "user", "assistant", "tool":
	case "":
		return a, wire.Missing(outer+".role", `"system", "user", "assistant" or "tool"`)
	default:
		return a, wire.Invalid(outer+".role", `%q is not supported: use "system", "user", "assistant" or "tool"`, ask.Clip(m.Role, ask.QuotedBytes))
	}
	if err := wire.CheckRest(m.Rest, messageFields); err != nil {
		return a, wire.Inside(outer, err)
	}
	for j := range m.ToolCalls {
		at := outer + ".tool_calls[" + strconv.Itoa(j) + "]"
		call := &m.ToolCalls[j]
		arguments := call.Function.Arguments
		if err := wire.CheckRest(call.Rest, toolCallFields); err != nil {
			return a, wire.Inside(at, err)
		}
		switch {
		case call.Function.Name == "":
			return a, wire.Missing(at+".function.name", "the name of the function")
		case len(arguments) == 0 || arguments.Kind() == 'n':
			arguments = jsontext.Value("{}")
		case arguments.Kind() != '{':
			return a, wire.Invalid(at+".function.arguments", "expected an object, got a JSON %s", wire.KindName(arguments.Kind()))
		}
		if err := arguments.Compact(); err != nil {
			return a, wire.Invalid(at+".function.arguments", "%v", err)
		}
		a.ToolCalls = wire.AppendCall(a.ToolCalls, call.ID, call.Function.Name, arguments)
	}
	if a.ToolCalls != nil {
		a.ToolCalls = append(a.ToolCalls, ']')
	}
	return a, nil
}

// maxInputs bounds what is embedded at once. It is OpenAI's bound.
const maxInputs = 2048

// Ask checks the form of a request for embeddings, and gives their dimensions, 0
// for all. The error is an *ask.Fault.
func (r *EmbedRequest) Ask() (dimensions int, err error) {
	if err := checkEmbed(r.Model, &r.Options, r.Rest); err != nil {
		return 0, err
	}
	if n := len(r.Input); n > maxInputs {
		return 0, wire.Invalid("input", "%d texts, at most %d are allowed: send the others in another request", n, maxInputs)
	}
	if r.Dimensions == nil {
		return 0, nil
	}
	return wire.Whole("dimensions", *r.Dimensions, 0, math.MaxInt32)
}

// Ask checks the form of a request for an embedding. The error is an *ask.Fault.
func (r *EmbeddingsRequest) Ask() error { return checkEmbed(r.Model, &r.Options, r.Rest) }

func checkEmbed(model string, o *Options, rest map[string]jsontext.Value) error {
	if model == "" {
		return wire.Missing("model", "the name of a model, as GET /api/tags gives it")
	}
	if err := wire.CheckRest(rest, embedFields); err != nil {
		return err
	}
	return o.ask(new(ask.Request), wire.Defaults{}) // they change nothing, and may be wrong
}
