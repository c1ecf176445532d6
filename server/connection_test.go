package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

// What a client sends while its stream runs is answered after it, in order, on
// the same connection.
func TestPipelinedRequests(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		fake := enginetest.Options{Printable: true, Delay: func(*engine.Batch) time.Duration { return time.Millisecond }}
		s := serveOn(t, backend, fake, engine.ContextConfig{}, local.Batching{}, nil)
		c := s.connect(t)
		const rounds, tokens = 3, 20
		for i := range rounds {
			c.ask(t, fmt.Sprintf(`{"prompt":"x%d","stream":true,"max_tokens":%d}`, i, tokens))
			if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rounds {
			status, body := c.answer(t)
			if n := strings.Count(body, `"finish_reason":null`); status != http.StatusOK || n != tokens || !strings.HasSuffix(body, doneFrame) {
				t.Errorf("stream %d: status %d, %d tokens of %d", i, status, n, tokens)
			}
			if status, body := c.answer(t); status != http.StatusOK || !strings.Contains(body, "ok") {
				t.Errorf("the request after stream %d: status %d, %q", i, status, body)
			}
		}
	})
}

func TestConnectionCloseIsObeyed(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
		c := s.connect(t)
		const body = `{` + hello + `,"stream":true}`
		_, err := fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if err != nil {
			t.Fatal(err)
		}
		if status, got := c.answer(t); status != http.StatusOK || !strings.HasSuffix(got, doneFrame) {
			t.Errorf("status %d, %q", status, got)
		}
		if rest, err := io.ReadAll(c.lines); err != nil || len(rest) > 0 {
			t.Errorf("after the answer: %q, %v; want the connection's end", rest, err)
		}
	})
}

// A client may go at any time and in any way: its sequence is free soon after.
func TestClientGoes(t *testing.T) {
	leave := map[string]func(*net.TCPConn) error{
		"close": (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error {
			if err := c.SetLinger(0); err != nil {
				return err
			}
			return c.Close()
		},
	}
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for name, leave := range leave {
			for _, when := range []string{"before the first token", "in mid-stream", "before a whole answer"} {
				t.Run(name+" "+when, func(t *testing.T) {
					gate := make(chan struct{})
					fake := enginetest.Options{Printable: true}
					if when != "in mid-stream" {
						fake.Gate = gate
					}
					s := serveOn(t, backend, fake, engine.ContextConfig{ContextTokens: 1 << 20}, local.Batching{}, nil)
					defer close(gate)
					c := s.connect(t)
					c.ask(t, fmt.Sprintf(`{"prompt":"x","stream":%v}`, when != "before a whole answer"))
					s.wait(t, "the request", func(st local.Stats) bool {
						return st.Active+st.Waiting == 1 && (fake.Gate != nil || st.CompletionTokens > 0)
					})
					if fake.Gate == nil {
						if _, err := c.lines.ReadString('\n'); err != nil {
							t.Fatal(err)
						}
					}
					if err := leave(c.Conn.(*net.TCPConn)); err != nil {
						t.Fatal(err)
					}
					for open := true; open && fake.Gate != nil; { // the engine finds out between steps
						select {
						case gate <- struct{}{}:
						case <-time.After(10 * time.Millisecond):
						}
						open = s.generator.Stats().Active+s.generator.Stats().Waiting > 0
					}
					s.wait(t, "the freed sequence", func(st local.Stats) bool {
						return st.Active == 0 && st.KVTokens == 0 && st.Finished[ask.FinishAborted] == 1
					})
				})
			}
		}
	})
}

// A client that ends its sending after its request has not gone: it gets its
// whole answer, whenever it did so, and however long it takes.
func TestHalfClose(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for scheme, secure := range map[string]bool{"http": false, "https": true} {
			for _, when := range []string{"with the request", "before the first token", "in mid-answer"} {
				for _, request := range []struct {
					name, body, want string
				}{
					{"stream", `{"prompt":"x","stream":true,"max_tokens":9}`, `"finish_reason":"length"`},
					{"whole", `{"prompt":"x","max_tokens":9}`, `"completion_tokens":9`},
				} {
					t.Run(scheme+" "+request.name+" "+when, func(t *testing.T) {
						gate := make(chan struct{})
						s := serveOver(t, backend, clients{secure: secure}, enginetest.Options{Printable: true, Gate: gate}, engine.ContextConfig{}, local.Batching{}, nil)
						c := s.connect(t)
						leave := func() {
							if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
								t.Fatal(err)
							}
						}
						c.ask(t, request.body)
						if when == "with the request" {
							leave()
						}
						s.wait(t, "the request", func(st local.Stats) bool { return st.Active+st.Waiting == 1 })
						if when == "in mid-answer" {
							for range 3 {
								gate <- struct{}{}
							}
							if request.name == "stream" {
								if _, err := c.lines.Peek(1); err != nil {
									t.Fatal(err)
								}
							}
						}
						if when != "with the request" {
							leave()
						}
						if request.name == "whole" || when != "in mid-answer" { // the probe has come before more is done
							if line, err := c.lines.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
								t.Fatalf("%q, %v", line, err)
							}
							if line, err := c.lines.ReadString('\n'); err != nil || line != "\r\n" {
								t.Fatalf("%q, %v", line, err)
							}
						}
						close(gate)
						status, body := c.answer(t)
						if status != http.StatusOK || !strings.Contains(body, request.want) {
							t.Errorf("status %d, %q", status, body)
						}
						if stream := request.name == "stream"; stream != strings.HasSuffix(body, doneFrame) {
							t.Errorf("ends in %q", body)
						}
					})
				}
			}
		}
	})
}

// HTTP/1.0 has nothing that could be sent to find out: before the answer begins,
// who ends the sending has gone; a stream that has begun goes on.
func TestHalfCloseOverHTTP10(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for _, stream := range []bool{false, true} {
			gate := make(chan struct{})
			s := serveOn(t, backend, enginetest.Options{Printable: true, Gate: gate}, engine.ContextConfig{}, local.Batching{}, nil)
			c := s.connect(t)
			body := fmt.Sprintf(`{"prompt":"x","max_tokens":9,"stream":%v}`, stream)
			if _, err := fmt.Fprintf(c, "POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
				t.Fatal(err)
			}
			s.wait(t, "the request", func(st local.Stats) bool { return st.Active+st.Waiting == 1 })
			if stream {
				for range 3 {
					gate <- struct{}{}
				}
				if _, err := c.lines.Peek(1); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if stream {
				close(gate)
			}
			answer, err := io.ReadAll(c.lines)
			if err != nil || stream != strings.HasSuffix(string(answer), doneFrame) || !stream && len(answer) > 0 {
				t.Errorf("stream %v: %q, %v", stream, answer, err)
			}
			if !stream {
				close(gate)
			}
		}
	})
}

// What two servers may read in two ways is refused, and the connection closed, so
// that nothing behind it is taken for a request.
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	const line, end = "POST /tokenize HTTP/1.1\r\n", "Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
		for _, test := range []struct {
			name, request string
			status        int
		}{
			{"as it should be", line + end, 200},
			{"both lengths", line + "Transfer-Encoding: chunked\r\n" + end, 400},
			{"both lengths, turned", line + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400},
			{"another transfer encoding", line + "Transfer-Encoding: gzip, chunked\r\nHost: x\r\n\r\n0\r\n\r\n", 501},
			{"two transfer encodings", line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n0\r\n\r\n", 501},
			{"lengths that differ", line + "Content-Length: 3\r\n" + end, 400},
			{"a list of lengths", line + "Content-Length: 2, 2\r\n" + end, 400},
			{"a negative length", line + "Content-Length: -2\r\nHost: x\r\n\r\n", 400},
			{"obs-fold", line + "A: b\r\n c\r\n" + end, 400},
			{"bare LF in the request line", strings.Replace(line, "\r", "", 1) + end, 400},
			{"bare LF in a header", line + "A: b\n" + end, 400},
			{"bare LF at the header's end", line + strings.Replace(end, "\r\n\r\n", "\r\n\n", 1), 400},
			{"bare CR", line + "A: b\rc\r\n" + end, 400},
			{"blank before the colon", line + "A : b\r\n" + end, 400},
			{"blank before the length's colon", line + "Content-Length : 2\r\n" + end, 400},
			{"blank before the first header", line + " A: b\r\n" + end, 400},
			{"NUL in a value", line + "A: b\x00\r\n" + end, 400},
			{"NUL in a name", line + "A\x00: b\r\n" + end, 400},
			{"no name", line + ": b\r\n" + end, 400},
			{"no colon", line + "A\r\n" + end, 400},
			{"no host", line + "\r\n", 400},
			{"two hosts", line + "Host: y\r\n" + end, 400},
			{"no version", "POST /tokenize\r\n" + end, 400},
			{"a version there is not", "POST /tokenize HTTP/3.0\r\n" + end, 505},
			{"a large header", line + "A: " + strings.Repeat("b", 80<<10) + "\r\n" + end, 431},
			{"many headers", line + strings.Repeat("A: b\r\n", 20000) + end, 431},
		} {
			c := s.connect(t)
			sent := test.request + line + end
			if test.status == http.StatusRequestHeaderFieldsTooLarge {
				// What net/http reads, behind where it looks for HTTP/2: a rest would be answered with a reset.
				sent = sent[:len("PRI * HTTP/2.0")+(64+4)<<10]
			}
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if status, body := c.answer(t); status != test.status {
				t.Errorf("%s: status %d, %q; want %d", test.name, status, body, test.status)
			}
			if test.status == 200 {
				if status, _ := c.answer(t); status != 200 {
					t.Errorf("%s: status %d for the request behind it", test.name, status)
				}
				continue
			}
			if rest, err := io.ReadAll(c.lines); len(rest) > 0 || err != nil {
				t.Errorf("%s: after the answer: %q, %v; want the connection's end", test.name, rest, err)
			}
		}
	})
}

// A request is counted when it is over, with how it ended.
func TestRequestsAreCountedAtTheirEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		fake := saying("abcdef")
		fake.Fault = func(at int, _ *engine.Batch) error {
			if at == 3 {
				return fmt.Errorf("broken")
			}
			return nil
		}
		s := serveOn(t, backend, fake, engine.ContextConfig{}, local.Batching{}, nil)
		for range 2 { // the first breaks in mid-stream
			if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`); status != http.StatusOK {
				t.Errorf("status %d, %q", status, body)
			}
		}
		counted := func(status string) bool {
			_, _, text := s.do(t, http.MethodGet, "/metrics", "", nil)
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "weir_http_requests_total{") && strings.Contains(line, "/v1/chat/completions") &&
					strings.Contains(line, `"`+status+`"`) {
					return strings.HasSuffix(line, " 1\n")
				}
			}
			return false
		}
		if !counted("200") || !counted("500") {
			t.Error("a request is not counted though its client has seen the end")
		}
	})
}
