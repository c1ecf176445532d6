package front_test

import (
	"encoding/json/jsontext"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire"
)

// dialectPaths are paths of every dialect, with a body that is answered and one that
// is streamed.
var dialectPaths = []struct{ path, whole, streamed string }{
	{"/v1/chat/completions", `{` + hello + `,"logprobs":true,"top_logprobs":2,"n":2}`, `{` + hello + `,"stream":true,"stream_options":{"include_usage":true}}`},
	{"/v1/completions", `{"prompt":["a","b"],"echo":true,"logprobs":1}`, `{"prompt":"a","stream":true,"stop":"c"}`},
	{"/v1/responses", `{"input":"hi"}`, `{"input":[{"role":"user","content":"hi"}],"stream":true}`},
	{"/v1/responses/input_tokens", `{"input":"hi"}`, `{"input":7}`},
	{"/v1/messages", `{"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"tiny","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}`},
	{"/v1/messages/count_tokens", `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`, `{}`},
	{"/api/chat", `{"model":"tiny","stream":false,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`},
	{"/api/generate", `{"model":"tiny","prompt":"x","stream":false}`, `{"model":"tiny","prompt":"x","logprobs":true,"top_logprobs":2}`},
	{"/completion", `{"prompt":"x","n_probs":2,"post_sampling_probs":true}`, `{"prompt":"x","stream":true,"return_progress":true,"timings_per_token":true}`},
	{"/infill", `{"input_prefix":"a","input_suffix":"b"}`, `{"input_prefix":"a","input_suffix":"b","stream":true}`},
	{"/apply-template", `{` + hello + `}`, `{"messages":[]}`},
	{"/embedding", `{"content":"ab"}`, `{"content":[[1],"x"]}`},
	{"/v1/rerank", `{"query":"a","documents":["b","c"]}`, `{"query":"a","texts":["b"]}`},
	{"/tokenize", `{"content":"ab","with_pieces":true}`, `{"prompt":"x"}`},
	{"/detokenize", `{"tokens":[97,98]}`, `{"tokens":[-1]}`},
}

// FuzzDialects sends a body to a path of any dialect while the model says something.
// Whatever either is, the answer is one of the dialect's: no failure of the server's,
// JSON that is JSON, event streams and lines whose every piece is, to their ends.
func FuzzDialects(f *testing.F) {
	for i, d := range dialectPaths {
		for _, body := range []string{d.whole, d.streamed} {
			f.Add(uint8(i), []byte(body), "Hi \"there\".\n\ndata: é€𝄞\x00\xff\u2028", uint8(i))
		}
	}
	reply := ""
	m := newModel("")
	m.ReplyTo = func(*ask.Request) string { return reply }
	handler, err := front.New(front.Config{Generator: m, Fingerprint: "fp", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	server := httptest.NewServer(handler)
	f.Cleanup(func() {
		server.Close()
		handler.Close()
	})
	f.Fuzz(func(t *testing.T, path uint8, body []byte, text string, before uint8) {
		reply, m.Before = text, nil
		if before&1 != 0 {
			m.Before = append(m.Before, generatetest.Thought(text)...)
		}
		if before&2 != 0 {
			m.Before = append(m.Before, generatetest.Called(0, "call_1", "f", `{"text":`+string(wire.AppendJSONString(nil, text))+`}`)...)
		}
		d := dialectPaths[int(path)%len(dialectPaths)]
		response, err := http.Post(server.URL+d.path, "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err == nil {
			err = checkAnswer(response, string(answer))
		}
		if err != nil {
			t.Fatalf("%s: %q: status %d: %v:\n%s", d.path, body, response.StatusCode, err, answer)
		}
	})
}

// checkAnswer says what is wrong with the form of an answer.
func checkAnswer(response *http.Response, answer string) error {
	if code := response.StatusCode; code >= http.StatusInternalServerError && code != http.StatusNotImplemented {
		return fmt.Errorf("the server failed")
	}
	if !utf8.ValidString(answer) {
		return fmt.Errorf("it is not UTF-8")
	}
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	switch {
	case media == "application/json":
		if !jsontext.Value(answer).IsValid() {
			return fmt.Errorf("it is no JSON")
		}
		if response.StatusCode >= http.StatusBadRequest && !strings.Contains(answer, `"error"`) {
			return fmt.Errorf("it tells of no error")
		}
		return nil
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("a failure of type %s", media)
	case media == "text/event-stream":
		return checkEvents(answer)
	case media == "application/x-ndjson":
		return checkLines(answer)
	}
	return fmt.Errorf("it is of type %s", media)
}

// checkEvents says what is wrong with an event stream.
func checkEvents(answer string) error {
	events, whole := strings.CutSuffix(answer, "\n\n")
	if !whole {
		return fmt.Errorf("its last event is cut off")
	}
	ended := false
	for event := range strings.SplitSeq(events, "\n\n") {
		if ended {
			return fmt.Errorf("an event after the last: %q", event)
		}
		for line := range strings.SplitSeq(event, "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case name == "", name == "event" && value != "":
			case name != "data":
				return fmt.Errorf("a line %q", line)
			case value == "[DONE]":
				ended = true
			case !jsontext.Value(value).IsValid():
				return fmt.Errorf("data %q", value)
			}
		}
		ended = ended || strings.HasPrefix(event, "event: message_stop\n")
	}
	last := events[strings.LastIndex(events, "\n\n")+1:]
	for _, end := range []string{"[DONE]", "message_stop", "response.completed", "response.incomplete", `"stop":true`, `"error"`} {
		if strings.Contains(last, end) {
			return nil
		}
	}
	return fmt.Errorf("it has no end: %q", last)
}

// checkLines says what is wrong with lines of JSON.
func checkLines(answer string) error {
	lines, whole := strings.CutSuffix(answer, "\n")
	if !whole {
		return fmt.Errorf("its last line is cut off")
	}
	all := strings.Split(lines, "\n")
	for i, line := range all {
		if !jsontext.Value(line).IsValid() {
			return fmt.Errorf("a line %q", line)
		}
		if end := strings.Contains(line, `"done":true`) || strings.Contains(line, `"error"`); i == len(all)-1 && !end {
			return fmt.Errorf("it has no end: %q", line)
		}
	}
	return nil
}
