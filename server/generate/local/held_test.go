package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

var weather = []ask.Tool{
	{Name: "weather", Parameters: []byte(`{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"]}`)}, {Name: "f"},
}

// A model that would say something else calls what it must.
func TestHeldToCalls(t *testing.T) {
	for _, c := range []struct {
		name, source, want string
		change             func(*ask.Request)
	}{
		{"named", thinker, `call 0 f {`, func(r *ask.Request) { r.ToolChoice, r.ToolName, r.OneCall = ask.ToolNamed, "f", true }},
		{"named, thinking", thinker, `call 0 f {`, func(r *ask.Request) {
			r.ToolChoice, r.ToolName, r.OneCall, r.TemplateArgs = ask.ToolNamed, "f", true, []byte(`{"enable_thinking":true}`)
		}},
		{"named, in words", templateSource, `call 0 f {`, func(r *ask.Request) { r.ToolChoice, r.ToolName, r.OneCall = ask.ToolNamed, "f", true }},
		{"required", thinker, "call 0 ", func(r *ask.Request) { r.ToolChoice, r.OneCall = ask.ToolRequired, true }},
		{"with an argument", thinker, `call 0 weather {`, func(r *ask.Request) { r.ToolChoice, r.ToolName, r.OneCall = ask.ToolNamed, "weather", true }},
	} {
		for _, top := range []int{-1, 0} {
			text, entries, end := told(t, openTemplate(t, c.source, "no such marker", ""), hello(func(r *ask.Request) {
				r.Tools, r.TopLogprobs, r.MaxTokens = weather, top, 200
				c.change(r)
			}))
			if !strings.HasPrefix(text, c.want) || end.Reason != ask.FinishCalls || end.Fault != nil {
				t.Errorf("%s, top %d: %s, %+v", c.name, top, text, end)
			}
			if strings.Contains(c.want, "weather") && !strings.Contains(text, `"days"`) {
				t.Errorf("%s: %s", c.name, text)
			}
			if n := len(strings.ReplaceAll(entries, "|", "")); top == 0 && n != end.CompletionTokens {
				t.Errorf("%s: entries of %d tokens, of %d: %q", c.name, n, end.CompletionTokens, entries)
			}
		}
	}
}

// A form of the text holds behind what the model thinks.
func TestHeldToAForm(t *testing.T) {
	for _, c := range []struct {
		change func(*ask.Request)
		want   string
	}{
		{func(r *ask.Request) {}, "say abcabc"},
		{func(r *ask.Request) { r.Messages, r.Prompt.Text = nil, "x[assistant]" }, "say abcabc"},
		{func(r *ask.Request) { r.TemplateArgs = []byte(`{"enable_thinking":true}`) }, "think hm | say abcabc"},
	} {
		r := hello(c.change)
		r.Format = ask.Format{Kind: ask.FormatGrammar, Source: `root ::= "abc" "abc"`}
		marker, reply := "[assistant]", "never this"
		if len(r.TemplateArgs) > 0 {
			marker, reply = "[assistant]<think>", "hm</think>"
		}
		text, _, end := told(t, openTemplate(t, thinker, marker, reply), r)
		if text != c.want || end.Reason != ask.FinishStop {
			t.Errorf("%s, %+v, want %s", text, end, c.want)
		}
	}
	g := openTemplate(t, thinker, "[assistant]", "x")
	_, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.Format = ask.Format{Kind: ask.FormatGrammar, Source: "no grammar"} }))
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.InvalidValue || f.Param != "grammar" {
		t.Errorf("%v", err)
	}
}

// A model that begins a call by itself is held to the tool from then on, and to
// nothing before it, nor in a thought.
func TestHeldOnceItCalls(t *testing.T) {
	for _, c := range []struct {
		name, source, reply, want string
		change                    func(*ask.Request)
	}{
		{"a wrong argument", thinker, `Look. <tool_call>{"name":"weather","arguments":{"days":"many"}}</tool_call>`, `say Look. | call 0 weather {`, nil},
		{"another name", thinker, `<tool_call>{"name":"wind","arguments":{}}</tool_call>`, `call 0 weather {`, nil},
		{"none of the arguments", thinker, `<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>`, `call 0 f {`, nil},
		{"in words", templateSource, `{"tool_calls": [{"name": "f", "arguments": {"a":1}}]}`, `call 0 f {`, nil},
		{"bare", templateSource, `{"name": "weather", "arguments": 1`, `call 0 weather {`, nil},
		{"JSON that is no call", templateSource, `{"name": "wind", "arguments": 1}`, `say {"name": "wind", "arguments": 1}`, nil},
		{"in a thought", thinker, `<think><tool_call>no</think>Yes.`, `think <tool_call>no | say Yes.`, nil},
		{"in an open thought", thinker, `<tool_call>no</think>Yes.`, `think <tool_call>no | say Yes.`,
			func(r *ask.Request) { r.TemplateArgs = []byte(`{"enable_thinking":true}`) }},
		{"a schema that no grammar keeps", thinker, `<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>`, `call 0 f {"a":1}`,
			func(r *ask.Request) { r.Tools = []ask.Tool{{Name: "f", Parameters: []byte(`{"not":{}}`)}} }},
		{"a name that no grammar says", thinker, `<tool_call>{"name":"a<b","arguments":{"a":1}}</tool_call>`, `call 0 a<b {"a":1}`,
			func(r *ask.Request) { r.Tools = []ask.Tool{{Name: "a<b"}} }},
		{"no tools", thinker, `<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>`, `call 0 f {"a":1}`,
			func(r *ask.Request) {
				r.Tools, r.Messages = []ask.Tool{{Name: "f", Parameters: []byte(`{"type":"object"}`)}}, append(r.Messages, ask.Message{Role: "user", Content: "now"})
			}},
	} {
		for _, top := range []int{-1, 0} {
			marker := "[assistant]"
			if strings.Contains(c.name, "open") {
				marker += "<think>"
			}
			text, _, end := told(t, openTemplate(t, c.source, marker, c.reply), hello(func(r *ask.Request) {
				r.Tools, r.TopLogprobs, r.MaxTokens = weather, top, 1500
				if c.change != nil {
					c.change(r)
				}
			}))
			if !strings.HasPrefix(text, c.want) || end.Fault != nil {
				t.Errorf("%s, top %d: %s, %+v", c.name, top, text, end)
			}
			if at := strings.Index(text, `"days":`); at >= 0 && !strings.ContainsAny(strings.TrimLeft(text[at+len(`"days":`):], " \n")[:1], "-0123456789") {
				t.Errorf("%s: %s", c.name, text)
			}
		}
	}
}
