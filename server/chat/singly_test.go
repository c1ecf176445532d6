package chat

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestCallsOneByOne(t *testing.T) {
	const each = `{% for m in messages %}<{{ m.role }}>{{ m.reasoning_content }}{{ m.content }}{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}` +
		`{{ raise_exception('one') }}{% endif %}{{ m.tool_calls[0].function.name }}{{ m.tool_calls[0].function.arguments | tojson }}{% endif %}{% endfor %}`
	const all = `{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}`
	messages := []ask.Message{
		{Role: "user", Content: "q"},
		{Role: "assistant", Content: "c", Reasoning: "r", ToolCalls: []byte(`[{"id":"1","function":{"name":"a","arguments":"{}"}},{"id":"2","function":{"name":"b","arguments":"{\"x\":1}"}},{"id":"3","function":{"name":"c","arguments":{}}}]`)},
		{Role: "tool", ToolCallID: "2", Content: "B"}, {Role: "tool", ToolCallID: "1", Content: "A"}, {Role: "tool", ToolCallID: "9", Content: "X"},
		{Role: "assistant", ToolCalls: []byte(`[{"id":"4","function":{"name":"d","arguments":{}}}]`)},
	}
	for source, want := range map[string]string{
		each: `<user>q<assistant>rca{}<tool>A<assistant>b{"x": 1}<tool>B<assistant>c{}<tool>X<assistant>d{}`,
		all:  `<user>q<assistant>ca{}b{"x": 1}c{}<tool>B<tool>A<tool>X<assistant>d{}`,
	} {
		template, err := New(source, "", "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.text(Input{Messages: messages})
		if err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	template, err := New(each, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, calls := range []string{`{}`, `[`, `[]`, `[1,2]`} {
		got, err := template.text(Input{Messages: []ask.Message{{Role: "assistant", ToolCalls: []byte(calls)}}})
		t.Log(calls, got, err) // what matters is that it ends
	}
}

// Some templates refuse identities that are not nine letters and digits.
func TestNineLetters(t *testing.T) {
	const source = `{% for m in messages %}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}{{ raise_exception('nine') }}{% endif %}` +
		`[{{ c.id }} {{ c.function.arguments | tojson }}]{% endfor %}{% if m.tool_call_id is defined %}{{ m.tool_call_id }}{% endif %}{{ m.content }}{% endfor %}`
	template, err := New(source, "", "")
	if err != nil {
		t.Fatal(err)
	}
	render := func(id string) string {
		got, err := template.text(Input{Messages: []ask.Message{
			{Role: "assistant", ToolCalls: []byte(`[{"id":"` + id + `","function":{"name":"f","arguments":"{}"}}]`)}, {Role: "tool", ToolCallID: id, Content: "x"},
		}})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := render("abcDEF123"); got != "[abcDEF123 {}]abcDEF123x" {
		t.Error(got)
	}
	for _, id := range []string{"call_1", "call_abcdefghijklmnop", "é", "a-b-c-d-e"} {
		short := nine(id)
		if got := render(id); got != "["+short+" {}]"+short+"x" || len(short) != nineBytes {
			t.Errorf("%s: %s", id, got)
		}
	}
	if nine("call_1") == nine("call_2") {
		t.Error("two calls have the same identity")
	}
}
