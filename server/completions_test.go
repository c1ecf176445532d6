package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

const hello = `"messages":[{"role":"user","content":"hi"}],"temperature":0`

func TestTranscripts(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		const chat, completion = "/v1/chat/completions", "/v1/completions"
		tests := []struct{ name, reply, path, body string }{
			{"chat", "Hello.", chat, `{` + hello + `}`},
			{"chat-stream", "Hi€!", chat, `{` + hello + `,"stream":true}`},
			{"chat-stream-usage", "ab", chat, `{` + hello + `,"stream":true,"stream_options":{"include_usage":true}}`},
			{"chat-stream-stop", "one two three", chat, `{` + hello + `,"stream":true,"stop":["x"," th"]}`},
			{"chat-stream-empty", "", chat, `{` + hello + `,"stream":true}`},
			{"chat-length", "abcdef", chat, `{` + hello + `,"max_tokens":3}`},
			{"chat-stop", "one two three", chat, `{` + hello + `,"stop":" t"}`},
			{"chat-cut-character", "a€", chat, `{` + hello + `,"max_completion_tokens":2}`},
			{"chat-escapes", "\"\\\n\t\x01</script>\u2028", chat, `{` + hello + `,"stream":true}`},
			{"completion", "abc", completion, `{"prompt":"x[assistant]","temperature":0}`},
			{"completion-stream", "abc", completion, `{"prompt":"x[assistant]","temperature":0,"stream":true,"stream_options":{"include_usage":true}}`},
			{"completion-tokens", "abc", completion, `{"prompt":[91,97,115,115,105,115,116,97,110,116,93],"temperature":0}`},
			{"tokenize", "", "/tokenize", `{"content":"a<|sep|>"}`},
			{"tokenize-pieces", "", "/tokenize", `{"content":"é<|sep|>","add_special":true,"with_pieces":true,"parse_special":false}`},
			{"tokenize-empty", "", "/tokenize", `{"content":""}`},
			{"detokenize", "", "/detokenize", `{"tokens":[256,97,195,169,258,195]}`},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				s := serveOn(t, backend, saying(test.reply), engine.ContextConfig{}, local.Batching{}, nil)
				status, header, body := s.post(t, test.path, test.body)
				if status != http.StatusOK || !utf8.ValidString(body) {
					t.Fatalf("status %d: %q", status, body)
				}
				golden(t, test.name, fmt.Sprintf("%s\n\n%s", header.Get("Content-Type"), body))
			})
		}
	})
}

// A wake may bring several tokens; each is a frame of its own, so that clients
// can count them.
func TestStreamHasAFrameForEachToken(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		reply := strings.Repeat("abcdefgh", 20)
		s := serveOn(t, backend, saying(reply), engine.ContextConfig{}, local.Batching{}, nil)
		_, header, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`)
		if got := strings.Count(body, "data: "); got != len(reply)+3 { // role, finish, [DONE]
			t.Errorf("%d frames for %d tokens", got, len(reply))
		}
		for name, want := range map[string]string{"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream; charset=utf-8"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

func TestDisconnectFreesTheSequence(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for _, stream := range []string{"true", "false"} {
			fake := enginetest.Options{Printable: true, Delay: func(*engine.Batch) time.Duration { return time.Millisecond }}
			s := serveOn(t, backend, fake, engine.ContextConfig{ContextTokens: 1 << 20}, local.Batching{}, nil)
			ctx, cancel := context.WithCancel(t.Context())
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions",
				strings.NewReader(`{`+hello+`,"stream":`+stream+`}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			gone := make(chan error, 1)
			go func() {
				response, err := http.DefaultClient.Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				gone <- err
			}()
			s.wait(t, "a running generation", func(st local.Stats) bool { return st.Active == 1 && st.CompletionTokens > 3 })
			cancel()
			if err := <-gone; !errors.Is(err, context.Canceled) {
				t.Errorf("client: %v", err)
			}
			s.wait(t, "the freed sequence", func(st local.Stats) bool { return st.Active == 0 && st.KVTokens == 0 })
		}
	})
}

func TestQueueFull(t *testing.T) {
	gate := make(chan struct{})
	s := serve(t, enginetest.Options{Gate: gate, Printable: true}, engine.ContextConfig{MaxSequences: 1},
		local.Batching{QueueLimit: 1}, nil)
	done := make(chan int, 2)
	for range 2 { // one runs, one waits
		go func() {
			response, err := http.Post(s.url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x","max_tokens":2}`))
			if err != nil {
				done <- 0
				return
			}
			response.Body.Close()
			done <- response.StatusCode
		}()
	}
	s.wait(t, "a full queue", func(st local.Stats) bool { return st.Active+st.Waiting == 2 })
	status, header, body := s.post(t, "/v1/completions", `{"prompt":"x"}`)
	e := decodeError(t, body)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || e.Code != "queue_full" {
		t.Errorf("status %d, Retry-After %q, %+v", status, header.Get("Retry-After"), e)
	}
	close(gate)
	for range 2 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("status %d for an accepted request", status)
		}
	}
}

func TestFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		broken := errors.New("broken")
		failAt := func(step int) enginetest.Options {
			fake := saying("abcdef")
			fake.Fault = func(at int, _ *engine.Batch) error {
				if at >= step {
					return broken
				}
				return nil
			}
			return fake
		}
		s := serveOn(t, backend, failAt(0), engine.ContextConfig{}, local.Batching{}, nil)
		for _, stream := range []string{"true", "false"} {
			status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":`+stream+`}`)
			if e := decodeError(t, body); status != http.StatusInternalServerError || strings.Contains(e.Message, "broken") {
				t.Errorf("stream %s: status %d, %+v: want 500 without the server's inside", stream, status, e)
			}
		}
		s = serveOn(t, backend, failAt(3), engine.ContextConfig{}, local.Batching{}, nil)
		status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`)
		if status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		golden(t, "chat-stream-error", body)
	})
}

func TestDrain(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		gate := make(chan struct{})
		fake := saying("abcdef")
		fake.Gate = gate
		s := serveOn(t, backend, fake, engine.ContextConfig{}, local.Batching{}, nil)
		request, err := http.NewRequest(http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(`{`+hello+`,"stream":true}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		go func() {
			gate <- struct{}{}
			gate <- struct{}{}
		}()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewReader(response.Body)
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
			t.Fatalf("%q, %v", line, err)
		}
		s.handler.Drain()
		for _, path := range []string{"/health", "/v1/chat/completions"} {
			status, header, body := 0, http.Header{}, ""
			if path == "/health" {
				status, header, body = s.do(t, http.MethodGet, path, "", nil)
			} else {
				status, header, body = s.post(t, path, `{`+hello+`}`)
			}
			e := decodeError(t, body)
			if status != http.StatusServiceUnavailable || e.Code != ofPath(path, "shutting_down", status) || header.Get("Retry-After") == "" {
				t.Errorf("%s while draining: status %d, %+v", path, status, e)
			}
		}
		if err := s.generator.Close(); err != nil { // the bound of the drain is over
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil || !strings.Contains(string(rest), `"code":"shutting_down"`) || strings.Contains(string(rest), "[DONE]") {
			t.Errorf("an aborted stream ends with %q, %v", rest, err)
		}
	})
}
