package local

import (
	"context"
	"errors"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/grammar"
	"github.com/weirgo/weir/server/grammar/schema"
	"github.com/weirgo/weir/server/sampling"
)

// opening is what a rendered prompt leaves open.
type opening struct {
	end  string      // of the prompt, as far as the template wrote it
	hold *calls.Hold // what the model is held to, nil for nothing
}

// begun is what of the answer the prompt has begun.
func (o *opening) begun() string {
	if o.hold == nil {
		return ""
	}
	return o.hold.Prompt
}

// hold returns what a model is held to behind a prompt.
func (g *Generator) hold(r *ask.Request, end string) (*calls.Hold, error) {
	h := g.holding(r, end)
	if r.ToolChoice != ask.ToolAuto {
		return g.form.Hold(h)
	}
	if r.Format.Kind != ask.FormatText {
		return nil, nil // which holds the text, and leaves no room for calls
	}
	hold, err := g.form.Hold(h)
	if err != nil {
		return nil, nil // no grammar can name a tool so: the model is free
	}
	return hold, nil
}

// holding says what a request asks a model to be held to.
func (g *Generator) holding(r *ask.Request, end string) calls.Holding {
	control := make(map[string]ask.Token, len(g.marks))
	for token, text := range g.marks {
		control[text] = token
	}
	return calls.Holding{
		Tools: offered(r), Choice: r.ToolChoice, Name: r.ToolName, OneCall: r.OneCall, Prompt: end,
		Continues: g.continues(r), Control: control,
	}
}

// constraint returns what holds a generation to its form, nil for any text.
func (g *Generator) constraint(ctx context.Context, r *ask.Request, o *opening) (sampling.Constraint, error) {
	form := grammar.Form{Format: r.Format}
	switch {
	case o.hold != nil && o.hold.Places != nil:
		return g.watcher(ctx, r, o)
	case o.hold != nil:
		form = grammar.Form{Format: o.hold.Format, Schemas: o.hold.Schemas}
	case r.Messages != nil && r.Format.Kind != ask.FormatText:
		form.Trigger = g.trigger(g.form.TextBegins(o.end))
	}
	if form.Kind == ask.FormatText {
		return nil, nil
	}
	made, err := g.grammars().Compile(ctx, form)
	if err != nil {
		return nil, err
	}
	return made.Matcher(), nil
}

// watcher returns what waits for a model's calls. Of a tool whose schema is none
// that a grammar can keep, the arguments are any object.
func (g *Generator) watcher(ctx context.Context, r *ask.Request, o *opening) (sampling.Constraint, error) {
	compile := func(hold *calls.Hold) (*grammar.Grammar, error) {
		return g.grammars().Compile(ctx, grammar.Form{Format: hold.Format, Schemas: hold.Schemas})
	}
	hold := o.hold
	made, err := compile(hold)
	if refused(err) {
		h := g.holding(r, o.end)
		h.Tools = slices.Clone(h.Tools)
		for i := range h.Tools {
			if p := h.Tools[i].Parameters; p != nil {
				if _, err := schema.Compile(ctx, p, false); err != nil {
					h.Tools[i].Parameters = []byte(`{"type":"object"}`)
				}
			}
		}
		if hold, err = g.form.Hold(h); err == nil && hold != nil {
			made, err = compile(hold)
		}
	}
	switch {
	case refused(err), hold == nil:
		return nil, nil
	case err != nil:
		return nil, err
	}
	watch := made.Watch(func() grammar.Plan {
		return grammar.Plan{Places: hold.Places, Again: hold.Again, Lasts: hold.Lasts, Marks: g.marks}
	})
	return watch.Watcher(hold.Begin), nil
}

// refused reports whether what a grammar was made of is at fault.
func refused(err error) bool {
	f, ok := errors.AsType[*ask.Fault](err)
	return ok && (f.Kind == ask.InvalidValue || f.Kind == ask.Unsupported)
}

// trigger returns what a grammar waits for: texts, and marks that are control
// tokens.
func (g *Generator) trigger(words []string) (t grammar.Trigger) {
	t.Words = words
	for token, text := range g.marks {
		if slices.Contains(words, text) {
			t.Tokens = append(t.Tokens, token)
		}
	}
	return t
}

// newGrammars prepares the model's vocabulary, once a grammar is asked for.
func (g *Generator) newGrammars() *grammar.Compiler {
	piece := func(dst []byte, t ask.Token) []byte { return g.model.AppendPiece(dst, t, false) }
	isEnd := func(t ask.Token) bool { return g.model.IsEndOfGeneration(engine.Token(t)) }
	return grammar.NewCompiler(grammar.NewVocabulary(g.about.VocabSize, piece, isEnd), grammar.Config{})
}
