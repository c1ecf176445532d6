package chat

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ardanlabs/jinja"
)

// ChatML is the template New takes for a model that has none.
//
//go:embed chatml.jinja
var ChatML string

// Template is a compiled chat template. It is immutable: all methods may be
// called concurrently.
type Template struct {
	compiled *jinja.Template
	bos, eos string
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
func NewLimited(source, bos, eos string, limits Limits) (t *Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("chat: compile template: it panics: %v; %s", r, remedy)
		}
	}()
	if source == "" {
		source = ChatML
	}
	guarded, err := prepare(source, limits)
	if err != nil {
		return nil, fmt.Errorf("chat: compile template: %w; %s", err, remedy)
	}
	compiled, err := jinja.Compile(guarded)
	if err != nil {
		return nil, fmt.Errorf("chat: compile template: %w; %s", err, remedy)
	}
	t = &Template{compiled: compiled, bos: bos, eos: eos, limits: limits}
	t.probe()
	return t, nil
}

// remedy ends what an operator sees of a template that does not compile.
const remedy = "give the server another chat template, or correct tokenizer.chat_template in the model's file"

// Render returns the conversation as text, in pieces whose neighbours differ in
// Trusted. Errors are of type [*RenderError].
func (t *Template) Render(_ context.Context, in Input) (pieces []Piece, err error) {
	variables, err := t.variables(in)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			pieces, err = nil, failed("it panics: %v", r)
		}
	}()
	t.addFunctions(variables)
	text, err := t.compiled.RenderValues(variables)
	if err != nil {
		var known *RenderError
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, failed("%w", err)
	}
	if len(text) > t.limits.OutputBytes {
		return nil, failed("it makes %d bytes of text, and the limit is %d; send fewer or shorter messages",
			len(text), t.limits.OutputBytes)
	}
	return []Piece{{Text: text, Trusted: true}}, nil
}
