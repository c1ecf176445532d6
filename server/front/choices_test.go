package front_test

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// thoughtful is a generator that thinks, says "ok" and then calls two tools.
func thoughtful(reply string) *generatetest.Generator {
	call := func(index int, id, name, arguments string) ask.Event {
		return ask.Event{Calls: []ask.CallPiece{{Index: index, ID: id, Name: name, Arguments: []byte(arguments)}}}
	}
	return &generatetest.Generator{Reply: reply, Before: []ask.Event{
		{Reasoning: []byte("hm\n")},
		{Reasoning: []byte("€"), Text: []byte("Let me")},
		call(0, "call_1", "look", ``), call(0, "", "", `{"a":`), call(0, "", "", `"é"}`),
		call(1, "call_2", "go", `{}`),
	}}
}

const tools = `"tools":[{"type":"function","function":{"name":"look"}},{"type":"function","function":{"name":"go"}}]`

func TestTranscriptsOfChoices(t *testing.T) {
	const chat, completion = "/v1/chat/completions", "/v1/completions"
	for _, test := range []struct{ name, path, body string }{
		{"tools", chat, `{` + hello + `,` + tools + `}`},
		{"tools-stream", chat, `{` + hello + `,` + tools + `,"stream":true,"stream_options":{"include_usage":true}}`},
		{"tools-legacy", chat, `{` + hello + `,"functions":[{"name":"look"}]}`},
		{"tools-legacy-stream", chat, `{` + hello + `,"functions":[{"name":"look"}],"stream":true}`},
		{"reasoning-hidden", chat, `{` + hello + `,"include_reasoning":false}`},
		{"reasoning-hidden-stream", chat, `{` + hello + `,"include_reasoning":false,"stream":true}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, thoughtful(""), nil)
			status, _, body := s.post(t, test.path, test.body)
			if status != http.StatusOK {
				t.Fatalf("status %d: %q", status, body)
			}
			golden(t, test.name, body)
		})
	}
	for _, test := range []struct{ name, path, body string }{
		{"choices", chat, `{` + hello + `,"n":2,"seed":1}`},
		{"choices-logprobs", chat, `{` + hello + `,"n":2,"seed":1,"logprobs":true,"top_logprobs":1,"max_tokens":1}`},
		{"prompts", completion, `{"prompt":["a","bc"],"n":2,"seed":1}`},
		{"echo", completion, `{"prompt":"é","echo":true,"max_tokens":1}`},
		{"echo-logprobs", completion, `{"prompt":"ab","echo":true,"max_tokens":1,"logprobs":1}`},
		{"echo-alone", completion, `{"prompt":"ab","echo":true,"max_tokens":0,"logprobs":0}`},
		{"echo-stream", completion, `{"prompt":"é","echo":true,"max_tokens":1,"stream":true}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, numbered("re"), nil)
			status, _, body := s.post(t, test.path, test.body)
			if status != http.StatusOK {
				t.Fatalf("status %d: %q", status, body)
			}
			golden(t, test.name, body)
		})
	}
}

// numbered replies to each request with the number that it has.
func numbered(reply string) *generatetest.Generator {
	var asked atomic.Int64
	return &generatetest.Generator{ReplyTo: func(*ask.Request) string { return fmt.Sprint(reply, asked.Add(1)) }}
}

// message is what a chat's answer has, whole, or from the chunks of a stream.
type message struct {
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content"`
	Calls     []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

type answer struct {
	Choices []struct {
		Index   int     `json:"index"`
		Text    string  `json:"text"`
		Message message `json:"message"`
		Delta   message `json:"delta"`
		Finish  string  `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Details    struct {
			Reasoning int `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
}

// told puts an answer in words: of each choice what it says and how it ends, and
// the usage.
func told(t *testing.T, body string) string {
	t.Helper()
	var parts []answer
	for frame := range strings.SplitSeq(body, "\n\n") {
		frame = strings.TrimPrefix(frame, "data: ")
		if frame == "" || frame == "[DONE]" {
			continue
		}
		var a answer
		if err := json.Unmarshal([]byte(frame), &a); err != nil {
			t.Fatalf("%q: %v", frame, err)
		}
		parts = append(parts, a)
	}
	texts, usage := map[int]string{}, ""
	for _, kind := range []string{"reasoning", "content", "calls", "finish"} {
		for _, p := range parts {
			for _, c := range p.Choices {
				switch kind {
				case "reasoning":
					texts[c.Index] += c.Message.Reasoning + c.Delta.Reasoning
				case "content":
					texts[c.Index] += c.Text + c.Message.Content + c.Delta.Content
				case "calls":
					for _, call := range append(c.Message.Calls, c.Delta.Calls...) {
						if call.ID != "" {
							texts[c.Index] += " " + call.ID + ":" + call.Function.Name
						}
						texts[c.Index] += call.Function.Arguments
					}
				case "finish":
					texts[c.Index] += c.Finish
				}
			}
			if p.Usage != nil {
				usage = fmt.Sprintf("%+v", *p.Usage)
			}
		}
		for i := range texts {
			texts[i] = strings.Trim(texts[i], "|") + "|"
		}
	}
	return fmt.Sprint(texts, usage)
}

// What is streamed and what is not is the same.
func TestStreamEqualsWhole(t *testing.T) {
	for _, test := range []struct {
		path, body string
		generator  func() *generatetest.Generator
		want       string
	}{
		{
			"/v1/chat/completions", hello + `,` + tools, func() *generatetest.Generator { return thoughtful("") },
			`map[0:hm` + "\n" + `€|Let me| call_1:look{"a":"é"} call_2:go{}|tool_calls|]{Prompt:20 Completion:6 Details:{Reasoning:2}}`,
		},
		{
			"/v1/chat/completions", hello, func() *generatetest.Generator { return thoughtful(" and so on") },
			`map[0:hm` + "\n" + `€|Let me and so on| call_1:look{"a":"é"} call_2:go{}|tool_calls|]{Prompt:20 Completion:16 Details:{Reasoning:2}}`,
		},
		{
			"/v1/chat/completions", hello + `,"n":3,"max_tokens":4`, func() *generatetest.Generator { return numbered("éx") },
			`map[0:éx1|stop| 1:éx2|stop| 2:éx3|stop|]{Prompt:20 Completion:12 Details:{Reasoning:0}}`,
		},
		{
			"/v1/completions", `"prompt":["a","bcd","e"],"n":2,"max_tokens":2`, func() *generatetest.Generator { return numbered("é") },
			`map[0:é|length| 1:é|length| 2:é|length| 3:é|length| 4:é|length| 5:é|length|]{Prompt:8 Completion:12 Details:{Reasoning:0}}`,
		},
	} {
		for _, stream := range []string{`false`, `true,"stream_options":{"include_usage":true}`} {
			s := serve(t, test.generator(), nil)
			status, _, body := s.post(t, test.path, `{`+test.body+`,"stream":`+stream+`}`)
			got := told(t, body)
			if status != http.StatusOK || got != test.want {
				t.Errorf("stream %s: status %d\n%s\nwant\n%s", stream, status, got, test.want)
			}
		}
	}
}

// Whatever goes wrong with one of several answers, nothing is left of the others.
func TestAFaultOfOneChoiceEndsAll(t *testing.T) {
	broken := &ask.Fault{Kind: ask.Internal, What: "broken"}
	s := serve(t, &generatetest.Generator{Reply: "abc", Fail: map[int]*ask.Fault{2: broken}}, nil)
	if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"n":3}`); status != 500 {
		t.Errorf("status %d: %s", status, body)
	}
	if _, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"n":3,"stream":true}`); !strings.Contains(body, `"error"`) || strings.Contains(body, "[DONE]") {
		t.Errorf("%s", body)
	}
	asked := 0
	s = serve(t, &generatetest.Generator{Reply: "abc", Refuse: func(*ask.Request) error {
		if asked++; asked == 3 {
			return &ask.Fault{Kind: ask.QueueFull, What: "full"}
		}
		return nil
	}}, nil)
	if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"n":3}`); status != http.StatusTooManyRequests {
		t.Errorf("status %d: %s", status, body)
	}
}

func TestModelNames(t *testing.T) {
	const body = `{"model":"gpt-4",` + hello + `}`
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	if status, _, answer := s.post(t, "/v1/chat/completions", body); status != http.StatusOK || !strings.Contains(answer, `"model":"tiny"`) {
		t.Errorf("status %d: %s", status, answer)
	}
	s = serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.StrictModel = true })
	if status, _, answer := s.post(t, "/v1/chat/completions", body); status != http.StatusNotFound {
		t.Errorf("status %d: %s", status, answer)
	}
}

func TestIgnoredFieldsAreCounted(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for range 2 {
		if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"user":"u","store":false,"n":1}`); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
	}
	_, _, metrics := s.do(t, http.MethodGet, "/metrics", "", nil)
	for _, field := range []string{"user", "store"} {
		if want := `weir_request_fields_ignored_total{field="` + field + `",model_name="tiny"} 2`; !strings.Contains(metrics, want) {
			t.Errorf("no %s, but\n%s", want, linesWith(metrics, "ignored"))
		}
	}
}
