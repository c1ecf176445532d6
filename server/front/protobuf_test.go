package front_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

var protobufBody = map[string]string{"Content-Type": "application/x-protobuf"}

func encoded(t *testing.T, r *weirv1.GenerateRequest) string {
	t.Helper()
	message, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return string(message)
}

// events takes a stream of messages apart.
func events(t *testing.T, stream string) (all []*weirv1.TokenEvent) {
	t.Helper()
	for rest := []byte(stream); len(rest) > 0; {
		message, n := protowire.ConsumeBytes(rest)
		ev := new(weirv1.TokenEvent)
		if n < 0 || proto.Unmarshal(message, ev) != nil {
			t.Fatalf("%q", rest)
		}
		all, rest = append(all, ev), rest[n:]
	}
	return all
}

// Over HTTP/1.1 a stream says what a whole answer does.
func TestProtobufStreamEqualsAnswer(t *testing.T) {
	s, _ := serveScript(t, weatherAsked())
	request := &weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "user", Content: "Rain?"}}, Tools: []*weirv1.Tool{{Name: "weather"}}}
	status, header, body := s.do(t, "POST", "/v1/generate", encoded(t, request), protobufBody)
	var whole weirv1.Answer
	if err := proto.Unmarshal([]byte(body), &whole); err != nil || status != 200 || header.Get("Content-Type") != "application/x-protobuf" {
		t.Fatalf("status %d, %v, %q, %v", status, header, body, err)
	}
	request.Stream = true
	status, header, body = s.do(t, "POST", "/v1/generate", encoded(t, request), protobufBody)
	if status != 200 || header.Get("Content-Type") != "application/x-protobuf; delimited=true" {
		t.Fatalf("status %d, %v", status, header)
	}
	stream := &weirv1.Answer{}
	for _, ev := range events(t, body) {
		stream.Text += ev.Text
		stream.ReasoningContent += ev.ReasoningContent
		for _, c := range ev.ToolCalls {
			if c.Id != "" {
				stream.ToolCalls = append(stream.ToolCalls, &weirv1.ToolCall{Id: c.Id, Name: c.Name})
			}
			stream.ToolCalls[c.Index].Arguments += c.Arguments
		}
		stream.FinishReason, stream.Usage, stream.Timings = ev.FinishReason, ev.Usage, ev.Timings
	}
	whole.Head = nil // made anew for each
	if !proto.Equal(stream, &whole) || whole.Text != "I look." || whole.ReasoningContent != "Hm, so." || len(whole.ToolCalls) != 2 || whole.ToolCalls[0].Arguments != `{"city":"Berlin","n":[1,2]}` {
		t.Errorf("stream:\n%v\nwhole:\n%v", stream, &whole)
	}
}

func TestProtobufErrors(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Keys, c.BodyBytes = []string{"k"}, 1<<10 })
	with := func(media, key string) map[string]string {
		return map[string]string{"Content-Type": media, "Authorization": "Bearer " + key}
	}
	const media = "application/x-protobuf"
	for name, test := range map[string]struct {
		header map[string]string
		body   string
		status int
		reason string
	}{
		"no key":    {protobufBody, encoded(t, prompt("x")), 401, "INVALID_API_KEY"},
		"JSON":      {with("application/json", "k"), `{"prompt":"x"}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"form":      {with("application/x-www-form-urlencoded", "k"), "x", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"malformed": {with(media, "k"), "{}", 400, "INVALID_BODY"},
		"value":     {with("application/protobuf", "k"), encoded(t, &weirv1.GenerateRequest{Prompt: "x", Stop: []string{""}}), 400, "INVALID_VALUE"},
		"unknown":   {with(media+"; proto=weir.v1.GenerateRequest", "k"), "\xf8\x3f\x01", 400, "UNKNOWN_PARAMETER"},
		"large":     {with(media, "k"), encoded(t, prompt(strings.Repeat("x", 2<<10))), 413, "REQUEST_TOO_LARGE"},
	} {
		status, header, body := s.do(t, "POST", "/v1/generate", test.body, test.header)
		var e weirv1.Error
		if err := proto.Unmarshal([]byte(body), &e); err != nil || status != test.status || e.Reason != test.reason || e.Message == "" || header.Get("Content-Type") != media {
			t.Errorf("%s: status %d, %v, %v", name, status, &e, err)
		}
	}
}

// A failure in mid-stream is its last message.
func TestProtobufFailsLater(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "abcdef", Fail: map[int]*ask.Fault{2: {Kind: ask.EngineStuck, What: "stuck", Remedy: "wait"}}}, nil)
	_, _, body := s.do(t, "POST", "/v1/generate", encoded(t, &weirv1.GenerateRequest{Prompt: "x", Stream: true}), protobufBody)
	all := events(t, body)
	want := &weirv1.Error{Code: 14, Reason: "ENGINE_STUCK", Message: "stuck: wait", Remedy: "wait"}
	if last := all[len(all)-1]; all[0].Text != "a" || !proto.Equal(last.Error, want) {
		t.Errorf("%v", all)
	}
}

// An encoded body is decoded first, as those of JSON are.
func TestProtobufEncodedBody(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	header := map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
	status, _, body := s.do(t, "POST", "/v1/generate", pack(t, packers["gzip"], encoded(t, prompt("abc"))), header)
	var whole weirv1.Answer
	if err := proto.Unmarshal([]byte(body), &whole); err != nil || status != 200 || whole.Usage.PromptTokens != 4 {
		t.Errorf("status %d, %v, %v", status, &whole, err)
	}
}
