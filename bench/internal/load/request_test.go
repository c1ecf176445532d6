package load

import (
	"encoding/json"
	"testing"
)

func TestRequestsAskForLogprobs(t *testing.T) {
	five := 5
	for _, c := range []struct {
		logprobs      *int
		chat          bool
		logprobsField any
		topField      any
	}{
		{nil, false, nil, nil},
		{nil, true, nil, nil},
		{&five, false, 5.0, nil},
		{&five, true, true, 5.0},
	} {
		body, err := Request{MaxTokens: 1, Logprobs: c.logprobs}.body(0, c.chat)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Fatal(err)
		}
		if fields["logprobs"] != c.logprobsField || fields["top_logprobs"] != c.topField {
			t.Errorf("chat %t: %s", c.chat, body)
		}
	}
}

func TestRequestsAskForASchema(t *testing.T) {
	const schema = `{"type":"integer"}`
	body, err := Request{MaxTokens: 1, Schema: json.RawMessage(schema)}.body(0, false)
	if err != nil {
		t.Fatal(err)
	}
	var asked struct {
		ResponseFormat struct {
			Type       string
			JSONSchema struct{ Schema json.RawMessage } `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		t.Fatal(err)
	}
	if f := asked.ResponseFormat; f.Type != "json_schema" || string(f.JSONSchema.Schema) != schema {
		t.Errorf("asked for %+v", f)
	}
}

func TestPromptsAreNumbered(t *testing.T) {
	r := Request{Prompt: "Hello"}
	last := r.NumberedPrompt(3)
	r.NumberFirst = true
	if first := r.NumberedPrompt(3); last != "Hello 3" || first != "3 Hello" {
		t.Errorf("%q, %q", last, first)
	}
}
