package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// A client that stops reading holds a sequence no longer than WriteTimeout.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 1, ContextTokens: 1 << 22}, batch.Config{},
			func(c *Config) { c.WriteTimeout = 100 * time.Millisecond })
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		body := `{"prompt":"x","stream":true,"temperature":0}`
		fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		s.wait(t, "a running generation", func(st batch.Stats) bool { return st.Active == 1 })
		s.wait(t, "the freed sequence", func(st batch.Stats) bool {
			return st.Active == 0 && st.KVTokens == 0 && st.Finished[batch.FinishAborted] == 1
		})
	})
}

// The deadline of one answer's writing neither cuts generating short nor reaches
// into the next answer.
func TestKeptConnectionOutlivesWriteTimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		const timeout = 20 * time.Millisecond
		fake := saying("abc")
		fake.Delay = func(*engine.Batch) time.Duration { return 2 * timeout }
		s := serveOn(t, backend, fake, engine.ContextConfig{}, batch.Config{}, func(c *Config) { c.WriteTimeout = timeout })
		for _, test := range []struct {
			method, path, body string
			status             int
		}{
			{http.MethodGet, "/health", "", 200},
			{http.MethodGet, "/nothing", "", 404},
			{http.MethodPost, "/v1/chat/completions", `{` + hello + `}`, 200},
			{http.MethodPost, "/v1/chat/completions", `{` + hello + `,"stream":true}`, 200},
			{http.MethodPost, "/v1/chat/completions", `{}`, 400},
			{http.MethodGet, "/metrics", "", 200},
		} {
			request, err := http.NewRequest(test.method, s.url+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := s.server.Client().Do(request) // one connection for all
			if err != nil {
				t.Fatalf("%s: %v", test.path, err)
			}
			answer, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != test.status || len(answer) == 0 {
				t.Errorf("%s: status %d, %q, %v", test.path, response.StatusCode, answer, err)
			}
			time.Sleep(2 * timeout)
		}
	})
}
