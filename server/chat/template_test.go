package chat

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/*.golden anew")

// conversations are rendered by every template of testdata. The golden files
// are what Python's Jinja2 makes of them, with the settings of the transformers
// library.
var conversations = []struct {
	name  string
	input Input
}{
	{"one turn", Input{
		Messages:            []ask.Message{{Role: "user", Content: "Hello, <world> & \"all\""}},
		AddGenerationPrompt: true,
	}},
	{"three turns", Input{
		Messages: []ask.Message{
			{Role: "system", Content: "Be brief."},
			{Role: "user", Content: "  What is 2 + 2?\n"},
			{Role: "assistant", Content: "4"},
			{Role: "user", Parts: []string{"And", "3 + 3?"}},
		},
		AddGenerationPrompt: true,
	}},
	{"tools", Input{
		Messages: []ask.Message{
			{Role: "user", Content: "Weather in Zürich?"},
			{Role: "assistant", ToolCalls: []byte(`[{"id":"call_0001","type":"function","function":` +
				`{"name":"weather","arguments":"{\"town\": \"Zürich\", \"days\": 2, \"at\": 1.0}"}}]`)},
			{Role: "tool", Name: "weather", ToolCallID: "call_0001", Content: `{"sky": "blue"}`},
			{Role: "assistant", Content: "Blue."},
			{Role: "user", Content: "Thanks"},
		},
		Tools: []byte(`[{"type": "function", "function": {"name": "weather", "description": "The sky & more",
			"parameters": {"type": "object", "required": ["town"], "properties": {
			"town": {"type": "string"}, "days": {"type": "integer"}, "at": {"type": "number"},
			"mode": {"enum": ["<a>", "b"]}}}}}]`),
		AddGenerationPrompt: true,
		Variables:           []byte(`{"enable_thinking": false, "messages": "not these"}`),
	}},
	{"two users in a row", Input{
		Messages: []ask.Message{{Role: "user", Content: "One"}, {Role: "user", Content: "Two"}},
	}},
}

func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.jinja")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, path := range append(paths, "testdata/builtin") {
		source := ""
		if path != "testdata/builtin" {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			source = strings.TrimSuffix(string(data), "\n")
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			golden(t, strings.TrimSuffix(path, ".jinja")+".golden", transcript(t, source))
		})
	}
}

// transcript renders all conversations by one template.
func transcript(t *testing.T, source string) string {
	template, err := New(source, "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, c := range conversations {
		text, err := template.text(c.input)
		if err != nil {
			text = "error: " + err.Error()
		}
		all.WriteString("=== " + c.name + "\n" + text + "\n")
	}
	return all.String()
}

// golden compares a transcript with the file, or writes it with -rewrite.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with go test -rewrite", err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestProbe(t *testing.T) {
	tests := map[string]struct{ parts, argumentsAsText bool }{
		"llama2": {}, "llama3": {}, "mistral": {}, "macros": {},
		"parts":         {parts: true},
		"textarguments": {argumentsAsText: true},
	}
	for name, want := range tests {
		source, err := os.ReadFile("testdata/" + name + ".jinja")
		if err != nil {
			t.Fatal(err)
		}
		template, err := New(string(source), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if template.wantsParts != want.parts || template.wantsArgumentsAsText != want.argumentsAsText {
			t.Errorf("%s: parts %t, arguments as text %t", name, template.wantsParts, template.wantsArgumentsAsText)
		}
	}
}

func TestRaiseException(t *testing.T) {
	template, err := New(`{% if not messages %}{{ raise_exception('no ' ~ 'messages') }}{% endif %}`, "", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.text(Input{})
	var refused *RenderError
	if !errors.As(err, &refused) || !refused.BadRequest || refused.Message != "no messages" {
		t.Errorf("Render: %#v", err)
	}
}

func TestBadInput(t *testing.T) {
	template, err := New("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	deep := []byte(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	tests := map[string]Input{
		"tools: bad JSON":      {Tools: []byte(`[{"a": }]`)},
		"something follows":    {Tools: []byte(`[] []`)},
		"nested too deeply":    {Tools: deep},
		"values take more":     {Tools: []byte("[" + strings.Repeat("[],", 1<<21) + "[]]")},
		"duplicate":            {Tools: []byte(`{"a":1,"a":2}`)},
		"variables: bad JSON":  {Variables: []byte(`{`)},
		"no JSON object":       {Variables: []byte(`[1]`)},
		"tool_calls: bad JSON": {Messages: []ask.Message{{ToolCalls: []byte(`nope`)}}},
		"is no array":          {Messages: []ask.Message{{ToolCalls: []byte(`{}`)}}},
	}
	for text, input := range tests {
		_, err := template.text(input)
		var refused *RenderError
		if !errors.As(err, &refused) || !refused.BadRequest || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, which lacks %q or does not blame the request", err, text)
		}
	}
}

func TestConcurrentRender(t *testing.T) {
	source, err := os.ReadFile("testdata/macros.jinja")
	if err != nil {
		t.Fatal(err)
	}
	template, err := New(string(source), "", "")
	if err != nil {
		t.Fatal(err)
	}
	want, err := template.text(conversations[2].input)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got, err := template.text(conversations[2].input); got != want || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}
