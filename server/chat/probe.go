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

// probe finds out what the template expects by rendering small conversations.
// A template that renders none of them keeps the usual form: text, objects.
func (t *Template) probe() {
	const needle = "needle-7c21"
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
	called := func(arguments string) ask.Message {
		return ask.Message{Role: "assistant", ToolCalls: []byte(
			`[{"id":"call_one1","type":"function","function":{"name":"f","arguments":` + arguments + `}}]`)}
	}
	asObject := called(`{"` + needle + `":1}`)
	asText := called(`"{\"` + needle + `\":1}"`)
	if !found(question, asObject) {
		t.wantsArgumentsAsText = true
		t.wantsArgumentsAsText = found(question, asText)
	}
}
