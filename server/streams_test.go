package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// requireRing skips where streams cannot leave the HTTP server.
func requireRing(t *testing.T) {
	t.Helper()
	if features, err := iouring.Probe(); err != nil || features.Missing() != nil {
		t.Skipf("not supported here: %v", errors.Join(err, features.Missing()))
	}
}

// connection is a client that reads when it is told to.
type connection struct {
	net.Conn
	lines *bufio.Reader
}

func (s *service) connect(t *testing.T) connection {
	t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if s.server.TLS != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.server.Certificate())
		conn = tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	}
	return connection{conn, bufio.NewReader(conn)}
}

// ask sends a request for a completion.
func (c connection) ask(t *testing.T, body string) {
	t.Helper()
	_, err := fmt.Fprintf(c, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		t.Fatal(err)
	}
}

// answer reads a response to its end.
func (c connection) answer(t *testing.T) (status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(c.lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("after %q: %v", text[max(0, len(text)-300):], err)
	}
	return response.StatusCode, string(text)
}

const doneFrame = "data: [DONE]\n\n"

// Streams hold no goroutine, and their connections serve the next request.
func TestOneGoroutineServesAllStreams(t *testing.T) {
	requireRing(t)
	const streams, tokens = 32, 40
	gate := make(chan struct{})
	s := serveOn(t, iouring.BackendURing, enginetest.Options{Printable: true, Gate: gate},
		engine.ContextConfig{MaxSequences: streams}, local.Batching{}, nil)
	before := runtime.NumGoroutine()
	conns := make([]connection, streams)
	for i := range conns {
		conns[i] = s.connect(t)
		conns[i].ask(t, fmt.Sprintf(`{"prompt":"x%d","stream":true,"max_tokens":%d}`, i, tokens))
	}
	s.wait(t, "all requests", func(st local.Stats) bool { return st.Active+st.Waiting == streams })
	for range 4 { // a step may have been under way before the last request came
		gate <- struct{}{}
	}
	s.wait(t, "all streams", func(local.Stats) bool { return s.handler.Streams() == streams })
	s.wait(t, "handlers to leave", func(local.Stats) bool { return runtime.NumGoroutine()-before < streams/4 })
	close(gate)
	for i, c := range conns {
		_, body := c.answer(t)
		if n := strings.Count(body, `"finish_reason":null`); n != tokens || !strings.HasSuffix(body, doneFrame) {
			t.Errorf("stream %d has %d tokens of %d and ends with %q", i, n, tokens, body[max(0, len(body)-100):])
		}
	}
	for _, c := range conns {
		if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if status, _ := c.answer(t); status != http.StatusOK {
			t.Errorf("status %d for the next request", status)
		}
	}
}

// Those who wait for their first token, or for a place, hold no goroutine either.
func TestWaitingStreamsHoldNoGoroutine(t *testing.T) {
	requireRing(t)
	const streams = 32
	gate := make(chan struct{})
	s := serveOn(t, iouring.BackendURing, enginetest.Options{Printable: true, Gate: gate},
		engine.ContextConfig{MaxSequences: streams / 2}, local.Batching{}, nil)
	before := runtime.NumGoroutine()
	conns := make([]connection, streams)
	for i := range conns {
		conns[i] = s.connect(t)
		conns[i].ask(t, fmt.Sprintf(`{"prompt":"x%d","stream":true,"max_tokens":3}`, i))
	}
	s.wait(t, "all requests", func(st local.Stats) bool { return st.Active+st.Waiting == streams })
	s.wait(t, "handlers to leave", func(local.Stats) bool { return runtime.NumGoroutine()-before < streams/4 })
	close(gate)
	for _, c := range conns {
		if status, body := c.answer(t); status != http.StatusOK || !strings.HasSuffix(body, doneFrame) {
			t.Errorf("status %d, %q", status, body)
		}
	}
}

// What fails before its first token is answered alike over io_uring, where the handler
// has gone by then, and over package net, where it waits.
func TestStreamFailsBeforeItsFirstToken(t *testing.T) {
	answers := map[string]http.Header{}
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		fake := enginetest.Options{Printable: true, Fault: func(int, *engine.Batch) error { return errors.New("broken") }}
		s := serveOn(t, backend, fake, engine.ContextConfig{}, local.Batching{}, nil)
		for _, path := range []string{"/v1/completions", "/v1/messages", "/api/generate"} {
			body := map[string]string{"/v1/messages": `{"model":"tiny","max_tokens":3,"stream":true,"messages":[{"role":"user","content":"x"}]}`}[path]
			if body == "" {
				body = `{"model":"tiny","prompt":"x","stream":true}`
			}
			status, header, text := s.post(t, path, body)
			if status != http.StatusInternalServerError || !strings.Contains(text, "error") || header.Get("X-Request-Id") == "" {
				t.Errorf("%s: status %d, %v: %s", path, status, header, text)
			}
			for _, name := range []string{"Date", "X-Request-Id", "Request-Id", "Content-Length"} { // one body names the request
				if name != "Request-Id" && header.Get(name) == "" {
					t.Errorf("%s: no %s", path, name)
				}
				header.Del(name)
			}
			if other := answers[path]; other != nil && !reflect.DeepEqual(other, header) {
				t.Errorf("%s: over package net %v, else %v", path, header, other)
			}
			answers[path] = header
		}
		s.wait(t, "the end of all", func(st local.Stats) bool { return st.Active+st.Waiting == 0 && s.handler.Streams() == 0 })
		_, _, metrics := s.do(t, http.MethodGet, "/metrics", "", nil)
		if !strings.Contains(metrics, `status="500"`) && !strings.Contains(metrics, `code="500"`) {
			t.Error("no failure in the metrics")
		}
	})
}

// A client that does not read pauses its own generation; later it misses
// nothing.
func TestSlowClientPausesItsGeneration(t *testing.T) {
	requireRing(t)
	const tokens, few = 40_000, 2000 // more than sockets hold, and the other client's
	s := serveOn(t, iouring.BackendURing, enginetest.Options{Printable: true},
		engine.ContextConfig{MaxSequences: 2, ContextTokens: 3 * tokens}, local.Batching{RingTokens: 16},
		func(c *front.Config) { c.Streams.PauseBytes, c.Streams.LimitBytes = 8<<10, 64<<10 })
	body := func(n int) string {
		return fmt.Sprintf(`{"prompt":"x","stream":true,"temperature":0,"max_tokens":%d}`, n)
	}
	slow, quick := s.connect(t), s.connect(t)
	if err := slow.Conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	slow.ask(t, body(tokens))
	s.wait(t, "a paused generation", func(st local.Stats) bool { return st.Paused == 1 })
	quick.ask(t, body(few))
	_, want := quick.answer(t)
	// It goes on for as long as its socket's buffer still grows.
	s.wait(t, "the slow client's generation, alone and paused", func(st local.Stats) bool { return st.Active == 1 && st.Paused == 1 })
	if st := s.generator.Stats(); st.Active != 1 || st.CompletionTokens >= tokens {
		t.Errorf("the slow client's generation did not wait: %+v", st)
	}
	_, got := slow.answer(t)
	texts := func(body string) (all []string) {
		for frame := range strings.SplitSeq(body, "\n\n") {
			_, rest, _ := strings.Cut(frame, `"text":`)
			if text, _, ok := strings.Cut(rest, `,"logprobs":null,"finish_reason":null`); ok {
				all = append(all, text)
			}
		}
		return all
	}
	all, first := texts(got), texts(want)
	if len(all) != tokens || len(first) != few || !slices.Equal(all[:few], first) || !strings.HasSuffix(got, doneFrame) {
		t.Errorf("the slow client got %d tokens of %d, the other %d of %d, or they differ", len(all), tokens, len(first), few)
	}
}

// Under TLS, with either protocol, streams take the ordinary path.
func TestFanOutUnderTLS(t *testing.T) {
	const tokens = 50
	for _, protocol := range []string{"http/1.1", "h2"} {
		send := func(t *testing.T, writeTimeout time.Duration, body string) (*service, *http.Response) {
			s := serve(t, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 1 << 22},
				local.Batching{}, func(c *front.Config) { c.WriteTimeout = writeTimeout })
			server := httptest.NewUnstartedServer(s.handler)
			server.EnableHTTP2 = protocol == "h2"
			server.StartTLS()
			t.Cleanup(server.Close)
			response, err := server.Client().Post(server.URL+"/v1/completions", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { response.Body.Close() })
			return s, response
		}
		t.Run(protocol, func(t *testing.T) {
			_, response := send(t, 0, fmt.Sprintf(`{"prompt":"x","stream":true,"max_tokens":%d}`, tokens))
			body, err := io.ReadAll(response.Body)
			if n := strings.Count(string(body), `"finish_reason":null`); n != tokens || err != nil || !strings.HasSuffix(string(body), doneFrame) {
				t.Errorf("%d tokens of %d over %s, %v", n, tokens, response.Proto, err)
			}
		})
		t.Run(protocol+" that nobody reads", func(t *testing.T) {
			s, _ := send(t, 100*time.Millisecond, `{"prompt":"x","stream":true}`)
			s.wait(t, "the freed sequence", func(st local.Stats) bool { return st.Active == 0 && st.Finished[ask.FinishAborted] == 1 })
		})
	}
}

func TestWaitAndClose(t *testing.T) {
	requireRing(t)
	fake := enginetest.Options{Printable: true, Delay: func(*engine.Batch) time.Duration { return time.Millisecond }}
	s := serveOn(t, iouring.BackendURing, fake, engine.ContextConfig{ContextTokens: 1 << 20}, local.Batching{}, nil)
	c := s.connect(t)
	c.ask(t, `{"prompt":"x","stream":true}`)
	s.wait(t, "the stream", func(local.Stats) bool { return s.handler.Streams() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.handler.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait beside a stream: %v", err)
	}
	s.handler.Close()
	response, err := http.ReadResponse(c.lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("a stream that was cut off ends in order: %q", body[max(0, len(body)-100):])
	}
	s.wait(t, "the freed sequence", func(st local.Stats) bool { return st.Active == 0 })
	if err := s.handler.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if status, _, body := s.post(t, "/v1/completions", `{"prompt":"x","stream":true,"max_tokens":3}`); status != http.StatusServiceUnavailable {
		t.Errorf("after Close: status %d, %q", status, body)
	}
}

// From a decoded row to the socket nothing is allocated.
func TestEmitterAllocatesNothingPerToken(t *testing.T) {
	requireRing(t)
	const streams, steps = 8, 2500
	gate := make(chan struct{})
	s := serveOn(t, iouring.BackendURing, enginetest.Options{Printable: true, Gate: gate},
		engine.ContextConfig{MaxSequences: streams, ContextTokens: streams * 4096}, local.Batching{}, nil)
	for i := range streams {
		c := s.connect(t)
		c.ask(t, fmt.Sprintf(`{"prompt":"x%d","stream":true}`, i))
		go func() {
			buffer := make([]byte, 64<<10)
			for {
				if _, err := c.Read(buffer); err != nil {
					return
				}
			}
		}()
	}
	s.wait(t, "all requests", func(st local.Stats) bool { return st.Active+st.Waiting == streams })
	step := func(n int) {
		for range n {
			gate <- struct{}{}
		}
	}
	step(100) // buffers grow
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	step(steps)
	runtime.ReadMemStats(&after)
	close(gate)
	// One in twenty: a native histogram allocates each of its 160 buckets when
	// it is first hit, and a reader that is late lets a buffer grow.
	if n := after.Mallocs - before.Mallocs; n > streams*steps/20 {
		t.Errorf("%d allocations for %d tokens", n, streams*steps)
	}
}
