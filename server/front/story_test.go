package front_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/record"
)

// stories are what a recorder was told.
type stories struct {
	mu   sync.Mutex
	told []record.Request
}

// Record implements record.Recorder.
func (s *stories) Record(r *record.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, *r)
}

// one is the only one since the last time.
func (s *stories) one(t *testing.T) record.Request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) != 1 {
		t.Fatalf("%d records: %+v", len(s.told), s.told)
	}
	r := s.told[0]
	s.told = nil
	return r
}

// What became of a request is told once, with its sizes and its times.
func TestRecordOfAScriptedRun(t *testing.T) {
	var told stories
	change := func(c *front.Config) { c.Recorders = append(c.Recorders, &told) }
	inVirtualTime(t, &timed{events: threeTokens(ask.FinishLength)}, change, func(t *testing.T, h *front.Handler) {
		for _, stream := range []bool{false, true} {
			body := `{` + hello + `,"model":"mine"}`
			if stream {
				body = `{` + hello + `,"model":"mine","stream":true}`
			}
			begin := time.Now()
			w := asked(t, h, "/v1/chat/completions?key=secret", body, "X-Request-Id", "mine-1",
				"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a=b")
			got := told.one(t)
			want := record.Request{
				ID: "mine-1", Method: "POST", Path: "/v1/chat/completions", Route: "/v1/chat/completions", Client: "192.0.2.1:1234", Status: 200,
				Begin: begin, Total: 100 * ms, First: 50 * ms, Asked: "mine", Model: "tiny",
				PromptTokens: 7, CachedTokens: 4, CompletionTokens: 3, Queue: 20 * ms, Prompt: 30 * ms, Decode: 50 * ms,
				Reason: "length", Streamed: stream, Bytes: int64(w.Body.Len()),
				TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=b",
			}
			if got != want {
				t.Errorf("%+v\nwant\n%+v", got, want)
			}
		}
		if asked(t, h, "/v1/chat/completions", `{"messages":1}`); told.one(t).Fault == nil {
			t.Error("no fault")
		}
		if w, got := answerOf(h, http.MethodGet, "/nothing"), told.one(t); got.Status != 404 || got.Route != "other" || got.Path != "/nothing" || got.Model != "" || got.Bytes != int64(w.Body.Len()) || got.Bytes == 0 {
			t.Errorf("%+v", got)
		}
		answerOf(h, http.MethodGet, "/metrics")
		if got := told.one(t); got.Status != 200 || got.Bytes == 0 {
			t.Errorf("%+v", got)
		}
		if answerOf(h, http.MethodHead, "/health"); told.one(t).Bytes != 0 {
			t.Error("HEAD has a body")
		}
	})
}

// A client that goes has had what it got.
func TestRecordOfAClientThatGoes(t *testing.T) {
	var told stories
	change := func(c *front.Config) { c.Recorders = append(c.Recorders, &told) }
	for _, test := range []struct {
		stream        string
		after         time.Duration
		first         time.Duration
		tokens, bytes bool
	}{
		{"false", 10 * ms, 0, false, false}, {"false", 80 * ms, 50 * ms, true, false}, {"true", 80 * ms, 50 * ms, true, true},
	} {
		inVirtualTime(t, &timed{events: threeTokens(ask.FinishStop)}, change, func(t *testing.T, h *front.Handler) {
			ctx, cancel := context.WithTimeout(t.Context(), test.after)
			defer cancel()
			q := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(`{`+hello+`,"stream":`+test.stream+`}`))
			q.Header.Set("Content-Type", "application/json")
			func() {
				defer func() { _ = recover() }() // http.ErrAbortHandler
				h.ServeHTTP(httptest.NewRecorder(), q)
			}()
			<-time.After(time.Second)
			synctest.Wait()
			got := told.one(t)
			if got.Status != 499 || got.Reason != "abort" || got.PromptTokens != 7 || got.First != test.first ||
				got.CompletionTokens > 0 != test.tokens || got.Bytes > 0 != test.bytes || got.Fault == nil {
				t.Errorf("%+v: %+v", test, got)
			}
		})
	}
}

func TestRequestIDs(t *testing.T) {
	var logged bytes.Buffer
	var told stories
	s := serve(t, &generatetest.Generator{Reply: "abc", Fail: map[int]*ask.Fault{0: ask.Failed(nil)}}, func(c *front.Config) {
		c.Recorders = append(c.Recorders, &told)
		c.Log = slog.New(slog.NewTextHandler(&logged, nil))
	})
	made := regexp.MustCompile(`^req_[A-Z2-7]{26}$`)
	for sent, kept := range map[string]bool{
		"": false, "mine": true, "0af7651916cd43dd8448eb211c80319c": true, "a/b:c.d+e=f@g_h-i": true, strings.Repeat("x", 128): true,
		strings.Repeat("x", 129): false, "a b": false, `a"b`: false, "<script>": false, "a;b": false, "ä": false, "$(x)": false,
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/nothing"} {
			logged.Reset()
			header := map[string]string{"Content-Type": "application/json", "X-Request-Id": sent}
			if sent == "" {
				delete(header, "X-Request-Id")
			}
			_, answered, _ := s.do(t, http.MethodPost, path, `{`+hello+`,"max_tokens":3}`, header)
			id := answered.Get("X-Request-Id")
			if kept && id != sent || !kept && !made.MatchString(id) {
				t.Errorf("%s: %q becomes %q", path, sent, id)
			}
			if r := told.one(t); r.ID != id {
				t.Errorf("%s: %q is recorded as %q", path, id, r.ID)
			}
			if path != "/nothing" && !strings.Contains(logged.String(), "request_id="+id) && !strings.Contains(logged.String(), `request_id="`+id) {
				t.Errorf("%s: %q is not in %q", path, id, logged.String())
			}
			if path == "/v1/messages" {
				if named := answered.Get("Request-Id"); !kept && named != id || !made.MatchString(named) {
					t.Errorf("%q, and %q for Anthropic's clients", id, named)
				}
			}
		}
	}
	_, answered, _ := s.do(t, http.MethodGet, "/health", "", nil)
	_, other, _ := s.do(t, http.MethodGet, "/health", "", nil)
	if ids := []string{answered.Get("X-Request-Id"), other.Get("X-Request-Id")}; ids[0] == ids[1] || slices.Contains(ids, "") {
		t.Errorf("%q", ids)
	}
}
