package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

// post sends a body to a path.
func (c connection) post(t *testing.T, path, body string) {
	t.Helper()
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, len(body))
	if err == nil {
		_, err = io.WriteString(c, body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// soon waits for what sockets and the kernel bring about.
func soon(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("no sign of: ", what)
	}
}

// tokenizingBodies are requests whose text is tokenised, long enough for that to
// be worth stopping.
func tokenizingBodies() map[string]string {
	text := strings.Repeat("x", 100<<10)
	return map[string]string{
		"/tokenize":            `{"content":"` + text + `"}`,
		"/v1/completions":      `{"prompt":"` + text + `"}`,
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"` + text + `"}]}`,
	}
}

// Tokenising stops when its client goes.
func TestTokenizingStopsWithItsClient(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for path, body := range tokenizingBodies() {
			begun, stopped := make(chan struct{}), make(chan struct{})
			s := serveOn(t, backend, enginetest.Options{Tokenizing: func(ctx context.Context) {
				close(begun)
				<-ctx.Done()
				close(stopped)
			}}, engine.ContextConfig{}, local.Batching{}, nil)
			c := s.connect(t)
			c.post(t, path, body)
			soon(t, "tokenising for "+path, begun)
			if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Fatal(err)
			}
			c.Close()
			soon(t, "its end after the client's", stopped)
		}
	})
}

// A server that closes tells whoever's text is being tokenised.
func TestTokenizingStopsWithTheServer(t *testing.T) {
	for path, body := range tokenizingBodies() {
		begun := make(chan struct{})
		s := serve(t, enginetest.Options{Tokenizing: func(ctx context.Context) {
			close(begun)
			<-ctx.Done()
		}}, engine.ContextConfig{}, local.Batching{}, nil)
		c := s.connect(t)
		c.post(t, path, body)
		soon(t, "tokenising for "+path, begun)
		if err := s.generator.Close(); err != nil {
			t.Fatal(err)
		}
		if status, answer := c.answer(t); status != 503 || !strings.Contains(answer, "shutting down") {
			t.Errorf("%s: status %d, %.300s", path, status, answer)
		}
	}
}
