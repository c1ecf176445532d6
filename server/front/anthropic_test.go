package front_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

func anthropicClient(s *service, options ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(s.url), option.WithAPIKey("key"), option.WithMaxRetries(0),
	}, options...)...)
}

func anthropicHello() anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: "tiny", MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hi"))},
	}
}

// Anthropic's own client reads an answer, and puts a stream together to the same.
func TestAnthropicClient(t *testing.T) {
	s, g := serveScript(t, weatherAsked())
	client := anthropicClient(s)
	params := anthropicHello()
	params.System = []anthropic.TextBlockParam{{Text: "be brief"}}
	params.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "weather", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"city": map[string]any{"type": "string"}}},
	}}}
	whole, err := client.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.asked.Messages) != 2 || len(g.asked.Tools) != 1 || string(g.asked.TemplateArgs) != `{"enable_thinking":true}` {
		t.Errorf("asked %+v", g.asked)
	}
	checkWeatherAsked(t, whole)

	stream := client.Messages.NewStreaming(t.Context(), params)
	var all anthropic.Message
	for stream.Next() {
		if err := all.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	checkWeatherAsked(t, &all)

	// What was answered is what the next request says.
	params.Messages = append(params.Messages, all.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock("call_a", "rain", false), anthropic.NewToolResultBlock("call_b", "sun", false)))
	if _, err := client.Messages.New(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	m := g.asked.Messages
	if len(m) != 5 || m[2].Reasoning != "Hm, so." || m[2].Content != "I look." || !strings.Contains(string(m[2].ToolCalls), "Berlin") || m[4].Role != "tool" || m[4].Name != "weather" {
		t.Errorf("asked %+v", m)
	}
}

func checkWeatherAsked(t *testing.T, m *anthropic.Message) {
	t.Helper()
	if len(m.Content) != 4 || m.StopReason != anthropic.StopReasonToolUse || m.Usage.InputTokens != 7 || m.Usage.OutputTokens != 11 {
		t.Fatalf("%s", m.RawJSON())
	}
	if m.Content[0].Thinking != "Hm, so." || m.Content[0].Signature == "" || m.Content[1].Text != "I look." {
		t.Errorf("%+v", m.Content[:2])
	}
	if m.Content[2].ID != "call_a" || string(m.Content[2].Input) != `{"city":"Berlin","n":[1,2]}` || string(m.Content[3].Input) != `{}` {
		t.Errorf("%+v", m.Content[2:])
	}
}

func TestAnthropicStops(t *testing.T) {
	for _, test := range []struct {
		end      ask.End
		reason   anthropic.StopReason
		sequence string
	}{
		{ask.End{}, anthropic.StopReasonEndTurn, ""},
		{ask.End{Reason: ask.FinishLength}, anthropic.StopReasonMaxTokens, ""},
		{ask.End{StopString: "\n"}, anthropic.StopReasonStopSequence, "\n"},
	} {
		s, _ := serveScript(t, []ask.Event{{Text: []byte("x")}, {End: &test.end}})
		client := anthropicClient(s)
		m, err := client.Messages.New(t.Context(), anthropicHello())
		if err != nil || m.StopReason != test.reason || m.StopSequence != test.sequence {
			t.Errorf("%+v: %+v, %v", test.end, m, err)
		}
	}
}

func TestAnthropicCountAndModels(t *testing.T) {
	s := serve(t, &generatetest.Generator{}, nil)
	client := anthropicClient(s)
	n, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: "tiny", Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hi"))},
	})
	if want := int64(len("B[user]hi[assistant]")); err != nil || n.InputTokens != want {
		t.Errorf("%+v, %v, want %d", n, err, want)
	}
	models, err := client.Models.List(t.Context(), anthropic.ModelListParams{})
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "tiny" || models.Data[0].CreatedAt.IsZero() || models.HasMore {
		t.Errorf("%+v, %v", models, err)
	}
	m, err := client.Models.Get(t.Context(), "tiny", anthropic.ModelGetParams{})
	if err != nil || m.ID != "tiny" || m.MaxInputTokens != 512 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, _, body := s.do(t, "GET", "/v1/models", "", nil); !strings.Contains(body, `"object":"list"`) {
		t.Errorf("without the header: %s", body)
	}
}

// A count is that of the prompt that the message would have: of any model's name, and
// with what the operator says of all.
func TestAnthropicCountsWhatItWouldAnswer(t *testing.T) {
	var asked []ask.Request
	g := &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		asked = append(asked, *r)
		return nil
	}}
	s := serve(t, g, func(c *front.Config) { c.Llama.TemplateArgs = []byte(`{"today":"Monday"}`) })
	for _, path := range []string{"/v1/messages", "/v1/messages/count_tokens"} {
		if status, _, body := s.post(t, path, `{"model":"another","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`); status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	if message, count := string(asked[0].TemplateArgs), string(asked[1].TemplateArgs); message != count || count == "" {
		t.Errorf("the template is told %s, and %s for the count", message, count)
	}
	strict := serve(t, &generatetest.Generator{}, func(c *front.Config) { c.StrictModel = true })
	if status, _, body := strict.post(t, "/v1/messages/count_tokens", `{"model":"another","messages":[{"role":"user","content":"hi"}]}`); status != http.StatusNotFound {
		t.Errorf("strict: %d %s", status, body)
	}
}

// Failures have Anthropic's form, whether a route is found or not.
func TestAnthropicFailures(t *testing.T) {
	full := &generatetest.Generator{Refuse: func(r *ask.Request) error {
		if r.Messages[0].Content == "full" {
			return &ask.Fault{Kind: ask.QueueFull, What: "full"}
		}
		return nil
	}}
	s := serve(t, full, func(c *front.Config) { c.Keys, c.StrictModel = []string{"key"}, true })
	if status, _, body := s.post(t, "/v1/messages", `{}`); status != 401 || !strings.Contains(body, `"type":"authentication_error"`) {
		t.Errorf("no key: %d, %s", status, body)
	}
	for _, test := range []struct {
		name, path, body, key string
		status                int
		typ                   string
	}{
		{"wrong key", "/v1/messages", `{}`, "other", 401, "authentication_error"},
		{"no messages", "/v1/messages", `{}`, "key", 400, "invalid_request_error"},
		{"another model", "/v1/messages", `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`, "key", 404, "not_found_error"},
		{"full", "/v1/messages", `{"max_tokens":1,"messages":[{"role":"user","content":"full"}]}`, "key", 529, "overloaded_error"},
		{"full, streamed", "/v1/messages", `{"stream":true,"max_tokens":1,"messages":[{"role":"user","content":"full"}]}`, "key", 529, "overloaded_error"},
		{"no route", "/v1/messages/batches", `{}`, "key", 404, "not_found_error"},
	} {
		client := anthropicClient(s, option.WithAPIKey(test.key))
		err := client.Post(t.Context(), test.path, []byte(test.body), nil)
		failed, ok := errors.AsType[*anthropic.Error](err)
		if !ok || failed.StatusCode != test.status || !strings.Contains(failed.RawJSON(), `"type":"`+test.typ+`"`) || !strings.HasPrefix(failed.RequestID, "req_") || !strings.Contains(failed.RawJSON(), failed.RequestID) {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.status == 529 && failed.Response.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", test.name)
		}
	}
}

func TestAnthropicFaultInMidStream(t *testing.T) {
	broken := &ask.Fault{Kind: ask.EngineStuck, What: "stuck"}
	s, _ := serveScript(t, []ask.Event{{Text: []byte("x")}, {End: &ask.End{Reason: ask.FinishError, Fault: broken}}})
	client := anthropicClient(s)
	stream := client.Messages.NewStreaming(t.Context(), anthropicHello())
	for stream.Next() {
	}
	if err := stream.Err(); err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Error(err)
	}
}

var anthropicChanging = regexp.MustCompile(`"(msg|req)_[A-Z2-7]{26}"`)

func TestAnthropicTranscripts(t *testing.T) {
	for _, test := range []struct{ name, fields string }{{"anthropic", ""}, {"anthropic-stream", `,"stream":true`}} {
		s, _ := serveScript(t, weatherAsked())
		status, header, body := s.post(t, "/v1/messages", `{"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"hi"}]`+test.fields+`}`)
		if status != http.StatusOK {
			t.Fatalf("%d: %s", status, body)
		}
		body = anthropicChanging.ReplaceAllString(body, `"${1}_ID"`)
		golden(t, test.name, fmt.Sprintf("%s\n\n%s", header.Get("Content-Type"), body))
	}
}

// While the model is loaded, clients are told so in their own form.
func TestLoadingInDialects(t *testing.T) {
	for _, test := range []struct {
		path   string
		status int
		body   string
	}{
		{"/v1/messages", 529, `{"type":"error","error":{"type":"overloaded_error"`},
		{"/api/chat", 503, `{"error":"the model is being loaded`},
		{"/v1/chat/completions", 503, `{"error":{"message":"the model is being loaded`},
	} {
		w := answerOf(front.Loading(front.Origins{}, nil, front.LlamaServer{}), "POST", test.path)
		if w.Code != test.status || !strings.HasPrefix(w.Body.String(), test.body) {
			t.Errorf("%s: %d %s", test.path, w.Code, w.Body)
		}
	}
}
