package chat

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/weirgo/weir/server/chat/jinja"
)

// ChatML is the template New takes for a model that has none.
//
//go:embed chatml.jinja
var ChatML string

// Template is a compiled chat template. It is immutable: all methods may be
// called concurrently.
type Template struct {
	parsed   *jinja.Template
	bos, eos *jinja.Str
	limits   Limits

	source               string
	wantsParts           bool     // content as a list of parts
	wantsArgumentsAsText bool     // arguments of tool calls as a string of JSON
	wantsNoContent       bool     // None beside tool calls, where others take ""
	wantsNineIDs         bool     // identities of calls of nine letters and digits
	oneCall              bool     // it renders one call a message
	takesTools           bool     // it describes tools
	takesSystem          bool     // it renders messages of the role system
	reasoningKeys        []string // a message's fields where it looks for reasoning
	thinkingParts        bool     // reasoning is a part of the content, of type thinking
	eitherOne            bool     // refuses content beside reasoning and calls
}

// Source returns the template's text.
func (t *Template) Source() string { return t.source }

// TakesTools reports whether the template tells the model of tools. If not,
// package calls does it in words.
func (t *Template) TakesTools() bool { return t.takesTools }

// TakesSystem reports whether the template has a place for a system message.
func (t *Template) TakesSystem() bool { return t.takesSystem }

// New compiles a template's source under [DefaultLimits]; an empty source
// stands for [ChatML]. bos and eos are the texts of the model's begin and end
// tokens, "" if it has none.
func New(source, bos, eos string) (*Template, error) {
	return NewLimited(source, bos, eos, DefaultLimits())
}

// NewLimited is New with other limits.
func NewLimited(source, bos, eos string, limits Limits) (*Template, error) {
	if source == "" {
		source = ChatML
	}
	parsed, err := jinja.Parse(source, limits)
	if err != nil {
		return nil, fmt.Errorf("chat: compile template: %w; %s", err, remedy)
	}
	t := &Template{
		parsed: parsed, bos: jinja.String(bos, true), eos: jinja.String(eos, true), limits: limits, source: source,
	}
	t.read()
	t.probe()
	return t, nil
}

// remedy ends what an operator sees of a template that does not compile.
const remedy = "give the server another chat template, or correct tokenizer.chat_template in the model's file"

// Render returns the conversation as text, in pieces whose neighbours differ in
// Trusted. Errors are of type [*RenderError]; one whose Err is the context's
// ended with it.
func (t *Template) Render(ctx context.Context, in Input) ([]Piece, error) {
	if in.Continue {
		return t.renderOpen(ctx, in)
	}
	return t.render(ctx, in)
}

func (t *Template) render(ctx context.Context, in Input) ([]Piece, error) {
	variables, err := t.variables(in)
	if err != nil {
		return nil, err
	}
	pieces, err := t.parsed.Render(ctx, variables)
	if err != nil {
		failure := &RenderError{Message: err.Error(), Err: err}
		if raised, ok := errors.AsType[*jinja.Error](err); ok {
			failure.BadRequest = raised.Raised
		}
		return nil, failure
	}
	return pieces, nil
}
