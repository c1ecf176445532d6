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

	wantsParts           bool // content as a list of parts
	wantsArgumentsAsText bool // arguments of tool calls as a string of JSON
}

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
		parsed: parsed, bos: jinja.String(bos, true), eos: jinja.String(eos, true), limits: limits,
	}
	t.probe()
	return t, nil
}

// remedy ends what an operator sees of a template that does not compile.
const remedy = "give the server another chat template, or correct tokenizer.chat_template in the model's file"

// Render returns the conversation as text, in pieces whose neighbours differ in
// Trusted. Errors are of type [*RenderError]; one whose Err is the context's
// ended with it.
func (t *Template) Render(ctx context.Context, in Input) ([]Piece, error) {
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
