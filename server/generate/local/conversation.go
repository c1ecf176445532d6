package local

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
)

// maxTemplateArgsBytes is far above what variables of templates are: switches,
// and dates.
const maxTemplateArgsBytes = 64 << 10

// conversation says what the template is to render for a request with messages.
func (g *Generator) conversation(r *ask.Request) (chat.Input, error) {
	if n := len(r.TemplateArgs); n > maxTemplateArgsBytes {
		return chat.Input{}, ask.Invalid("chat_template_kwargs", fmt.Sprintf("%d bytes are too many: at most %d", n, maxTemplateArgsBytes))
	}
	tools := offered(r)
	in := chat.Input{
		Messages: r.Messages, AddGenerationPrompt: !r.Continue, Continue: r.Continue, Variables: r.TemplateArgs,
	}
	switch {
	case g.form.Native():
		in.Tools = chat.Tools(tools)
	case len(tools) > 0 || called(r.Messages):
		in.Messages = g.form.Instruct(r.Messages, tools, g.template.TakesSystem())
	}
	return in, nil
}

// offered returns the tools that the model is told of.
func offered(r *ask.Request) []ask.Tool {
	if r.ToolChoice == ask.ToolNone || r.Messages == nil {
		return nil
	}
	return r.Tools
}

// called reports whether a conversation has calls.
func called(messages []ask.Message) bool {
	for i := range messages {
		if messages[i].ToolCalls != nil {
			return true
		}
	}
	return false
}

// eventsOf returns the stream of a generation: one that parses its text, if there
// may be something in it.
func (g *Generator) eventsOf(s stream, r *ask.Request, o *opening) generate.Stream {
	tools := offered(r)
	if r.Messages == nil || len(tools) == 0 && (r.RawReasoning || !g.form.Reasons()) {
		plain := &s
		plain.text.Reset(r.Stop)
		return plain
	}
	p := &parsed{stream: s, marks: g.marks, stops: len(r.Stop) > 0}
	p.text.Reset(nil)
	p.said.Reset(r.Stop)
	p.parser.Reset(g.form, g.parsing(r, o))
	if begun := o.begun(); begun != "" {
		p.parser.Add([]byte(begun))
		p.fed = len(begun)
	}
	return p
}

// parsing returns how an answer is taken apart.
func (g *Generator) parsing(r *ask.Request, o *opening) calls.Options {
	return calls.Options{
		Tools: offered(r), OneCall: r.OneCall, RawReasoning: r.RawReasoning, Prompt: o.end, Continues: g.continues(r),
	}
}

// continues returns what an answer goes on with, if it was begun.
func (g *Generator) continues(r *ask.Request) calls.Kind {
	if !r.Continue {
		return calls.Nothing
	}
	switch chat.Continued(r.Messages) {
	case chat.ContinuesContent:
		return g.form.Continues(lastText(r.Messages))
	case chat.ContinuesReasoning:
		return calls.Reasoning
	}
	return calls.Nothing
}

// lastText returns what the last message says so far.
func lastText(messages []ask.Message) string {
	last := &messages[len(messages)-1]
	if n := len(last.Parts); n > 0 {
		return last.Parts[n-1]
	}
	return last.Content
}

// controlMarks returns the control tokens whose text means something in a form:
// they are spelled for its parser alone.
func controlMarks(model engine.Model, form *calls.Form) map[engine.Token]string {
	marks := map[engine.Token]string{}
	for _, text := range form.Markers() {
		tokens, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{LimitTokens: 64}, engine.Span{Text: text, Control: true})
		if err != nil {
			continue // then no token is this
		}
		for _, t := range tokens { // SentencePiece puts a blank before it
			if len(model.AppendPiece(nil, t, false)) == 0 && string(model.AppendPiece(nil, t, true)) == text {
				marks[t] = text
			}
		}
	}
	return marks
}
