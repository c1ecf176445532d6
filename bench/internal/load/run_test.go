package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// asked is what the tests' servers read of a request.
type asked struct {
	Prompt    string `json:"prompt"`
	MaxTokens int    `json:"max_tokens"`
	Seed      uint32 `json:"seed"`
	Stream    bool   `json:"stream"`
	IgnoreEOS bool   `json:"ignore_eos"`
	Messages  []struct{ Content string }
}

func readRequest(t *testing.T, r *http.Request) asked {
	t.Helper()
	var a asked
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Errorf("request body: %v", err)
	}
	return a
}

// generate writes n frames of one token each and the end of a completion, at a
// pace, or as fast as it can with 0.
func generate(w http.ResponseWriter, n int, every time.Duration) {
	var pace <-chan time.Time
	if every > 0 {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		pace = ticker.C
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range n {
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"t%d\",\"finish_reason\":null}]}\n\n", i)
		_ = http.NewResponseController(w).Flush()
		if pace != nil {
			<-pace
		}
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n")
	fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", n)
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestClosedLoop(t *testing.T) {
	var mu sync.Mutex
	connections := make(map[string]bool)
	prompts := make(map[string]bool)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		a := readRequest(t, r)
		mu.Lock()
		connections[r.RemoteAddr], prompts[a.Prompt] = true, true
		mu.Unlock()
		if !a.Stream || !a.IgnoreEOS || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("asked %+v with %v", a, r.Header)
		}
		generate(w, a.MaxTokens, time.Millisecond)
	})
	report, err := Run(t.Context(), Config{
		URL: server.URL + "/v1/completions", APIKey: "key", Streams: 4, Requests: 12, KeepArrivals: true,
		Request: Request{Prompt: "p", MaxTokens: 20, Sampling: DefaultSampling},
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() > 0 || len(report.Generations) != 12 || report.Tokens() != 12*20 {
		t.Errorf("%d generations, %d tokens, errors %v", len(report.Generations), report.Tokens(), report.Errors())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(connections) != 4 || len(prompts) != 12 || !prompts["p 11"] {
		t.Errorf("%d connections, prompts %v", len(connections), prompts)
	}
	if report.FirstToken.TotalCount() != 12 || report.InterToken.TotalCount() != 12*19 {
		t.Errorf("%d first tokens, %d gaps", report.FirstToken.TotalCount(), report.InterToken.TotalCount())
	}
	var text bytes.Buffer
	report.WriteText(&text)
	if !strings.Contains(text.String(), "tokens       240,") {
		t.Errorf("report:\n%s", text.String())
	}
}

func TestSteadyState(t *testing.T) {
	// All streams wait for the last one before their first token.
	var arrived sync.WaitGroup
	arrived.Add(4)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		a := readRequest(t, r)
		arrived.Done()
		arrived.Wait()
		generate(w, a.MaxTokens, 5*time.Millisecond)
	})
	report, err := Run(t.Context(), Config{
		URL: server.URL, Streams: 4, KeepArrivals: true, Request: Request{MaxTokens: 40, Sampling: DefaultSampling},
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, window, err := report.Steady()
	if err != nil || tokens < 1 || tokens > 4*39 || window <= 0 || window > report.Wall {
		t.Errorf("%v tokens in %v of %v, %v", tokens, window, report.Wall, err)
	}
}

func TestSteadyStateNeedsOverlap(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	apart := Report{Generations: []Generation{
		{First: at(0), Last: at(10), Frames: 2, Tokens: 2}, {First: at(20), Last: at(30), Frames: 2, Tokens: 2},
	}}
	if _, _, err := apart.Steady(); err == nil {
		t.Error("streams one after the other: no error")
	}
	// Two frames stand for four tokens: each counts double.
	coalesced := Report{Generations: []Generation{
		{First: at(0), Last: at(10), Frames: 2, Tokens: 4, Arrivals: []time.Time{at(0), at(10)}},
	}}
	if tokens, window, err := coalesced.Steady(); tokens != 2 || window != 10*time.Millisecond || err != nil {
		t.Errorf("%v tokens in %v, %v", tokens, window, err)
	}
}

func TestChat(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if a := readRequest(t, r); len(a.Messages) != 1 || a.Messages[0].Content != "hi 0" {
			t.Errorf("asked %+v", a)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\": [{\"delta\": {\"role\": \"assistant\", \"content\": \"\"}}]}\n\n"+
			"data: {\"choices\": [{\"delta\": {\"content\": \"a\\\"text\\\":\"}}]}\n\n"+
			"data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n"+
			"data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 1}}\n\ndata: [DONE]\n\n")
	})
	report, err := Run(t.Context(), Config{
		URL: server.URL + "/v1/chat/completions", Request: Request{Prompt: "hi", MaxTokens: 5, StopAtEnd: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if g := report.Generations[0]; g.Err != nil || g.Frames != 1 || g.Tokens != 1 || g.PromptTokens != 9 {
		t.Errorf("generation is %+v", g)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, text)
		conn.Close()
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"refused":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "queue full", 429) }, "status 429: queue full"},
		"not a stream":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "not an event stream"},
		"wrong count":     {func(w http.ResponseWriter, _ *http.Request) { generate(w, 2, 0) }, "2 tokens instead of 3"},
		"nothing":         {func(w http.ResponseWriter, _ *http.Request) { generate(w, 0, 0) }, "no text"},
		"closed at once":  {func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") }, "unexpected EOF"},
		"closed midway":   {func(w http.ResponseWriter, _ *http.Request) { hijack(w, streamHead+"b\r\ndata: o") }, "unexpected EOF"},
		"malformed":       {func(w http.ResponseWriter, _ *http.Request) { hijack(w, "HTTP/3\r\n") }, "malformed status line"},
		"error in stream": {func(w http.ResponseWriter, _ *http.Request) { eventStream(w, `{"error":{"message":"aborted"}}`) }, "aborted"},
		"no end":          {func(w http.ResponseWriter, _ *http.Request) { eventStream(w, `{"text":"a"}`) }, "without [DONE]"},
		"no reason":       {func(w http.ResponseWriter, _ *http.Request) { eventStream(w, `{"text":"a"}`, "[DONE]") }, "without a finish_reason"},
		"no usage": {func(w http.ResponseWriter, _ *http.Request) {
			eventStream(w, `{"text":"a","finish_reason":"stop"}`, "[DONE]")
		}, "without usage"},
	}
	for name, test := range tests {
		server := serve(t, test.handler)
		report, err := Run(t.Context(), Config{URL: server.URL, Streams: 2, Requests: 6, Request: Request{MaxTokens: 3}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for text := range report.Errors() {
			if !strings.Contains(text, test.want) {
				t.Errorf("%s: error %q, want %q in it", name, text, test.want)
			}
		}
		if report.Failed() != 6 || report.Tokens() != 0 {
			t.Errorf("%s: %d of 6 failed, %d tokens", name, report.Failed(), report.Tokens())
		}
	}
}

func eventStream(w http.ResponseWriter, frames ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, frame := range frames {
		fmt.Fprintf(w, "data: %s\n\n", frame)
	}
}

func TestSilentServerTimesOut(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		readRequest(t, r)
		<-release
	})
	defer close(release)
	report, err := Run(t.Context(), Config{URL: server.URL, Timeout: 150 * time.Millisecond, Request: Request{MaxTokens: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if g := report.Generations[0]; g.Err == nil || !strings.Contains(g.Err.Error(), "nothing came for 150ms") {
		t.Errorf("error is %v", g.Err)
	}
}

// TestOpenLoopCountsFromWhenDue: the server holds the only connection for a
// while, and requests that were due meanwhile show the wait.
func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	const stall = 300 * time.Millisecond
	var first atomic.Bool
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		readRequest(t, r)
		if first.CompareAndSwap(false, true) {
			<-time.After(stall) // the server is slow: that is what is measured
		}
		generate(w, 1, 0)
	})
	report, err := Run(t.Context(), Config{URL: server.URL, Requests: 20, Rate: 1000, Request: Request{MaxTokens: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() > 0 || len(report.Generations) != 20 {
		t.Fatalf("%d generations, errors %v", len(report.Generations), report.Errors())
	}
	// All were due long before the stall was over.
	if p50 := time.Duration(report.FirstToken.ValueAtQuantile(50)) * time.Microsecond; p50 < stall/2 {
		t.Errorf("the median request saw %v of a stall of %v", p50, stall)
	}
}

func TestLargeRequestIsSentWhole(t *testing.T) {
	prompt := strings.Repeat("long ", 1<<20)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if a := readRequest(t, r); a.Prompt != prompt+" 0" {
			t.Errorf("%d bytes of prompt arrived", len(a.Prompt))
		}
		generate(w, 1, 0)
	})
	report, err := Run(t.Context(), Config{URL: server.URL, Request: Request{Prompt: prompt, MaxTokens: 1}})
	if err != nil || report.Failed() > 0 {
		t.Errorf("%v, %v", err, report)
	}
}

// TestWindowEndsARun: what is under way is cut off and no failure; what ended before
// is whole.
func TestWindowEndsARun(t *testing.T) {
	ended := make(chan struct{}, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if a := readRequest(t, r); r.Header.Get("X-Slo-Tpot-Ms") != "7.5" {
			t.Errorf("%+v came with %v", a, r.Header)
		}
		select {
		case ended <- struct{}{}: // the first one
			generate(w, 3, 0)
			return
		default:
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"t\"}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	report, err := Run(t.Context(), Config{
		URL: server.URL, Streams: 1, Window: 300 * time.Millisecond, KeepArrivals: true,
		Header: map[string]string{"x-slo-tpot-ms": "7.5"}, Request: Request{MaxTokens: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	// On a slow machine the window ends before the first one does.
	whole := report.Generations[:len(report.Generations)-1]
	if len(whole) > 1 || report.Failed() != 0 || report.Tokens() != 3*len(whole) {
		t.Fatalf("%d generations, %d tokens, errors %v", len(report.Generations), report.Tokens(), report.Errors())
	}
	for _, g := range whole {
		if g.Cut {
			t.Errorf("it ended and is cut off: %+v", g)
		}
	}
	if last := report.Generations[len(whole)]; !last.Cut || last.End.Before(last.Due) {
		t.Errorf("%+v", last)
	}
}

func TestRunRefuses(t *testing.T) {
	ok := Config{URL: "http://127.0.0.1:1/", Request: Request{MaxTokens: 1}}
	for name, change := range map[string]func(*Config){
		"TLS":              func(c *Config) { c.URL = "https://example.test/" },
		"no host":          func(c *Config) { c.URL = "http:///v1" },
		"no tokens":        func(c *Config) { c.Request.MaxTokens = 0 },
		"too many streams": func(c *Config) { c.Streams = maxStreams + 1 },
		"nobody listens":   func(*Config) {},
	} {
		cfg := ok
		change(&cfg)
		if _, err := Run(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	release := make(chan struct{})
	defer close(release)
	server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Config{URL: server.URL, Request: Request{MaxTokens: 1}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
}
