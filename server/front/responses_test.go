package front_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate/generatetest"
)

const responsesPath = "/v1/responses"

func TestTranscriptsOfResponses(t *testing.T) {
	for _, test := range []struct {
		name, body string
		generator  *generatetest.Generator
	}{
		{"response", `{"input":"hi","temperature":0}`, &generatetest.Generator{Reply: "Hi€\"!"}},
		{"response-stream", `{"input":"hi","temperature":0,"stream":true}`, &generatetest.Generator{Reply: "Hi€\"!"}},
		{
			"response-fields", `{"model":"x","input":[{"role":"user","content":"hi"}],"instructions":"be brief","max_output_tokens":2,"temperature":0.5,"top_p":0.25,` +
				`"metadata":{"a":"b"},"store":true,"reasoning":{"effort":"low"},"text":{"format":{"type":"json_object"}},` +
				`"tools":[{"type":"function","name":"look","parameters":{},"strict":true}],"tool_choice":"none","parallel_tool_calls":false}`,
			&generatetest.Generator{Reply: "abc"},
		},
		{"response-tools", `{"input":"hi","temperature":0}`, thoughtful("")},
		{"response-hidden", `{"input":"hi","temperature":0,"reasoning":{"exclude":true}}`, thoughtful("")},
		{"response-tools-stream", `{"input":"hi","temperature":0,"stream":true}`, thoughtful("")},
		{"response-empty-stream", `{"input":"hi","temperature":0,"stream":true}`, &generatetest.Generator{}},
		{"response-logprobs", `{"input":"hi","temperature":0,"top_logprobs":1,"max_output_tokens":2}`, &generatetest.Generator{Reply: "abc"}},
		{
			"response-logprobs-stream", `{"input":"hi","temperature":0,"include":["message.output_text.logprobs"],"max_output_tokens":2,"stream":true}`,
			&generatetest.Generator{Reply: "abc"},
		},
		{
			"response-failed-stream", `{"input":"hi","temperature":0,"stream":true}`,
			&generatetest.Generator{Reply: "abc", Fail: map[int]*ask.Fault{1: {Kind: ask.EngineStuck, What: "stuck", Remedy: "wait"}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.generator, nil)
			status, _, body := s.post(t, responsesPath, test.body)
			if status != http.StatusOK {
				t.Fatalf("status %d: %q", status, body)
			}
			golden(t, test.name, body)
		})
	}
}

// The last event of a stream has what is answered without one, events are
// numbered, and their deltas are what they say when they are done.
func TestStreamedResponseEqualsWhole(t *testing.T) {
	for name, generator := range map[string]func() *generatetest.Generator{
		"text":  func() *generatetest.Generator { return &generatetest.Generator{Reply: "one \"two\"\n€"} },
		"tools": func() *generatetest.Generator { return thoughtful("and so on") },
		"empty": func() *generatetest.Generator { return &generatetest.Generator{} },
	} {
		for _, more := range []string{``, `,"max_output_tokens":3`, `,"include":["message.output_text.logprobs"],"top_logprobs":2`, `,"stop":"w"`} {
			t.Run(name+more, func(t *testing.T) {
				request := `{"input":"hi","temperature":0` + more
				_, _, whole := serve(t, generator(), nil).post(t, responsesPath, request+`}`)
				_, _, stream := serve(t, generator(), nil).post(t, responsesPath, request+`,"stream":true}`)
				if got, want := lastResponse(t, stream), whole; masked(got) != masked(want) {
					t.Errorf("streamed\n%s\nwhole\n%s", masked(got), masked(want))
				}
			})
		}
	}
}

func masked(s string) string {
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.with)
	}
	return s
}

// lastResponse checks the events of a stream and returns the response of the last.
func lastResponse(t *testing.T, stream string) string {
	t.Helper()
	deltas := map[string]string{}
	var last string
	for i, frame := range strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(frame, "event: "), "\ndata: ")
		var e struct {
			Type      string         `json:"type"`
			Number    int            `json:"sequence_number"`
			ItemID    string         `json:"item_id"`
			Delta     string         `json:"delta"`
			Text      string         `json:"text"`
			Arguments string         `json:"arguments"`
			Response  jsontext.Value `json:"response"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil || !ok || e.Type != name || e.Number != i {
			t.Fatalf("event %d: %q: %v", i, frame, err)
		}
		deltas[e.ItemID] += e.Delta
		if strings.HasSuffix(name, "text.done") || strings.HasSuffix(name, "arguments.done") {
			if said := e.Text + e.Arguments; said != deltas[e.ItemID] {
				t.Errorf("%s says %q, its deltas %q", name, said, deltas[e.ItemID])
			}
		}
		last = string(e.Response)
	}
	return last
}

func TestResponseInput(t *testing.T) {
	var got *ask.Request
	s := serve(t, &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		got = r
		return nil
	}}, nil)
	for input, want := range map[string]string{
		`"hi"`: `user:hi`,
		`[{"role":"developer","content":"a"},{"type":"message","role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]}]`: `system:a user:[b c]`,
		`[{"role":"user","content":"q"},{"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},` +
			`{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"x\":1}","status":"completed"},` +
			`{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},` +
			`{"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]}]`: `user:q assistant:(hm)[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}] tool:one->c1 tool:[two]->c2`,
		`[{"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}]},` +
			`{"type":"function_call","call_id":"c","name":"f","arguments":""},{"role":"user","content":"b"}]`: `assistant:[a][{"id":"c","type":"function","function":{"name":"f","arguments":""}}] user:b`,
		`[{"type":"reasoning","summary":[{"text":"for"},{"text":"got"}]},{"role":"user","content":"q"},{"type":"reasoning","summary":[{"text":"one"}]},{"type":"reasoning","summary":[]},` +
			`{"type":"reasoning","content":[{"type":"reasoning_text","text":"two"}]},{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]`: "user:q assistant:a(one\ntwo) assistant:b",
	} {
		status, _, body := s.post(t, responsesPath, `{"input":`+input+`}`)
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %s", input, status, body)
			continue
		}
		var told []string
		for _, m := range got.Messages {
			one := m.Role + ":" + m.Content
			if m.Reasoning != "" {
				one += "(" + m.Reasoning + ")"
			}
			if m.Parts != nil {
				one += fmt.Sprint(m.Parts)
			}
			one += string(m.ToolCalls)
			if m.ToolCallID != "" {
				one += "->" + m.ToolCallID
			}
			told = append(told, one)
		}
		if line := strings.Join(told, " "); line != want {
			t.Errorf("%s: got\n%s\nwant\n%s", input, line, want)
		}
	}
}

func TestRefusedResponses(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for fields, want := range map[string]struct{ param, text string }{
		`"stream":false`: {"input", "required"},
		`"input":""`:     {"input", "required"},
		`"input":7`:      {"input", "number"},
		`"input":[7]`:    {"input[0]", "number"},
		`"input":[{"role":"robot","content":"x"}]`:                                     {"input[0].role", "robot"},
		`"input":[{"content":"x"}]`:                                                    {"input[0].role", "required"},
		`"input":[{"type":"item_reference","id":"x"}]`:                                 {"input[0].type", "not stored"},
		`"input":[{"type":"computer_call"}]`:                                           {"input[0].type", "computer_call"},
		`"input":[{"type":"function_call","name":"x"}]`:                                {"input[0]", "call_id"},
		`"input":[{"type":"function_call_output"}]`:                                    {"input[0].call_id", "required"},
		`"input":"x","previous_response_id":"resp_1"`:                                  {"previous_response_id", "whole conversation"},
		`"input":"x","conversation":"c"`:                                               {"conversation", "whole conversation"},
		`"input":"x","background":true`:                                                {"background", "not stored"},
		`"input":"x","tools":[{"type":"web_search"}]`:                                  {"tools[0].type", "web_search"},
		`"input":"x","max_output_tokens":0`:                                            {"max_output_tokens", "1 to"},
		`"input":"x","text":{"format":{"type":"xml"}}`:                                 {"text.format.type", "xml"},
		`"input":"x","text":{"verbosity":"loud"}`:                                      {"text.verbosity", "loud"},
		`"input":"x","reasoning":{"effort":"huge"}`:                                    {"reasoning.effort", "huge"},
		`"input":"x","mirostats":1`:                                                    {"mirostats", "unknown"},
		`"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]`: {"input[0].content", "text only"},
	} {
		status, _, body := s.post(t, responsesPath, `{`+fields+`}`)
		if e := decodeError(t, body); status != http.StatusBadRequest || e.Param != want.param || !strings.Contains(e.Message, want.text) {
			t.Errorf("%s: status %d, %+v", fields, status, e)
		}
	}
}

func TestNothingIsStored(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for _, request := range []string{
		"GET /v1/responses/resp_1", "DELETE /v1/responses/resp_1", "POST /v1/responses/resp_1/cancel",
		"GET /v1/responses/resp_1/input_items", "GET /v1/chat/completions/chatcmpl-1", "GET /v1/chat/completions/chatcmpl-1/messages",
	} {
		method, path, _ := strings.Cut(request, " ")
		status, _, body := s.do(t, method, path, "", nil)
		if e := decodeError(t, body); status != http.StatusNotFound || e.Code != "not_found" || !strings.Contains(e.Message, "not stored") {
			t.Errorf("%s: status %d, %+v", request, status, e)
		}
	}
}

func TestUnservedPathsSayWhatTheyAre(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for path, text := range map[string]string{
		"/v1/audio/speech": "speech", "/v1/images/generations": "images", "/v1/files": "messages", "/v1/files/x": "messages",
		"/v1/moderations": "classify", "/v1/batches": "batched", "/v1/responses/compact": "summary", "/v1/threads/x/runs": "conversation",
	} {
		status, _, body := s.post(t, path, `{}`)
		e := decodeError(t, body)
		if status != http.StatusNotImplemented || e.Code != "not_supported" || !strings.Contains(e.Message, text) || !strings.Contains(e.Message, "not supported") {
			t.Errorf("%s: status %d, %+v", path, status, e)
		}
	}
}
