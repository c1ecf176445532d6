package protobuf

import (
	"encoding/json/jsontext"
	"math"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/openai"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Ask checks the form of a request. The error is an *ask.Fault.
func Ask(r *weirv1.GenerateRequest, d wire.Defaults) (*ask.Request, error) {
	a := &ask.Request{Model: r.Model, TopLogprobs: -1, MaxTokens: d.MaxTokens, Shift: d.Shift, IgnoreEOS: r.IgnoreEos, ReturnTokens: r.ReturnTokenIds, Stop: r.Stop}
	for _, part := range []func(*weirv1.GenerateRequest, *ask.Request) error{
		input, tools, format, lengths, shift, logprobs, templateArgs,
		func(*weirv1.GenerateRequest, *ask.Request) (err error) {
			a.Sampling, err = sampling(r, d)
			return err
		},
	} {
		if err := part(r, a); err != nil {
			return nil, err
		}
	}
	return a, wire.CheckStops("stop", r.Stop)
}

// input puts what is gone on from into a request.
func input(r *weirv1.GenerateRequest, a *ask.Request) error {
	sent := ""
	for _, f := range []struct {
		name string
		sent bool
	}{{"messages", len(r.Messages) > 0}, {"prompt", r.Prompt != ""}, {"prompt_token_ids", len(r.PromptTokenIds) > 0}} {
		switch {
		case f.sent && sent != "":
			return wire.Invalid(f.name, "%s is there as well: send one of the two", sent)
		case f.sent:
			sent = f.name
		}
	}
	switch sent {
	case "":
		return wire.Missing("messages", "a conversation, or prompt, or prompt_token_ids")
	case "messages":
		return conversation(r, a)
	}
	a.Prompt.Text = r.Prompt
	for i, id := range r.PromptTokenIds {
		if id > math.MaxInt32 {
			return wire.Invalid("prompt_token_ids["+strconv.Itoa(i)+"]", "%d is no token", id)
		}
		a.Prompt.Tokens = append(a.Prompt.Tokens, ask.Token(id))
	}
	return nil
}

// conversation puts the messages into a request; the assistant's own last one is
// gone on with.
func conversation(r *weirv1.GenerateRequest, a *ask.Request) error {
	a.Messages = make([]ask.Message, len(r.Messages))
	for i, m := range r.Messages {
		outer := "messages[" + strconv.Itoa(i) + "]"
		to := &a.Messages[i]
		*to = ask.Message{Role: m.Role, Content: m.Content, Name: m.Name, Reasoning: m.ReasoningContent, ToolCallID: m.ToolCallId}
		switch m.Role {
		case "system", "user", "assistant", "tool":
		case "developer": // the newer name of the same thing, unknown to templates
			to.Role = "system"
		case "":
			return wire.Missing(outer+".role", `"system", "user", "assistant" or "tool"`)
		default:
			return wire.Invalid(outer+".role", `%q is not supported: use "system", "user", "assistant" or "tool"`, ask.Clip(m.Role, ask.QuotedBytes))
		}
		for j, c := range m.ToolCalls {
			at := outer + ".tool_calls[" + strconv.Itoa(j) + "]"
			arguments := []byte(c.Arguments)
			switch {
			case c.Name == "":
				return wire.Missing(at+".name", "the name of the tool")
			case len(arguments) == 0:
				arguments = []byte("{}")
			case !wire.IsObject(arguments):
				return wire.Invalid(at+".arguments", "the text is no JSON object")
			}
			to.ToolCalls = wire.AppendCall(to.ToolCalls, c.Id, c.Name, arguments)
		}
		if to.ToolCalls != nil {
			to.ToolCalls = append(to.ToolCalls, ']')
		}
	}
	last := &a.Messages[len(a.Messages)-1]
	a.Continue = last.Role == "assistant" && last.ToolCalls == nil
	return nil
}

// tools puts the tools and their choice into a request.
func tools(r *weirv1.GenerateRequest, a *ask.Request) error {
	of := openai.Tools{ParallelToolCalls: r.ParallelToolCalls, Tools: make([]openai.Tool, len(r.Tools))}
	for i, t := range r.Tools {
		if t.Parameters != "" && !wire.IsObject([]byte(t.Parameters)) {
			return wire.Invalid("tools["+strconv.Itoa(i)+"].parameters", "the text is no JSON schema, an object")
		}
		of.Tools[i] = openai.Tool{Type: "function", Function: openai.Function{
			Name: t.Name, Description: t.Description, Parameters: jsontext.Value(t.Parameters),
		}}
	}
	if err := of.Ask(a); err != nil {
		return err
	}
	switch r.ToolChoice {
	case weirv1.ToolChoice_TOOL_CHOICE_AUTO:
	case weirv1.ToolChoice_TOOL_CHOICE_NONE:
		a.ToolChoice = ask.ToolNone
	case weirv1.ToolChoice_TOOL_CHOICE_REQUIRED:
		a.ToolChoice = ask.ToolRequired
	case weirv1.ToolChoice_TOOL_CHOICE_NAMED:
		a.ToolChoice, a.ToolName = ask.ToolNamed, r.ToolName
	default:
		return wire.Invalid("tool_choice", "%d is none of the choices", r.ToolChoice)
	}
	if r.ToolName != "" && a.ToolChoice != ask.ToolNamed {
		return wire.Invalid("tool_name", "it needs tool_choice TOOL_CHOICE_NAMED")
	}
	return wire.CheckTools(a)
}

// format reads the form that the text is held to.
func format(r *weirv1.GenerateRequest, a *ask.Request) error {
	switch f := r.GetResponseFormat().GetFormat().(type) {
	case *weirv1.ResponseFormat_JsonObject:
		if f.JsonObject {
			a.Format.Kind = ask.FormatJSON
		}
	case *weirv1.ResponseFormat_JsonSchema:
		schema := jsontext.Value(f.JsonSchema)
		if kind := schema.Kind(); kind != '{' && kind != 't' || !schema.IsValid() { // true allows anything that is JSON
			return wire.Invalid("response_format.json_schema", "the text is no JSON schema")
		}
		a.Format = ask.Format{Kind: ask.FormatSchema, Source: f.JsonSchema}
	case *weirv1.ResponseFormat_Grammar:
		if f.Grammar == "" {
			return wire.Missing("response_format.grammar", "a grammar in GBNF")
		}
		a.Format = ask.Format{Kind: ask.FormatGrammar, Source: f.Grammar}
	}
	return nil
}

// lengths reads how long the answer is at most, and at least.
func lengths(r *weirv1.GenerateRequest, a *ask.Request) error {
	if r.MaxTokens != nil {
		a.MaxTokens = int(min(*r.MaxTokens, math.MaxInt32))
	}
	a.MinTokens = int(min(r.MinTokens, math.MaxInt32))
	if a.MaxTokens > 0 && a.MinTokens > a.MaxTokens {
		return wire.Invalid("min_tokens", "%d is more than the %d that there may be at most", a.MinTokens, a.MaxTokens)
	}
	return nil
}

// shift reads what is dropped from a full context.
func shift(r *weirv1.GenerateRequest, a *ask.Request) error {
	if n := r.NKeep; n != nil {
		if *n < -1 {
			return wire.Invalid("n_keep", "%d is out of range: -1 and more", *n)
		}
		a.Shift.Keep = int(*n)
	}
	if n := r.NDiscard; n != nil {
		a.Shift.Discard = int(min(*n, math.MaxInt32))
	}
	return nil
}

func logprobs(r *weirv1.GenerateRequest, a *ask.Request) error {
	switch {
	case r.Logprobs:
		a.TopLogprobs = int(min(r.TopLogprobs, math.MaxInt32))
	case r.TopLogprobs > 0:
		return wire.Invalid("top_logprobs", "it needs logprobs")
	}
	return nil
}

func templateArgs(r *weirv1.GenerateRequest, a *ask.Request) error {
	if r.ChatTemplateKwargs == "" {
		return nil
	}
	a.TemplateArgs = []byte(r.ChatTemplateKwargs)
	if !wire.IsObject(a.TemplateArgs) {
		return wire.Invalid("chat_template_kwargs", "the text is no JSON object")
	}
	return nil
}
