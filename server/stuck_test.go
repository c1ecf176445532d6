package server_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

// A decode hangs, deaf to Abort: who streams, who waits for an answer and who comes
// is told, /health says so, and all is well when it has returned.
func TestStuckEngine(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		hold := make(chan struct{})
		free := sync.OnceFunc(func() { close(hold) })
		fake := enginetest.Options{Printable: true, Fault: func(step int, _ *engine.Batch) error {
			if step >= 10 {
				<-hold
			}
			return nil
		}}
		s := serveOn(t, backend, fake, engine.ContextConfig{MaxSequences: 1}, local.Batching{StuckAfter: 2 * time.Second}, nil)
		t.Cleanup(free)

		const path = "/v1/completions"
		response, err := http.Post(s.url+path, "application/json", strings.NewReader(`{"prompt":"x","stream":true}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() // the only sequence is its, all others wait
		var told sync.WaitGroup
		for _, stream := range []string{"true", "false"} {
			told.Go(func() {
				status, header, body := s.post(t, path, `{"prompt":"x","max_tokens":3,"stream":`+stream+`}`)
				if e := decodeError(t, body); status != http.StatusServiceUnavailable || e.Code != "engine_stuck" || header.Get("Retry-After") == "" {
					t.Errorf("stream %s: waited for status %d, %+v", stream, status, e)
				}
			})
		}
		events, err := io.ReadAll(response.Body)
		if err != nil || !strings.HasPrefix(string(events), `data: {"id"`) || !strings.Contains(string(events), `"code":"engine_stuck"`) {
			t.Errorf("the stream is %s, %v", events, err)
		}
		told.Wait()
		if status, _, body := s.post(t, path, `{"prompt":"x"}`); status != http.StatusServiceUnavailable {
			t.Errorf("a new request: status %d, %s", status, body)
		}
		if status, _, body := s.post(t, "/tokenize", `{"content":"x"}`); status != http.StatusOK {
			t.Errorf("what needs no engine: status %d, %s", status, body)
		}
		for _, path := range []string{"/health", "/health/live"} {
			status, _, body := s.do(t, http.MethodGet, path, "", nil)
			if e := decodeError(t, body); status != http.StatusServiceUnavailable || !strings.HasPrefix(e.Message, "engine stuck for ") {
				t.Errorf("%s: status %d, %+v", path, status, e)
			}
		}
		if _, _, body := s.do(t, http.MethodGet, "/metrics", "", nil); !strings.Contains(body, `weir_engine_stuck_total{model_name="tiny"} 1`) {
			t.Error("no stuck decode in the metrics")
		}

		free()
		s.wait(t, "the engine's return", func(stats local.Stats) bool { return stats.Stuck == 0 })
		if status, _, body := s.do(t, http.MethodGet, "/health", "", nil); status != http.StatusOK {
			t.Errorf("after its return: /health: status %d, %s", status, body)
		}
		if status, _, body := s.post(t, path, `{"prompt":"x","max_tokens":3}`); status != http.StatusOK {
			t.Errorf("after its return: status %d, %s", status, body)
		}
	})
}
