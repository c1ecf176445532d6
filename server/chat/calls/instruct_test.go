package calls

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestInstruct(t *testing.T) {
	f := Detect("{{ messages }}", false)
	if f.Native() || f.Name() != "generic" || f.Reasons() {
		t.Fatalf("%+v", f)
	}
	messages := []ask.Message{
		{Role: "user", Content: "Weather?"},
		{Role: "assistant", Content: "I look.", ToolCalls: []byte(`[{"id":"1","function":{"name":"weather","arguments":"{\"town\":\"A\"}"}},{"function":{"name":"f","arguments":{}}}]`)},
		{Role: "tool", Name: "weather", Content: "sun\n"}, {Role: "tool", Parts: []string{"a", "b"}},
		{Role: "assistant", Content: "Sun."},
	}
	got := f.Instruct(messages, tools, true)
	want := []string{
		"system:You may call tools.",
		"user:Weather?",
		"assistant:I look.\n" + `{"tool_calls": [{"name": "weather", "arguments": {"town":"A"}}, {"name": "f", "arguments": {}}]}`,
		`user:{"tool_response": {"name": "weather", "content": "sun\n"}}` + "\n" + `{"tool_response": {"content": "a\nb"}}`,
		"assistant:Sun.",
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, m := range got {
		if text := m.Role + ":" + m.Content; i == 0 && !strings.HasPrefix(text, want[0]) || i > 0 && text != want[i] || m.ToolCalls != nil {
			t.Errorf("message %d: %s", i, text)
		}
	}
	for _, part := range []string{`{"name": "weather", "parameters": {"type":"object",`, `{"name": "f", "parameters": {}}`} {
		if !strings.Contains(got[0].Content, part) {
			t.Errorf("no %s in %s", part, got[0].Content)
		}
	}
	if messages[1].ToolCalls == nil || messages[0].Content != "Weather?" {
		t.Error("the request was changed")
	}
	// What was called before reads as a call.
	if said := parse(t, f, Options{Tools: tools}, strings.TrimPrefix(got[2].Content, "I look.\n"), 1, false); said != "call 0 weather {\"town\":\"A\"}\ncall 1 f {}" {
		t.Error(said)
	}
	for _, c := range []struct {
		messages []ask.Message
		system   bool
		want     string
	}{
		{[]ask.Message{{Role: "system", Parts: []string{"Be", "brief"}}}, false, "system:Be\nbrief\n\nYou may"},
		{[]ask.Message{{Role: "user", Content: "Hi"}}, false, "user:You may"},
		{nil, false, "user:You may"},
		{nil, true, "system:You may"},
	} {
		got := f.Instruct(c.messages, tools, c.system)
		if len(got) != 1 || !strings.HasPrefix(got[0].Role+":"+got[0].Content, c.want) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	if got := f.Instruct([]ask.Message{{ToolCalls: []byte("no")}}, nil, true); len(got) != 1 || got[0].ToolCalls == nil {
		t.Errorf("%+v", got) // the template will refuse it
	}
}

func TestDetect(t *testing.T) {
	for name, source := range sources {
		if name == "generic" {
			continue
		}
		f := Detect(source, false)
		if f.Name() != name || f.Native() || !f.bare && !f.harmony {
			t.Errorf("%s without tools: %+v", name, f)
		}
		for _, m := range form(t, name).Markers() {
			if len(m) < 2 {
				t.Errorf("%s: marker %q", name, m)
			}
		}
	}
	if got := strings.Join(form(t, "mistral").Markers(), " "); got != "[/THINK] [ARGS] [CALL_ID] [THINK] [TOOL_CALLS]" {
		t.Error(got)
	}
}

func TestWhereTheTextBegins(t *testing.T) {
	for _, c := range []struct {
		form, prompt, want string
	}{
		{"hermes", "<|im_start|>assistant\n<think>\n", "</think>"},
		{"hermes", "<|im_start|>assistant\n<think>\n\n</think>\n\n", ""},
		{"hermes", "<|im_start|>assistant\n", ""},
		{"mistral", "[THINK]", "[/THINK]"},
		{"harmony", "<|start|>assistant", "<|channel|>final<|message|>"},
		{"harmony", "<|start|>assistant<|channel|>final<|message|>", ""},
	} {
		if got := strings.Join(form(t, c.form).TextBegins(c.prompt), " "); got != c.want {
			t.Errorf("%s behind %q: %q", c.form, c.prompt, got)
		}
	}
	f := form(t, "hermes")
	for text, want := range map[string]Kind{"": Text, "a": Text, "<think>a": Reasoning, "<think>a</think>b": Text, "<think></think><think>": Reasoning} {
		if got := f.Continues(text); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}
