package chat

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
)

// FuzzTemplate compiles and renders hostile templates: no panic, no endless
// loop, and only errors of the documented type.
func FuzzTemplate(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.jinja")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source))
	}
	f.Add(ChatML)
	f.Add(`{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('a') }}`)
	f.Add(`{%- for a in range(99) -%} {{ loop.index | tojson(indent=-1) }} {%- endfor -%}`)
	f.Add("{% raw %}{% endraw -%}{{ {'a': {1: [2]}} }}{#")
	limits := Limits{
		SourceBytes: 1 << 14, Nesting: 30, Steps: 1 << 16, Bytes: 1 << 20, MacroDepth: 10,
		RangeItems: 100, JSONDepth: 16, OutputBytes: 1 << 16,
	}
	f.Fuzz(func(t *testing.T, source string) {
		template, err := NewLimited(source, "<s>", "</s>", limits)
		if err != nil {
			return
		}
		for i := range conversations {
			text, err := template.text(conversations[i].input)
			var failure *RenderError
			if err != nil && (!errors.As(err, &failure) || strings.Contains(err.Error(), "it panics")) {
				t.Errorf("an error of type %T: %v", err, err)
			}
			if len(text) > limits.OutputBytes {
				t.Errorf("%d bytes of text", len(text))
			}
		}
	})
}

// FuzzInput renders hostile requests by templates that look at all of them.
func FuzzInput(f *testing.F) {
	var templates []*Template
	for _, name := range []string{"llama3", "mistral", "macros", "parts"} {
		source, err := os.ReadFile("testdata/" + name + ".jinja")
		if err != nil {
			f.Fatal(err)
		}
		template, err := New(string(source), "<s>", "</s>")
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, template)
	}
	tools := conversations[2].input
	f.Add("user", "{{ messages }}", []byte(tools.Tools), []byte(tools.Messages[1].ToolCalls), []byte(tools.Variables))
	f.Add("tool", "\xff{%", []byte(`[1]`), []byte(`[{"function": 1}]`), []byte(`{"tools": {}}`))
	f.Fuzz(func(t *testing.T, role, content string, tools, calls, variables []byte) {
		if !utf8.ValidString(role + content) {
			return // requests are valid UTF-8
		}
		input := Input{
			Messages: []ask.Message{
				{Role: "user", Content: "Hello"},
				{Role: role, Content: content, ToolCalls: calls},
			},
			Tools: tools, Variables: variables, AddGenerationPrompt: true,
		}
		for _, template := range templates {
			text, err := template.text(input)
			var failure *RenderError
			if err != nil && (!errors.As(err, &failure) || strings.Contains(err.Error(), "it panics")) {
				t.Errorf("an error of type %T: %v", err, err)
			}
			if !utf8.ValidString(text) {
				t.Errorf("%q is no valid UTF-8", text)
			}
			begun := Input{Messages: []ask.Message{input.Messages[0], {Role: "assistant", Content: content, Reasoning: role}}}
			whole, err := template.text(begun)
			if begun.Continue = true; err != nil || content == "" {
				continue
			}
			if open, err := template.text(begun); err == nil && !strings.HasPrefix(whole, open) {
				t.Errorf("%q does not begin with %q", whole, open)
			}
		}
	})
}
