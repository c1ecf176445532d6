package front_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

func TestBadInput(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x", Context: 32}, func(c *front.Config) {
		c.BodyBytes = 1000
		c.LogprobEntries, c.StreamLogprobEntries = 100, 20
		c.StrictModel = true
	})
	json := map[string]string{"Content-Type": "application/json"}
	const chat, completion = "/v1/chat/completions", "/v1/completions"
	tests := []struct {
		name, method, path string
		header             map[string]string
		body               string
		status             int
		code, text         string
	}{
		{"malformed", "POST", chat, json, `{"messages":`, 400, "invalid_json", "malformed JSON"},
		{"empty", "POST", completion, json, ``, 400, "invalid_json", "malformed JSON"},
		{"bad value", "POST", chat, json, `{` + hello + `,"top_p":7}`, 400, "invalid_value", "top_p"},
		{"unknown model", "POST", chat, json, `{"model":"gpt-x",` + hello + `}`, 404, "model_not_found", `this server has "tiny"`},
		{"unknown model", "GET", "/v1/models/gpt/x", nil, ``, 404, "model_not_found", `"gpt/x"`},
		{"too long", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 40) + `"}`, 400, "context_length_exceeded", "41 tokens"},
		{"too long", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 40) + `"}`, 400, "context_length_exceeded", "context of 32 tokens"},
		{"too large", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 2000) + `"}`, 413, "request_too_large", "1000 bytes"},
		{"logprobs", "POST", completion, json, `{"prompt":"x","max_tokens":10,"logprobs":10}`, 400, "invalid_value", "11 tokens at each of 10 places"},
		{"streamed logprobs", "POST", completion, json, `{"prompt":"x","stream":true,"logprobs":20}`, 400, "invalid_value", "21 tokens at each of 1 places are more than 20: ask for fewer, or a shorter stop string, or do not stream"},
		{"streamed logprobs", "POST", chat, json, `{` + hello + `,"stream":true,"logprobs":true,"top_logprobs":20}`, 400, "invalid_value", "more than 20"},
		{"held back logprobs", "POST", completion, json, `{"prompt":"x","stream":true,"logprobs":4,"stop":["a","abcd"]}`, 400, "invalid_value", "5 tokens at each of 5 places are more than 20"},
		{"form", "POST", chat, map[string]string{"Content-Type": "text/plain"}, `{` + hello + `}`, 415, "unsupported_media_type", "application/json"},
		{"no type", "POST", chat, map[string]string{"Origin": "http://evil.example"}, `{` + hello + `}`, 415, "unsupported_media_type", "application/json"},
		{"method", "GET", chat, nil, ``, 405, "method_not_allowed", "use POST"},
		{"method", "DELETE", "/health", nil, ``, 405, "405", "use GET"},
		{"path", "GET", "/v2/nothing", nil, ``, 404, "unknown_url", "/v2/nothing"},
		{"token", "POST", "/detokenize", json, `{"tokens":[1000]}`, 400, "400", "tokens: "},
		{"null token", "POST", "/detokenize", json, `{"tokens":[1,null]}`, 400, "400", "null is neither"},
		{"null prompt", "POST", completion, json, `{"prompt":[null,"a"]}`, 400, "invalid_value", "null is neither"},
		{"null among tokens", "POST", completion, json, `{"prompt":[[1,null]]}`, 400, "invalid_value", "null is neither"},
		{"pieces", "POST", "/tokenize", json, `{"content":["a",1000],"with_pieces":true}`, 400, "400", "content: "},
		{"tokenize", "POST", "/tokenize", json, `{"content":7}`, 400, "400", "content"},
	}
	for _, test := range tests {
		status, header, body := s.do(t, test.method, test.path, test.body, test.header)
		e := decodeError(t, body)
		if status != test.status || string(e.Code) != test.code || !strings.Contains(e.Message, test.text) {
			t.Errorf("%s %s: status %d, %+v\nwant %d, code %q, message with %q", test.name, test.path, status, e, test.status, test.code, test.text)
		}
		if got := header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s %s: Content-Type %q", test.name, test.path, got)
		}
		if allow := header.Get("Allow"); (status == 405) != (allow != "") {
			t.Errorf("%s %s: Allow %q with status %d", test.name, test.path, allow, status)
		}
	}
}

// What an answer takes for one token is held before anything is generated.
func TestAnswerIsHeldBeforeItIsMade(t *testing.T) {
	submitted := false
	refuse := func(*ask.Request) error { submitted = true; return nil }
	s := serve(t, &generatetest.Generator{Reply: "x", Refuse: refuse}, func(c *front.Config) {
		c.MemoryBytes, c.LogprobEntries = 8<<10, 1000
	})
	status, _, body := s.post(t, "/v1/completions", `{"prompt":"x","max_tokens":1,"logprobs":200}`)
	if e := decodeError(t, body); status != 400 || e.Code != "invalid_value" || submitted {
		t.Errorf("status %d, %+v, submitted %v", status, e, submitted)
	}
	if status, _, body := s.post(t, "/v1/completions", `{"prompt":"x","max_tokens":1,"logprobs":2}`); status != 200 || !submitted {
		t.Errorf("status %d, %s", status, body)
	}
}

// A fault of the generator becomes a status and a code; its cause stays here.
func TestFaultsBecomeStatuses(t *testing.T) {
	for _, test := range []struct {
		fault  ask.Fault
		status int
		code   string
	}{
		{ask.Fault{Kind: ask.TemplateMissing, What: "no template"}, 400, "no_chat_template"},
		{ask.Fault{Kind: ask.TemplateRefused, What: "no"}, 400, "invalid_value"},
		{ask.Fault{Kind: ask.TemplateFailed, What: "broken", Cause: http.ErrBodyNotAllowed}, 500, "chat_template_failed"},
		{ask.Fault{Kind: ask.PromptEmpty, What: "empty"}, 400, "invalid_value"},
		{ask.Fault{Kind: ask.QueueFull, What: "full", Remedy: "wait"}, 429, "queue_full"},
		{ask.Fault{Kind: ask.ShuttingDown, What: "down"}, 503, "shutting_down"},
		{ask.Fault{Kind: ask.EngineStuck, What: "engine stuck for 31 s"}, 503, "engine_stuck"},
		{ask.Fault{Kind: ask.Internal, What: "failed", Cause: http.ErrBodyNotAllowed}, 500, "internal_error"},
	} {
		for _, stream := range []string{"true", "false"} {
			s := serve(t, &generatetest.Generator{Refuse: func(*ask.Request) error { return &test.fault }}, nil)
			status, header, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":`+stream+`}`)
			e := decodeError(t, body)
			if status != test.status || string(e.Code) != test.code || e.Message != test.fault.Error() {
				t.Errorf("%+v: status %d, %+v", test.fault, status, e)
			}
			if wait := header.Get("Retry-After"); (wait != "") != (status == 429 || status == 503) {
				t.Errorf("status %d, Retry-After %q", status, wait)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Keys = []string{"first", "second"} })
	tests := []struct {
		path, name, value string
		status            int
	}{
		{"/v1/models", "", "", 401},
		{"/v1/models", "Authorization", "Bearer first", 200},
		{"/v1/models", "Authorization", "bearer second", 200},
		{"/v1/models", "X-Api-Key", "second", 200},
		{"/v1/models", "Api-Key", "first", 200},
		{"/v1/models", "Api-Key", "firs", 401},
		{"/v1/models", "Authorization", "Bearer firs", 401},
		{"/v1/models", "Authorization", "Bearer firstx", 401},
		{"/v1/models", "Authorization", "Bearer", 401},
		{"/v1/models", "Authorization", "Basic first", 401},
		{"/v1/models/tiny", "", "", 401},
		{"/metrics", "", "", 401},
		{"/nothing", "", "", 401},
		{"/nothing", "Authorization", "Bearer first", 404},
		{"/health", "", "", 200},
	}
	for _, test := range tests {
		header := map[string]string{}
		if test.name != "" {
			header[test.name] = test.value
		}
		status, answer, body := s.do(t, http.MethodGet, test.path, "", header)
		if status != test.status {
			t.Errorf("%s with %s %q: status %d, want %d", test.path, test.name, test.value, status, test.status)
		}
		if status == 401 {
			if e := decodeError(t, body); e.Code != "invalid_api_key" || answer.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %+v, WWW-Authenticate %q", test.path, e, answer.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestModelsAndHealth(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for name, path := range map[string]string{"models": "/v1/models", "model": "/v1/models/tiny", "health": "/health"} {
		status, _, body := s.do(t, http.MethodGet, path, "", nil)
		if status != 200 {
			t.Errorf("%s: status %d", path, status)
		}
		golden(t, name, body)
	}
}

// Whoever has seen the end of an answer finds it in the metrics.
func TestMetrics(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "abc"}, nil)
	for i, stream := range []string{"true", "false"} {
		if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":`+stream+`}`); status != 200 {
			t.Fatalf("status %d: %s", status, body)
		}
		status, _, body := s.do(t, http.MethodGet, "/metrics", "", nil)
		if status != 200 {
			t.Fatalf("status %d", status)
		}
		n := []string{" 1\n", " 2\n"}[i]
		for _, want := range []string{
			`weir_request_success_total{finished_reason="stop",model_name="tiny"}` + n,
			`weir_time_to_first_token_seconds_count{model_name="tiny"}` + n,
			`weir_e2e_request_latency_seconds_count{model_name="tiny"}` + n,
			`weir_request_queue_time_seconds_count{model_name="tiny"}` + n,
			`weir_http_requests_total{model_name="tiny",path="/v1/chat/completions",status="200"}` + n,
			`weir_inter_token_latency_seconds_bucket{model_name="tiny",le="0.001"}`,
			"go_goroutines ",
		} {
			if !strings.Contains(body, want) {
				name, _, _ := strings.Cut(want, "{")
				t.Errorf("stream %s: no line %q, but\n%s", stream, want, linesWith(body, name))
			}
		}
	}
}

// order is a client and a collector, and notes what comes when.
type order struct {
	httptest.ResponseRecorder
	prometheus.Collector
	seen []string
}

func (o *order) SetWriteDeadline(time.Time) error {
	o.seen = append(o.seen, "deadline")
	return nil
}

func (o *order) Write(p []byte) (int, error) {
	o.seen = append(o.seen, "write")
	return len(p), nil
}

func (o *order) Collect(out chan<- prometheus.Metric) {
	o.seen = append(o.seen, "collect")
	o.Collector.Collect(out)
}

// What a client has time for is to read, not for the server to collect.
func TestMetricsAreCollectedBeforeTheClock(t *testing.T) {
	o := &order{Collector: prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})}
	handler, err := front.New(front.Config{Generator: &generatetest.Generator{}, Collectors: []prometheus.Collector{o}})
	if err != nil {
		t.Fatal(err)
	}
	defer handler.Close()
	handler.ServeHTTP(o, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if len(o.seen) < 3 || !slices.Equal(o.seen[:3], []string{"collect", "deadline", "write"}) {
		t.Errorf("%q", o.seen)
	}
}

func linesWith(text, part string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// What is not served is so with and without a slash, and nobody is sent back and forth.
func TestUnservedFolders(t *testing.T) {
	s := serve(t, &generatetest.Generator{}, nil)
	for _, path := range []string{"/v1/audio", "/v1/audio/", "/v1/audio//speech", "/v1/images/", "/v1/files", "/v1/files/", "/v1/files/file-1", "/v1/organization/"} {
		if w := answerOf(s.handler, http.MethodGet, path); w.Code != http.StatusNotImplemented {
			t.Errorf("%s: status %d, %v", path, w.Code, w.Header())
		}
	}
}
