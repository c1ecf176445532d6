package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// A thought ends where its bound is, at a character's end, and the answer goes on.
func TestThinkingIsBounded(t *testing.T) {
	open := func(r *ask.Request) { r.TemplateArgs = []byte(`{"enable_thinking":true}`) }
	const thought = "one, two, thr\u00e9e, four"
	for _, c := range []struct {
		name, want string
		tokens     int
		change     func(*ask.Request)
		reasoning  int // -1: not looked at
	}{
		{"long enough", "think " + thought + " | say Yes.", 50, open, len(thought + "</think>")},
		{"just so", "think " + thought + " | say Yes.", len(thought + "</think>"), open, len(thought + "</think>")},
		{"too long", "think one | say Yes.", 3, open, len("one</think>")},
		{"none", "say Yes.", 0, open, len("</think>")},
		{"begun by the model", "think one | say Yes.", 3, nil, len(">one</think>")},
		{"begun by the model, none", "say Yes.", 0, nil, len("></think>")},
		{"in a character", "think one, two, thr\u00e9 | say Yes.", len("one, two, thr\u00e9") - 1, open, len("one, two, thr\u00e9</think>")},
		{"in the text", "say one</think>Yes.", 3, func(r *ask.Request) { open(r); r.RawReasoning = true }, 0},
		{"with a message", "think one.. Enough! | say Yes.", 3, func(r *ask.Request) { open(r); r.Thinking.Message = ".. Enough!" }, -1},
		{"with tools", "think one | say Yes.", 3, func(r *ask.Request) { open(r); r.Tools = tool }, -1},
		{"with a form", "think one | say abc", 3, func(r *ask.Request) {
			open(r)
			r.Format = ask.Format{Kind: ask.FormatGrammar, Source: `root ::= "abc"`}
		}, -1},
		{"of a call that must be", `call 0 f {`, 3, func(r *ask.Request) {
			open(r)
			r.Tools, r.ToolChoice, r.ToolName, r.OneCall = tool, ask.ToolNamed, "f", true
		}, -1},
	} {
		for _, top := range []int{-1, 0} {
			g := openNext(t, thinker, scripted("[assistant]", "<think>"+thought+"</think>", "[assistant]<think>", thought+"</think>", "</think>", "Yes."))
			text, entries, end := told(t, g, hello(func(r *ask.Request) {
				r.TopLogprobs, r.MaxTokens = top, 600
				if c.change != nil {
					c.change(r)
				}
				r.Thinking.Bounded, r.Thinking.Tokens = true, c.tokens
			}))
			if !strings.HasPrefix(text, c.want) || !strings.HasSuffix(c.want, "{") && text != c.want {
				t.Errorf("%s, top %d: %q, %+v", c.name, top, text, end)
			}
			if c.reasoning >= 0 && end.ReasoningTokens != c.reasoning || end.Fault != nil {
				t.Errorf("%s, top %d: %+v", c.name, top, end)
			}
			if n := len(strings.ReplaceAll(entries, "|", "")); top == 0 && n != end.CompletionTokens && c.reasoning >= 0 {
				t.Errorf("%s: entries of %d tokens, of %d: %q", c.name, n, end.CompletionTokens, entries)
			}
		}
	}
	g := openTemplate(t, thinker, "[assistant]", "Yes, for sure.")
	if text, _, end := told(t, g, hello(func(r *ask.Request) { r.Thinking.Bounded = true })); text != "say Yes, for sure." || end.Fault != nil {
		t.Errorf("%q, %+v", text, end)
	}
	_, err := openTemplate(t, thinker, "[assistant]", "x").Submit(t.Context(), hello(func(r *ask.Request) {
		r.Thinking = ask.Thinking{Bounded: true, Message: strings.Repeat("x", maxThoughtMessageBytes+1)}
	}))
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.InvalidValue {
		t.Errorf("%v", err)
	}
}

// Where thoughts are messages, one is ended for the model, and the next is its
// answer; with tools it may call instead.
func TestThinkingIsBoundedInMessages(t *testing.T) {
	const source = `{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% for t in tools or [] %}{{ t.function.name }}{% endfor %}` +
		`{# <|start|><|channel|><|message|> #}{% if add_generation_prompt %}<|start|>assistant{% endif %}`
	const thought = "<|channel|>analysis<|message|>hm, so it goes on"
	for _, c := range []struct {
		again, want string
		tools       []ask.Tool
	}{
		{"never", "think hm,  | say Yes.", nil},
		{` to=functions.f<|channel|>commentary json<|message|>{"a":"b"}`, `think hm,  | call 0 f {"a":"b"}`, tool},
		{thought, "think hm,  | say Yes.", tool},
	} {
		g := openNext(t, source, scripted("]hi<|start|>assistant", thought, "]hif<|start|>assistant", thought,
			"<|end|><|start|>assistant", c.again, "final<|message|>", "Yes."))
		text, _, end := told(t, g, hello(func(r *ask.Request) {
			r.Tools, r.MaxTokens, r.Thinking = c.tools, 600, ask.Thinking{Bounded: true, Tokens: 4}
		}))
		if text != c.want || end.Fault != nil {
			t.Errorf("%q, %+v", text, end)
		}
	}
}

// scripted makes a model say what comes behind the last of some markers.
func scripted(markersAndReplies ...string) func([]engine.Token) engine.Token {
	return func(tokens []engine.Token) engine.Token {
		said := make([]byte, len(tokens))
		for i, token := range tokens {
			if said[i] = byte(token); token > 255 {
				said[i] = 0
			}
		}
		from, reply := -1, ""
		for i := 0; i < len(markersAndReplies); i += 2 {
			marker := markersAndReplies[i]
			if at := strings.LastIndex(string(said), marker); at >= 0 && at+len(marker) > from {
				from, reply = at+len(marker), markersAndReplies[i+1]
			}
		}
		if from < 0 || len(tokens)-from >= len(reply) {
			return enginetest.EOS
		}
		return engine.Token(reply[len(tokens)-from])
	}
}
