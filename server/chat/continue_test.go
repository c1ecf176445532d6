package chat

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// A message that goes on is the rendering of a whole one, up to where its text
// ends: what transformers' continue_final_message gives.
func TestContinue(t *testing.T) {
	folder := os.Getenv("WEIR_VOCAB")
	if folder == "" {
		folder = "../../build/vocab"
	}
	templates := publishedTemplates(t, folder)
	paths, _ := filepath.Glob("testdata/*.jinja")
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		templates[path] = string(source)
	}
	templates["built in"] = ChatML
	for name, source := range templates {
		template, err := New(source, "<s>", "</s>")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, content := range []string{"Once upon", "e", "Once upon a time ", "a " + openEnd + "b", "<|im_end|>"} {
			in := Input{Messages: []ask.Message{{Role: "user", Content: "Tell"}, {Role: "assistant", Content: content}}}
			whole, err := template.text(in)
			if err != nil {
				continue // not every template takes every content
			}
			in.Continue = true
			pieces, err := template.Render(context.Background(), in)
			open := Text(pieces)
			if strings.Count(whole, "Tell") == 0 || !strings.Contains(whole, content[:1]) {
				continue // it shows no messages
			}
			if err != nil || !strings.HasPrefix(whole, open) || !strings.HasSuffix(open, strings.TrimSpace(content)) && !strings.HasSuffix(open, content) {
				t.Errorf("%s, %q: %q, %v of %q", name, content, open, err, whole)
			}
			if len(pieces) == 0 || pieces[len(pieces)-1].Trusted {
				t.Errorf("%s, %q: the end is the template's", name, content)
			}
		}
	}
}

func TestContinueRefuses(t *testing.T) {
	const first = `{% for m in messages %}{{ m.role }}:{% if loop.first %}{{ m.content }}{% endif %};{% endfor %}`
	for _, c := range []struct {
		source, want string
		messages     []ask.Message
	}{
		{ChatML, "only a last message of the assistant", nil},
		{ChatML, "only a last message of the assistant", []ask.Message{{Role: "user", Content: "x"}}},
		{ChatML, "calls tools", []ask.Message{{Role: "assistant", ToolCalls: []byte(`[]`)}}},
		{first, "cannot be continued", []ask.Message{{Role: "user", Content: "x"}, {Role: "assistant", Content: "y"}}},
		{ChatML, "cannot be continued", []ask.Message{{Role: "assistant", Reasoning: "y"}}},
	} {
		template, err := New(c.source, "", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = template.Render(t.Context(), Input{Messages: c.messages, Continue: true})
		refused, ok := errors.AsType[*RenderError](err)
		if !ok || !refused.BadRequest || !strings.Contains(refused.Message, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

const thinker = `{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}` +
	`{{ m.content | trim }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`

func TestContinueWhere(t *testing.T) {
	template, err := New(thinker, "", "")
	if err != nil {
		t.Fatal(err)
	}
	question := ask.Message{Role: "user", Content: "q"}
	for _, c := range []struct {
		last ask.Message
		want string
		goes Continues
	}{
		{ask.Message{Content: "a b "}, "<user>q<end><assistant>a b", ContinuesContent},
		{ask.Message{Content: "a\u00a0\x1f\n"}, "<user>q<end><assistant>a", ContinuesContent},
		{ask.Message{Content: "a", Reasoning: "r"}, "<user>q<end><assistant><think>r</think>a", ContinuesContent},
		{ask.Message{Reasoning: "r "}, "<user>q<end><assistant><think>r ", ContinuesReasoning},
		{ask.Message{}, "<user>q<end><assistant>", ContinuesNothing},
		{ask.Message{Parts: []string{"a", "b"}}, "<user>q<end><assistant>a\nb", ContinuesContent},
	} {
		c.last.Role = "assistant"
		messages := []ask.Message{question, c.last}
		got, err := template.text(Input{Messages: messages, Continue: true})
		if err != nil || got != c.want || Continued(messages) != c.goes {
			t.Errorf("%+v: %q, %v, %d", c.last, got, err, Continued(messages))
		}
		if strings.Contains(messages[1].Content+strings.Join(messages[1].Parts, ""), openEnd) {
			t.Errorf("%+v: the request was changed", messages[1])
		}
	}
}

func TestReasoningGoesWhereItIsRead(t *testing.T) {
	message := ask.Message{Role: "assistant", Content: "c", Reasoning: "r"}
	for source, want := range map[string]string{
		`{{ messages[0].reasoning_content }}{{ messages[0].content }}`:                                    "rc",
		`{{ messages[0]['reasoning'] }}{{ messages[0].content }}`:                                         "rc",
		`{{ messages[0]["thinking"] }}{{ messages[0].content }}`:                                          "rc",
		`{{ 'thinking' in messages[0] }}`:                                                                 "True",
		`{{ messages[0] | length }}`:                                                                      "2",
		`[THINK]{# thinking #}{% for b in messages[0].content %}{{ b.type }}{{ b[b.type] }} {% endfor %}`: "[THINK]thinkingr textc ",
	} {
		template, err := New(source, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.text(Input{Messages: []ask.Message{message}}); got != want || err != nil {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
}

func TestWhatTemplatesTake(t *testing.T) {
	for source, want := range map[string][3]bool{
		ChatML:  {true, true, false},
		thinker: {false, true, false},
		`{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ m.content }}{% endfor %}`: {},
		`{% for m in messages %}{% if m.content is none %}{{ m.tool_calls[0].function.arguments }}{% endif %}{% endfor %}`:    {false, false, true},
	} {
		template, err := New(source, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{template.TakesTools(), template.TakesSystem(), template.wantsNoContent}; got != want || template.Source() != source {
			t.Errorf("%s: %v, not %v", source, got, want)
		}
	}
}

func TestTools(t *testing.T) {
	got := string(Tools([]ask.Tool{
		{Name: `a"b`, Description: "d\n\xff", Parameters: []byte(`{"z":1,"a":2}`)}, {Name: "n"},
	}))
	want := `[{"type":"function","function":{"name":"a\"b","description":"d\n` + "\ufffd" + `","parameters":{"z":1,"a":2}}},` +
		`{"type":"function","function":{"name":"n","description":"","parameters":{"type":"object","properties":{}}}}]`
	if got != want || Tools(nil) != nil {
		t.Errorf("%s", got)
	}
}
