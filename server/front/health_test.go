package front_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// checked is a generator with something wrong with it, unless fault is nil.
type checked struct {
	*generatetest.Generator
	fault *ask.Fault
}

// Check implements generate.Checker.
func (c checked) Check() error {
	if c.fault == nil {
		return nil
	}
	return c.fault
}

// Readiness is what a request would get; liveness is lost only where a restart
// helps.
func TestHealth(t *testing.T) {
	stuck := &ask.Fault{Kind: ask.EngineStuck, What: "engine stuck for 31 s", Remedy: "wait"}
	for _, test := range []struct {
		name        string
		fault       *ask.Fault
		drain       bool
		ready, live string // the code of the fault, "" for 200
		why         string
	}{
		{name: "ok"},
		{name: "draining", drain: true, ready: "shutting_down", why: "the server is shutting down: try another one, or again later"},
		{name: "stuck", fault: stuck, ready: "engine_stuck", live: "engine_stuck", why: "engine stuck for 31 s: wait"},
		{name: "stuck and draining", fault: stuck, drain: true, ready: "shutting_down", live: "engine_stuck"},
	} {
		g := &generatetest.Generator{Reply: "x"}
		s := serve(t, g, func(cfg *front.Config) { cfg.Generator, cfg.Keys = checked{g, test.fault}, []string{"secret"} })
		if test.drain {
			s.handler.Drain()
		}
		for path, code := range map[string]string{"/health": test.ready, "/health/live": test.live} {
			status, header, body := s.do(t, http.MethodGet, path, "", nil)
			if code == "" {
				if status != http.StatusOK || body != `{"status":"ok"}` {
					t.Errorf("%s: %s: status %d, %s", test.name, path, status, body)
				}
				continue
			}
			if path == "/health" {
				code = "503" // llama-server's
			}
			if e := decodeError(t, body); status != http.StatusServiceUnavailable || string(e.Code) != code || header.Get("Retry-After") == "" ||
				test.why != "" && e.Message != test.why {
				t.Errorf("%s: %s: status %d, %+v", test.name, path, status, e)
			}
		}
	}
}

// Before the model is there, every path says so but the one that asks whether to
// restart.
func TestLoading(t *testing.T) {
	server := httptest.NewServer(front.Loading(front.Origins{}, nil, front.LlamaServer{}))
	defer server.Close()
	s := &service{url: server.URL}
	for _, path := range []string{"/health", "/v1/models", "/v1/chat/completions", "/metrics"} {
		status, header, body := s.post(t, path, `{}`)
		code := "loading"
		if path == "/health" {
			code = "503" // llama-server's
		}
		if e := decodeError(t, body); status != http.StatusServiceUnavailable || string(e.Code) != code || header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d, %+v", path, status, e)
		}
	}
	if status, _, body := s.do(t, http.MethodGet, "/health/live", "", nil); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("liveness: status %d, %s", status, body)
	}
	below := front.Loading(front.Origins{}, nil, front.LlamaServer{Prefix: "/llm"})
	for path, status := range map[string]int{"/llm/health/live": 200, "/llm/health": 503, "/health/live": 503} {
		if w := answerOf(below, http.MethodGet, path); w.Code != status {
			t.Errorf("%s: status %d, %s", path, w.Code, w.Body)
		}
	}
}

// No embedding begins while the server drains, in any dialect.
func TestEmbeddingsWhileDraining(t *testing.T) {
	s := serveModel(t, newModel("x"), nil)
	s.handler.Drain()
	for path, body := range map[string]string{
		"/v1/embeddings": `{"input":"a"}`, "/embedding": `{"content":"a"}`, "/api/embed": `{"model":"tiny","input":"a"}`, "/rerank": `{"query":"a","documents":["b"]}`,
	} {
		if status, _, answer := s.post(t, path, body); status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d: %s", path, status, answer)
		}
	}
}
