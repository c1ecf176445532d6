package chat

import (
	"context"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// text renders without pieces.
func (t *Template) text(in Input) (string, error) {
	pieces, err := t.Render(context.Background(), in)
	return Text(pieces), err
}

// needle is looked for in renderings of it.
const needle = "needle-7c21"

// probe finds out what the template expects by rendering small conversations.
// A template that renders none of them keeps the usual form: text, objects.
func (t *Template) probe() {
	found := func(m ...ask.Message) bool {
		text, err := t.text(Input{Messages: m, AddGenerationPrompt: true})
		// A quote in front: an object that was printed as Python does, where
		// the template meant to print a string.
		return err == nil && strings.Contains(text, needle) && !strings.Contains(text, "'"+needle)
	}
	question := ask.Message{Role: "user", Content: needle}
	if !found(question) {
		t.wantsParts = true
		t.wantsParts = found(question)
	}

	question.Content = "question"
	called := func(before, arguments string) ask.Message {
		return ask.Message{Role: "assistant", ToolCalls: []byte(
			`[` + before + `{"id":"call_one1","type":"function","function":{"name":"f","arguments":` + arguments + `}}]`)}
	}
	asObject, asText := `{"`+needle+`":1}`, `"{\"`+needle+`\":1}"`
	for _, form := range []struct{ noContent, asText bool }{{false, false}, {false, true}, {true, false}, {true, true}, {}} {
		t.wantsNoContent, t.wantsArgumentsAsText = form.noContent, form.asText
		arguments := asObject
		if form.asText {
			arguments = asText
		}
		if found(question, called("", arguments)) {
			other := `{"id":"call_two2","type":"function","function":{"name":"g","arguments":` + strings.ReplaceAll(arguments, needle, "other") + `}},`
			t.oneCall = !found(question, called(other, arguments))
			t.probeIDs(found, question, called("", arguments))
			break
		}
	}
	t.takesSystem = found(ask.Message{Role: "system", Content: needle}, question)
	text, err := t.text(Input{
		Messages: []ask.Message{question}, AddGenerationPrompt: true,
		Tools: Tools([]ask.Tool{{Name: needle, Description: "d"}}),
	})
	t.takesTools = err == nil && strings.Contains(text, needle)
}

// probeIDs finds out whether the template refuses identities as clients send them.
func (t *Template) probeIDs(found func(...ask.Message) bool, question, call ask.Message) {
	long := call
	long.ToolCalls = []byte(strings.ReplaceAll(string(call.ToolCalls), "call_one1", "call_0123456789abcdef"))
	answer := ask.Message{Role: "tool", Name: "f", Content: "answer", ToolCallID: "call_0123456789abcdef"}
	if !found(question, long, answer) {
		t.wantsNineIDs = true
		t.wantsNineIDs = found(question, long, answer)
	}
}

// read finds in the template's source what renderings do not show.
func (t *Template) read() {
	for _, key := range []string{"reasoning_content", "reasoning", "thinking"} {
		if readsField(t.source, key) {
			t.reasoningKeys = append(t.reasoningKeys, key)
		}
	}
	if len(t.reasoningKeys) == 0 || t.reasoningKeys[0] == "thinking" {
		t.thinkingParts = strings.Contains(t.source, "[THINK]") && strings.Contains(t.source, "thinking")
	}
	if t.thinkingParts {
		t.reasoningKeys = nil // the word is a part's type
	}
	t.eitherOne = strings.Contains(t.source, "Cannot pass both content and thinking")
}

// readsField reports whether a source has .name, 'name' or "name".
func readsField(source, name string) bool {
	for rest := source; ; {
		at := strings.Index(rest, name)
		if at < 0 {
			return false
		}
		before, after := byte(' '), byte(' ')
		if at > 0 {
			before = rest[at-1]
		}
		if rest = rest[at+len(name):]; rest != "" {
			after = rest[0]
		}
		letter := after == '_' || 'a' <= after|0x20 && after|0x20 <= 'z'
		if before == '.' && !letter || (before == '\'' || before == '"') && after == before {
			return true
		}
	}
}
