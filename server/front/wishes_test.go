package front_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// remembering is a generator that remembers the last request.
func remembering() (*generatetest.Generator, *atomic.Pointer[ask.Request]) {
	last := new(atomic.Pointer[ask.Request])
	return &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		last.Store(r)
		return nil
	}}, last
}

// What a header may lower, and that it raises nothing.
func TestHeadersLowerTheTier(t *testing.T) {
	generator, last := remembering()
	f := keyFile(t, holder("high", `,"tier":"priority","weight":3`), holder("mid", ""), holder("low", `,"tier":"background"`))
	s := serve(t, generator, func(c *front.Config) { c.Tenants = f })
	const priority, standard, background = ask.TierPriority, ask.TierStandard, ask.TierBackground
	for _, c := range []struct {
		name, value    string
		high, mid, low ask.Tier
	}{
		{"", "", priority, standard, background},
		{"Priority", "u=0", priority, standard, background},
		{"Priority", "u=3, i", priority, standard, background},
		{"Priority", "u=4", standard, standard, background},
		{"Priority", "i, u=5;x=1", standard, standard, background},
		{"Priority", "u=6", background, background, background},
		{"Priority", "u=7", background, background, background},
		{"Priority", "u=7, u=1", priority, standard, background},
		{"Priority", "u=8", priority, standard, background},
		{"Priority", "u=-1", priority, standard, background},
		{"Priority", "u=77, q=7, \"u=7", priority, standard, background},
		{"x-gateway-inference-objective", "priority", priority, standard, background},
		{"x-gateway-inference-objective", "standard", standard, standard, background},
		{"x-gateway-inference-objective", "background", background, background, background},
		{"x-gateway-inference-objective", "premium-traffic", priority, standard, background},
	} {
		for key, want := range map[string]ask.Tier{"high": c.high, "mid": c.mid, "low": c.low} {
			header := map[string]string{"X-Api-Key": key + "-key", "Content-Type": "application/json"}
			if c.name != "" {
				header[c.name] = c.value
			}
			if status, _, body := s.do(t, http.MethodPost, chatPath, `{`+hello+`}`, header); status != http.StatusOK {
				t.Fatalf("%s: %s: status %d: %s", c.name, c.value, status, body)
			}
			if got := last.Load().Tenant; got.Tier != want || got.Name != key {
				t.Errorf("%s: %q of %s: %+v, want %v", c.name, c.value, key, got, want)
			}
		}
	}
	header := map[string]string{"X-Api-Key": "high-key", "Content-Type": "application/json", "Priority": "u=4"}
	if _, _, body := s.do(t, http.MethodPost, chatPath, `{`+hello+`,"service_tier":"flex"}`, header); last.Load().Tenant.Tier != background {
		t.Errorf("flex and u=4 are of tier %v: %s", last.Load().Tenant.Tier, body)
	}
}

// The other wishes, with and without keys, and what is none.
func TestWishes(t *testing.T) {
	generator, last := remembering()
	s := serve(t, generator, nil)
	const answered = http.StatusOK
	for _, c := range []struct {
		name, value string
		status      int
		is          func(r *ask.Request) bool
	}{
		{"x-gateway-inference-fairness-id", "team a/β", answered, func(r *ask.Request) bool { return r.Tenant.Flow == "team a/β" && r.Tenant.Name == "" }},
		{"x-gateway-inference-fairness-id", strings.Repeat("x", 128), answered, func(r *ask.Request) bool { return len(r.Tenant.Flow) == 128 }},
		{"x-gateway-inference-fairness-id", strings.Repeat("x", 129), 400, nil},
		{"x-slo-ttft-ms", "250.5", answered, func(r *ask.Request) bool { return r.TTFTNs == 250.5e6 && r.TPOTNs == 0 }},
		{"x-slo-ttft-ms", "0", 400, nil},
		{"x-slo-ttft-ms", "soon", 400, nil},
		{"x-slo-ttft-ms", "600001", 400, nil},
		{"x-request-timeout-ms", "3600000", answered, func(r *ask.Request) bool { return r.TimeoutNs > 0 && r.TimeoutNs <= 3600e9 }},
		{"x-request-timeout-ms", "86400000", answered, func(r *ask.Request) bool { return r.TimeoutNs <= ask.MaxTimeoutNs }},
		{"x-request-timeout-ms", "86400001", 400, nil},
		{"x-request-timeout-ms", "0", 400, nil},
		{"x-request-timeout-ms", "-5", 400, nil},
		{"x-request-timeout-ms", "1.5", 400, nil},
		{"x-request-timeout-ms", "5s", 400, nil},
		{"X-Other", "1", answered, func(r *ask.Request) bool {
			return r.TimeoutNs == 0 && r.TTFTNs == 0 && r.Tenant == ask.Tenant{}
		}},
	} {
		last.Store(nil)
		status, _, body := s.do(t, http.MethodPost, "/v1/completions", `{"prompt":"x"}`, map[string]string{"Content-Type": "application/json", c.name: c.value})
		switch r := last.Load(); {
		case status != c.status:
			t.Errorf("%s: %q: status %d: %s", c.name, c.value, status, body)
		case status != answered:
			if r != nil || !strings.Contains(body, c.name) || !strings.Contains(body, "leave the header out") {
				t.Errorf("%s: %q says %s", c.name, c.value, body)
			}
		case r == nil || !c.is(r):
			t.Errorf("%s: %q makes %+v", c.name, c.value, r)
		}
	}
}

// virtual serves in virtual time, and returns a client and what ends both.
func virtual(t *testing.T, g generate.Generator) (*http.Client, func()) {
	t.Helper()
	handler, err := front.New(front.Config{
		Generator: g, Log: slog.New(slog.DiscardHandler),
		Streams: fanout.Config{Backend: iouring.BackendNet}, // a ring lives in real time
	})
	if err != nil {
		t.Fatal(err)
	}
	server, listener := &http.Server{Handler: handler}, make(pipes)
	go server.Serve(listener)
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		listener <- far
		return near, nil
	}}}
	return client, func() {
		client.CloseIdleConnections()
		close(listener)
		server.Close()
		handler.Close()
		synctest.Wait()
	}
}

// postWithin gives a request some milliseconds, and returns its answer.
func postWithin(t *testing.T, client *http.Client, path, body, ms string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://x"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Timeout-Ms", ms)
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return response.StatusCode, string(text)
}

// A request whose time is over is answered 504 in its dialect's form, or told so in
// its stream, at that time and no later.
func TestTimeOver(t *testing.T) {
	for _, c := range []struct {
		path, body string
		tokens     int // that come before
		status     int
		says       string
	}{
		{chatPath, `{` + hello + `}`, 0, 504, `{"error":{"message":"the time that the request has was over before its answer: `},
		{chatPath, `{` + hello + `}`, 2, 504, `"code":"deadline_exceeded"`},
		{chatPath, `{` + hello + `,"stream":true}`, 0, 504, `"type":"server_error"`},
		{chatPath, `{` + hello + `,"stream":true}`, 1, 200, `data: {"error":{"message":"the time that the request has was over`},
		{chatPath, `{` + hello + `,"n":2}`, 1, 504, `"code":"deadline_exceeded"`},
		{"/v1/messages", `{` + hello + `,"max_tokens":5}`, 0, 504, `{"type":"error","error":{"type":"timeout_error"`},
		{"/api/generate", `{"model":"tiny","prompt":"x","stream":false}`, 0, 504, `{"error":"the time`},
		{"/completion", `{"prompt":"x"}`, 0, 504, `{"error":{"code":504,"message":"the time`},
	} {
		synctest.Test(t, func(t *testing.T) {
			gate := make(chan struct{}, 8)
			g := &generatetest.Generator{Reply: "abcdef", Gate: gate}
			client, end := virtual(t, g)
			defer end()
			for range c.tokens {
				gate <- struct{}{}
			}
			begin := time.Now()
			status, answer := postWithin(t, client, c.path, c.body, "1500")
			if took := time.Since(begin); status != c.status || !strings.Contains(answer, c.says) || took != 1500*time.Millisecond {
				t.Errorf("%s %s: status %d after %v: %s", c.path, c.body, status, took, answer)
			}
			if n := g.Running(); n != 0 {
				t.Errorf("%d generations run", n)
			}
		})
	}
}

// Vectors and ranks have a time as well: it ends what is done for them.
func TestTimeOverForInputs(t *testing.T) {
	for path, c := range map[string]struct{ body, says string }{
		"/v1/embeddings":  {`{"input":"ab"}`, `"code":"deadline_exceeded"`},
		"/embedding":      {`{"content":[1,2]}`, `{"error":{"code":504,"message":"the time`},
		"/api/embed":      {`{"model":"tiny","input":["a","b"]}`, `{"error":"the time`},
		"/api/embeddings": {`{"model":"tiny","prompt":"a"}`, `{"error":"the time`},
		"/rerank":         {`{"query":"a","documents":["b","c"]}`, `{"error":{"code":504,"message":"the time`},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, end := virtual(t, &embedder{stuck: true})
			defer end()
			begin := time.Now()
			status, answer := postWithin(t, client, path, c.body, "250")
			if took := time.Since(begin); status != http.StatusGatewayTimeout || !strings.Contains(answer, c.says) || took != 250*time.Millisecond {
				t.Errorf("%s: status %d after %v: %s", path, status, took, answer)
			}
		})
	}
}

// What the generator says of when to come again is what the client is told.
func TestRetryAfterOfAFullQueue(t *testing.T) {
	generator := &generatetest.Generator{Refuse: func(*ask.Request) error {
		return &ask.Fault{Kind: ask.QueueFull, What: "too many requests are waiting", Remedy: "try again in 42 s", RetryNs: 41.5e9}
	}}
	s := serve(t, generator, nil)
	for path, c := range map[string]struct {
		status int
		body   string
	}{
		chatPath:       {429, `{` + hello + `}`},
		"/v1/messages": {529, `{` + hello + `,"max_tokens":5}`},
		"/api/chat":    {429, `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`},
		"/completion":  {429, `{"prompt":"x"}`},
	} {
		status, header, body := s.do(t, http.MethodPost, path, c.body, map[string]string{"Content-Type": "application/json"})
		if status != c.status || header.Get("Retry-After") != "42" || !strings.Contains(body, "try again in 42 s") {
			t.Errorf("%s: status %d, Retry-After %q: %s", path, status, header.Get("Retry-After"), body)
		}
	}
}
