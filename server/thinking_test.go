package server_test

import (
	"encoding/json/v2"
	"io"
	"net/http"
	"strings"
	"testing"
)

// posted returns what a server answers.
func posted(t *testing.T, url, body string) string {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v: %s: %s", body, err, response.Status, text)
	}
	return string(text)
}

// A budget of each dialect ends what the model thinks, streamed or not.
func TestThinkingBudgets(t *testing.T) {
	const reply = "hmm, so on and on." // what stands in the place of the end of the thought is not said
	url := serveThinker(t, reply)
	for _, stream := range []string{"false", "true"} {
		body := `{"model":"tiny","max_tokens":100,"stream":` + stream + `,"messages":[{"role":"user","content":"Hi"}],`
		text := posted(t, url+"/v1/messages", body+`"thinking":{"type":"enabled","budget_tokens":3}}`)
		for _, chat := range []string{
			`"reasoning_budget":3`, `"thinking_budget_tokens":3`, `"reasoning":{"max_tokens":3}`, `"thinking":{"type":"enabled","budget_tokens":3}`,
		} {
			text += posted(t, url+"/v1/chat/completions", body+chat+`,"chat_template_kwargs":{"enable_thinking":true}}`)
		}
		if stream == "true" {
			text = joined(t, text)
		}
		want := reply[len("hmm</think>"):]
		for _, part := range []string{"hmm", want} {
			if n := strings.Count(text, `"`+part+`"`) + strings.Count(text, "«"+part+"»"); n != 5 && stream == "false" || n == 0 {
				t.Errorf("stream %s: %d times %q in %s", stream, n, part, text)
			}
		}
		if strings.Contains(text, "hmm,") || strings.Contains(text, "/think") {
			t.Errorf("stream %s: %s", stream, text)
		}
	}
}

// joined puts the pieces of streams together, each answer's thought and text in
// marks.
func joined(t *testing.T, frames string) string {
	t.Helper()
	var thoughts, texts strings.Builder
	for line := range strings.Lines(frames) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var frame struct {
			Delta struct {
				Text     string `json:"text"`
				Thinking string `json:"thinking"`
			} `json:"delta"`
			Choices []struct {
				Delta struct {
					Content   string `json:"content"`
					Reasoning string `json:"reasoning_content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal([]byte(data), &frame); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		thoughts.WriteString(frame.Delta.Thinking)
		texts.WriteString(frame.Delta.Text)
		for _, c := range frame.Choices {
			thoughts.WriteString(c.Delta.Reasoning)
			texts.WriteString(c.Delta.Content)
		}
	}
	if n := strings.Count(thoughts.String(), "hmm"); n != 5 {
		t.Errorf("%d thoughts: %q", n, thoughts.String())
	}
	return "«" + thoughts.String()[:len(thoughts.String())/5] + "»«" + texts.String()[:len(texts.String())/5] + "»"
}

// A call that a model makes of its own will is what its tool takes, and the same
// streamed and not, at a temperature of 1.
func TestCallsOfTheModelsWill(t *testing.T) {
	url := serveThinker(t, `</think>Look. <tool_call>{"name": "f", "arguments": {"n": "much"}}`)
	for _, seed := range []string{"1", "2", "3"} {
		var arguments [2]string
		for i, stream := range []string{"false", "true"} {
			text := posted(t, url+"/v1/chat/completions", `{"model":"tiny","max_tokens":400,"temperature":1,"parallel_tool_calls":false,"seed":`+seed+`,"stream":`+stream+`,
				"messages":[{"role":"user","content":"Hi"}],"chat_template_kwargs":{"enable_thinking":true},
				"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}}]}`)
			for line := range strings.Lines(text) {
				arguments[i] += argumentsIn(t, strings.TrimPrefix(strings.TrimSpace(line), "data: "))
			}
		}
		var given struct{ N *int }
		if err := json.Unmarshal([]byte(arguments[0]), &given, json.MatchCaseInsensitiveNames(true)); err != nil || given.N == nil || arguments[0] != arguments[1] {
			t.Errorf("seed %s: %q, %v", seed, arguments, err)
		}
	}
}

// argumentsIn returns those of the calls in a body or a frame.
func argumentsIn(t *testing.T, body string) (arguments string) {
	t.Helper()
	if body == "" || body == "[DONE]" {
		return ""
	}
	type message struct {
		Calls []struct {
			Function struct{ Arguments string } `json:"function"`
		} `json:"tool_calls"`
	}
	var answer struct {
		Choices []struct{ Message, Delta message } `json:"choices"`
	}
	if err := json.Unmarshal([]byte(body), &answer, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	for _, c := range answer.Choices {
		for _, call := range append(c.Message.Calls, c.Delta.Calls...) {
			arguments += call.Function.Arguments
		}
	}
	return arguments
}
