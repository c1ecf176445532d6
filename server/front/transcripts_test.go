package front_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate/generatetest"
)

func TestTranscripts(t *testing.T) {
	const chat, completion = "/v1/chat/completions", "/v1/completions"
	for _, test := range []struct{ name, reply, path, body string }{
		{"chat", "Hello.", chat, `{` + hello + `}`},
		{"chat-stream", "Hi€!", chat, `{` + hello + `,"stream":true}`},
		{"chat-stream-usage", "ab", chat, `{` + hello + `,"stream":true,"stream_options":{"include_usage":true}}`},
		{"chat-stream-stop", "one two three", chat, `{` + hello + `,"stream":true,"stop":["x"," th"]}`},
		{"chat-stream-empty", "", chat, `{` + hello + `,"stream":true}`},
		{"chat-stream-logprobs", "aé", chat, `{` + hello + `,"stream":true,"logprobs":true,"top_logprobs":2}`},
		{"chat-length", "abcdef", chat, `{` + hello + `,"max_tokens":3}`},
		{"chat-logprobs", "aé", chat, `{` + hello + `,"logprobs":true,"top_logprobs":2}`},
		{"chat-stop", "one two three", chat, `{` + hello + `,"stop":" t"}`},
		{"chat-cut-character", "a€", chat, `{` + hello + `,"max_completion_tokens":2}`},
		{"chat-escapes", "\"\\\n\t\x01</script>\u2028", chat, `{` + hello + `,"stream":true}`},
		{"completion", "abc", completion, `{"prompt":"x[assistant]","temperature":0}`},
		{"completion-logprobs", "aé", completion, `{"prompt":"x","logprobs":2}`},
		{"completion-stream", "abc", completion, `{"prompt":"x[assistant]","temperature":0,"stream":true,"stream_options":{"include_usage":true}}`},
		{"completion-stream-logprobs", "aé", completion, `{"prompt":"x","stream":true,"logprobs":2}`},
		{"completion-tokens", "abc", completion, `{"prompt":[91,97,115,115,105,115,116,97,110,116,93],"temperature":0}`},
		{"tokenize", "", "/tokenize", `{"content":"a<|sep|>"}`},
		{"tokenize-pieces", "", "/tokenize", `{"content":"é<|sep|>","add_special":true,"with_pieces":true,"parse_special":false}`},
		{"tokenize-empty", "", "/tokenize", `{"content":""}`},
		{"detokenize", "", "/detokenize", `{"tokens":[256,97,195,169,258,195]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, &generatetest.Generator{Reply: test.reply}, nil)
			status, header, body := s.post(t, test.path, test.body)
			if status != http.StatusOK || !utf8.ValidString(body) {
				t.Fatalf("status %d: %q", status, body)
			}
			golden(t, test.name, fmt.Sprintf("%s\n\n%s", header.Get("Content-Type"), body))
		})
	}
}

func TestFaultInMidStream(t *testing.T) {
	broken := &ask.Fault{Kind: ask.Internal, What: "the server failed to answer", Remedy: "its log says why", Cause: http.ErrBodyNotAllowed}
	s := serve(t, &generatetest.Generator{Reply: "abcdef", Fail: map[int]*ask.Fault{3: broken}}, nil)
	status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`)
	if status != http.StatusOK || strings.Contains(body, broken.Cause.Error()) {
		t.Errorf("status %d, %q", status, body)
	}
	golden(t, "chat-stream-error", body)
	_, _, metrics := s.do(t, http.MethodGet, "/metrics", "", nil)
	if want := `path="/v1/chat/completions",status="500"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("no %s, but\n%s", want, linesWith(metrics, "weir_http_requests_total"))
	}
}

// A fault before the first event is a status, streamed or not.
func TestFaultBeforeTheFirstEvent(t *testing.T) {
	broken := &ask.Fault{Kind: ask.QueueFull, What: "full"}
	s := serve(t, &generatetest.Generator{Reply: "abc", Fail: map[int]*ask.Fault{0: broken}}, nil)
	for _, stream := range []string{"true", "false"} {
		status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":`+stream+`}`)
		if e := decodeError(t, body); status != http.StatusTooManyRequests || e.Code != "queue_full" {
			t.Errorf("stream %s: status %d, %+v", stream, status, e)
		}
	}
}
