package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

func TestBadInput(t *testing.T) {
	s := serve(t, saying("x"), engine.ContextConfig{MaxSequences: 2, ContextTokens: 64}, batch.Config{}, func(c *Config) {
		c.BodyBytes = 1000
		c.LogprobEntries = 100
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
		{"malformed", "POST", chat, json, `{"messages":`, 400, openai.CodeInvalidJSON, "malformed JSON"},
		{"empty", "POST", completion, json, ``, 400, openai.CodeInvalidJSON, "malformed JSON"},
		{"bad value", "POST", chat, json, `{` + hello + `,"top_p":7}`, 400, openai.CodeInvalidValue, "top_p"},
		{"unknown model", "POST", chat, json, `{"model":"gpt-x",` + hello + `}`, 404, openai.CodeModelNotFound, `this server has "tiny"`},
		{"unknown model", "GET", "/v1/models/gpt/x", nil, ``, 404, openai.CodeModelNotFound, `"gpt/x"`},
		{"too long", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 40) + `"}`, 400, openai.CodeContextLength, "41 tokens"},
		{"too long", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 40) + `"}`, 400, openai.CodeContextLength, "context of 32 tokens"},
		{"too large", "POST", completion, json, `{"prompt":"` + strings.Repeat("x", 2000) + `"}`, 413, "request_too_large", "1000 bytes"},
		{"logprobs", "POST", completion, json, `{"prompt":"x","max_tokens":10,"logprobs":10}`, 400, openai.CodeInvalidValue, "11 tokens at each of 10 places"},
		{"form", "POST", chat, map[string]string{"Content-Type": "text/plain"}, `{` + hello + `}`, 415, "unsupported_media_type", "application/json"},
		{"no type", "POST", chat, nil, `{` + hello + `}`, 415, "unsupported_media_type", "application/json"},
		{"method", "GET", chat, nil, ``, 405, "method_not_allowed", "use POST"},
		{"method", "DELETE", "/health", nil, ``, 405, "method_not_allowed", "use GET"},
		{"path", "GET", "/v2/nothing", nil, ``, 404, "unknown_url", "/v2/nothing"},
		{"token", "POST", "/detokenize", json, `{"tokens":[1000]}`, 400, openai.CodeInvalidValue, "token 1000"},
		{"tokenize", "POST", "/tokenize", json, `{"content":7}`, 400, openai.CodeInvalidValue, "content"},
	}
	for _, test := range tests {
		status, header, body := s.do(t, test.method, test.path, test.body, test.header)
		e := decodeError(t, body)
		if status != test.status || e.Code != test.code || !strings.Contains(e.Message, test.text) {
			t.Errorf("%s %s: status %d, %+v\nwant %d, code %q, message with %q", test.name, test.path, status, e, test.status, test.code, test.text)
		}
		if got := header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s %s: Content-Type %q", test.name, test.path, got)
		}
		if allow := header.Get("Allow"); (status == 405) != (allow != "") {
			t.Errorf("%s %s: Allow %q with status %d", test.name, test.path, allow, status)
		}
	}
	if st := s.loop.Stats(); st.Steps != 0 {
		t.Errorf("bad input was decoded: %+v", st)
	}
}

func TestNoTemplate(t *testing.T) {
	s := serve(t, saying("x"), engine.ContextConfig{}, batch.Config{}, func(c *Config) { c.Template = nil })
	status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`}`)
	if e := decodeError(t, body); status != 400 || e.Code != "no_chat_template" {
		t.Errorf("status %d, %+v", status, e)
	}
}

func TestKeys(t *testing.T) {
	s := serve(t, saying("x"), engine.ContextConfig{}, batch.Config{}, func(c *Config) { c.Keys = []string{"first", "second"} })
	tests := []struct {
		path, name, value string
		status            int
	}{
		{"/v1/models", "", "", 401},
		{"/v1/models", "Authorization", "Bearer first", 200},
		{"/v1/models", "Authorization", "bearer second", 200},
		{"/v1/models", "X-Api-Key", "second", 200},
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
			if e := decodeError(t, body); e.Code != openai.CodeInvalidKey || answer.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %+v, WWW-Authenticate %q", test.path, e, answer.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestModelsAndHealth(t *testing.T) {
	s := serve(t, saying("x"), engine.ContextConfig{}, batch.Config{}, nil)
	for name, path := range map[string]string{"models": "/v1/models", "model": "/v1/models/tiny", "health": "/health"} {
		status, _, body := s.do(t, http.MethodGet, path, "", nil)
		if status != 200 {
			t.Errorf("%s: status %d", path, status)
		}
		golden(t, name, body)
	}
}

func TestMetrics(t *testing.T) {
	s := serve(t, saying("abc"), engine.ContextConfig{}, batch.Config{}, nil)
	if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`); status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	s.wait(t, "an idle loop", func(st batch.Stats) bool { return st.Active == 0 })
	status, _, body := s.do(t, http.MethodGet, "/metrics", "", nil)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{
		`weir_request_success_total{finished_reason="stop",model_name="tiny"} 1`,
		`weir_generation_tokens_total{model_name="tiny"} 3`,
		`weir_num_requests_running{model_name="tiny"} 0`,
		`weir_num_requests_waiting{model_name="tiny"} 0`,
		`weir_kv_cache_usage_perc{model_name="tiny"} 0`,
		`weir_time_to_first_token_seconds_count{model_name="tiny"} 1`,
		`weir_e2e_request_latency_seconds_count{model_name="tiny"} 1`,
		`weir_request_queue_time_seconds_count{model_name="tiny"} 1`,
		`weir_http_requests_total{model_name="tiny",path="/v1/chat/completions",status="200"} 1`,
		`weir_inter_token_latency_seconds_bucket{model_name="tiny",le="0.001"}`,
		"go_goroutines ",
	} {
		if !strings.Contains(body, want) {
			name, _, _ := strings.Cut(want, "{")
			t.Errorf("no line %q, but\n%s", want, linesWith(body, name))
		}
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
