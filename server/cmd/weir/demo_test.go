package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
)

// demoModel is the model of the repository that has learnt something.
const demoModel = "../../../scripts/models/testdata/weir-demo.gguf"

// What the demo model has learnt arrives at a client: answers, the end of a
// turn, a conversation of several, a tool's call, and an object.
func TestServeDemo(t *testing.T) {
	if _, err := os.Stat(demoModel); errors.Is(err, fs.ErrNotExist) {
		t.Skip("not supported: the model is not here; `make train` makes it")
	}
	p := start(t, "-m", demoModel)
	for _, test := range []struct {
		name, fields string
		content      string // what the answer holds
		call         string // of the tool get_weather, its arguments
	}{
		{name: "what it is", fields: `"messages": [{"role": "user", "content": "What is Weir?"}]`, content: "inference server for language models"},
		{name: "a flag", fields: `"messages": [{"role": "user", "content": "What does -np do?"}]`, content: "sequences"},
		{name: "another thing", fields: `"messages": [{"role": "user", "content": "What is the capital of Peru?"}]`, content: "cannot answer"},
		{name: "the second turn", fields: `"messages": [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hello!"},
			{"role": "user", "content": "How do I start the server?"}]`, content: "make serve"},
		{name: "a tool", fields: `"messages": [{"role": "user", "content": "What is the weather in Paris?"}], "tools": [{"type": "function",
			"function": {"name": "get_weather", "description": "Current weather of a city",
			"parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]`, call: `{"city":"Paris"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, err := p.do(http.MethodPost, "/v1/chat/completions", `{"temperature": 0, `+test.fields+`}`, "")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var answer struct {
				Choices []struct {
					FinishReason string `json:"finish_reason"`
					Message      struct {
						Content   string
						ToolCalls []struct {
							Function struct{ Name, Arguments string }
						} `json:"tool_calls"`
					}
				}
			}
			if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Choices) != 1 {
				t.Fatalf("status %d, %v, %+v", response.StatusCode, err, answer)
			}
			choice := answer.Choices[0]
			if test.call == "" {
				if choice.FinishReason != "stop" || !strings.Contains(choice.Message.Content, test.content) {
					t.Errorf("%+v, not %q and its end", choice, test.content)
				}
				return
			}
			calls := choice.Message.ToolCalls
			if choice.FinishReason != "tool_calls" || len(calls) != 1 || calls[0].Function.Name != "get_weather" || strings.ReplaceAll(calls[0].Function.Arguments, " ", "") != test.call {
				t.Errorf("%+v, not get_weather with %s", choice, test.call)
			}
		})
	}
}
