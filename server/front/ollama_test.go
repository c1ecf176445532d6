package front_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

var ollamaChanging = []struct{ pattern, with string }{
	{`"(created_at|modified_at|expires_at)":"[^"]+"`, `"$1":"TIME"`},
	{`"total_duration":\d+`, `"total_duration":0`},
}

func goldenOllama(t *testing.T, name string, header http.Header, body string) {
	t.Helper()
	for _, c := range ollamaChanging {
		body = regexp.MustCompile(c.pattern).ReplaceAllString(body, c.with)
	}
	golden(t, name, fmt.Sprintf("%s\n\n%s", header.Get("Content-Type"), body))
}

func TestOllamaTranscripts(t *testing.T) {
	const chat, completion = `{"model":"tiny:latest","messages":[{"role":"user","content":"hi"}]`, `{"model":"tiny","prompt":"hi"`
	for _, test := range []struct{ name, method, path, body string }{
		{"chat", "POST", "/api/chat", chat + `,"stream":false}`},
		{"chat-stream", "POST", "/api/chat", chat + `}`},
		{"chat-load", "POST", "/api/chat", `{"model":"tiny"}`},
		{"generate", "POST", "/api/generate", completion + `,"stream":false}`},
		{"generate-stream", "POST", "/api/generate", completion + `,"raw":true}`},
		{"generate-load", "POST", "/api/generate", `{"model":"tiny","keep_alive":-1}`},
		{"tags", "GET", "/api/tags", ""},
		{"ps", "GET", "/api/ps", ""},
		{"show", "POST", "/api/show", `{"name":"tiny:latest","verbose":true}`},
		{"version", "GET", "/api/version", ""},
		{"pull", "POST", "/api/pull", `{"model":"tiny"}`},
		{"root", "GET", "/", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := serveScript(t, weatherAsked())
			status, header, body := s.do(t, test.method, test.path, test.body, nil) // as curl does, of no type
			if status != http.StatusOK {
				t.Fatalf("%d: %s", status, body)
			}
			goldenOllama(t, "ollama-"+test.name, header, body)
		})
	}
}

// What a client reads in the end is the same, streamed or not.
func TestOllamaStreamEqualsWhole(t *testing.T) {
	type object struct {
		Message struct {
			Content   string           `json:"content"`
			Thinking  string           `json:"thinking"`
			ToolCalls []map[string]any `json:"tool_calls"`
		} `json:"message"`
		Done       bool   `json:"done"`
		DoneReason string `json:"done_reason"`
		EvalCount  int    `json:"eval_count"`
	}
	s, g := serveScript(t, weatherAsked())
	read := func(fields string) (all object) {
		_, _, body := s.post(t, "/api/chat", `{"model":"tiny:latest","messages":[{"role":"user","content":"hi"}],"think":true`+fields+`}`)
		for line := range strings.Lines(body) {
			var o object
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			o.Message.Content = all.Message.Content + o.Message.Content
			o.Message.Thinking = all.Message.Thinking + o.Message.Thinking
			o.Message.ToolCalls = append(all.Message.ToolCalls, o.Message.ToolCalls...)
			all = o
		}
		return all
	}
	whole, streamed := fmt.Sprint(read(`,"stream":false`)), fmt.Sprint(read(""))
	if whole != streamed || !strings.Contains(whole, "Berlin") {
		t.Errorf("\nwhole    %s\nstreamed %s", whole, streamed)
	}
	if string(g.asked.TemplateArgs) != `{"enable_thinking":true}` {
		t.Errorf("asked %+v", g.asked)
	}
}

func TestOllamaFailures(t *testing.T) {
	s := serve(t, &generatetest.Generator{Fail: map[int]*ask.Fault{0: {Kind: ask.QueueFull, What: "full"}}}, nil)
	typed := map[string]string{"Content-Type": "application/json"}
	for _, test := range []struct {
		method, path, body string
		header             map[string]string
		status             int
		what               string
	}{
		{"POST", "/api/chat", `{`, nil, 400, "malformed JSON"},
		{"POST", "/api/chat", `{"model":"other","messages":[]}`, nil, 404, "other"},
		{"POST", "/api/chat", `{"model":"tiny:7b","messages":[]}`, nil, 404, "tiny:7b"},
		{"POST", "/api/chat", `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`, nil, 429, "full"},
		{"POST", "/api/chat", `{"model":"tiny"}`, map[string]string{"Origin": "http://example.org", "Content-Type": "text/plain"}, 415, "JSON"},
		{"POST", "/api/chat", `{"model":"tiny"}`, map[string]string{"Origin": "http://example.org", "Content-Type": "application/json"}, 200, ""},
		{"POST", "/api/generate", `{"model":"tiny","prompt":"x","suffix":"y"}`, typed, 400, "suffix"},
		{"GET", "/api/chat", ``, nil, 405, "POST"},
		{"POST", "/api/show", `{"model":"other"}`, typed, 404, "other"},
		{"POST", "/api/show", `{}`, typed, 400, "model"},
		{"POST", "/api/pull", `{"model":"other"}`, typed, 400, "tiny"},
		{"POST", "/api/push", `{}`, typed, 400, "not supported"},
		{"POST", "/api/create", `{}`, typed, 400, "not supported"},
		{"POST", "/api/copy", `{}`, typed, 400, "not supported"},
		{"DELETE", "/api/delete", `{}`, typed, 400, "not supported"},
		{"POST", "/api/blobs/sha256:1", ``, nil, 400, "not supported"},
		{"POST", "/api/embed", `{"model":"tiny","input":"a"}`, nil, 400, "embeddings"},
		{"POST", "/api/embeddings", `{"model":"tiny","prompt":"a"}`, nil, 400, "embeddings"},
		{"POST", "/api/web_search", `{}`, typed, 404, "unknown path"},
	} {
		status, _, body := s.do(t, test.method, test.path, test.body, test.header)
		var e struct {
			Error string `json:"error"`
		}
		err := json.Unmarshal([]byte(body), &e)
		if status != test.status || !strings.Contains(e.Error, test.what) || status != 200 && (err != nil || e.Error == "") {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, status, body)
		}
	}
	if status, _, _ := s.do(t, "HEAD", "/api/blobs/sha256:1", "", nil); status != 400 {
		t.Errorf("HEAD of a blob: %d", status)
	}
}

func TestOllamaFaultInMidStream(t *testing.T) {
	s, _ := serveScript(t, []ask.Event{{Text: []byte("x")}, {End: &ask.End{Reason: ask.FinishError, Fault: &ask.Fault{Kind: ask.EngineStuck, What: "stuck"}}}})
	_, header, body := s.post(t, "/api/generate", `{"model":"tiny","prompt":"hi"}`)
	goldenOllama(t, "ollama-fault", header, body)
}

// A client looks whether the server runs; a browser wants a page.
func TestRoot(t *testing.T) {
	s := serve(t, &generatetest.Generator{}, func(c *front.Config) { c.Keys = []string{"key"} })
	for _, test := range []struct {
		method, accept string
		status         int
	}{{"GET", "", 200}, {"HEAD", "*/*", 200}, {"GET", "text/html,application/xhtml+xml", 404}} {
		if status, _, body := s.do(t, test.method, "/", "", map[string]string{"Accept": test.accept}); status != test.status {
			t.Errorf("%s, accepting %q: %d %s", test.method, test.accept, status, body)
		}
	}
}

// embedding gives each input its length.
type embedding struct {
	generatetest.Generator
	size int
}

// Model implements generate.Generator.
func (g *embedding) Model() ask.Model {
	m := g.Generator.Model()
	m.EmbeddingSize = g.size
	return m
}

// Embed implements generate.Embedder.
func (g *embedding) Embed(_ context.Context, inputs []ask.Prompt, o generate.EmbedOptions) ([][]float32, int, error) {
	vectors, tokens := make([][]float32, len(inputs)), 0
	for i, in := range inputs {
		if in.Text == "" {
			return nil, 0, ask.Invalid("prompt", "it is empty")
		}
		vectors[i] = []float32{float32(len(in.Text)), 0.5, -1}[:max(o.Dimensions, 1)]
		tokens += len(in.Text)
	}
	return vectors, tokens, nil
}

func TestOllamaEmbeddings(t *testing.T) {
	g := &embedding{size: 3}
	s := serve(t, &g.Generator, func(c *front.Config) { c.Generator = g })
	for _, test := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/api/embed", `{"model":"tiny","input":["a","bcd"],"dimensions":2}`, 200, `"embeddings":[[1,0.5],[3,0.5]]`},
		{"/api/embed", `{"model":"tiny:latest","input":"a"}`, 200, `"prompt_eval_count":1`},
		{"/api/embed", `{"model":"tiny"}`, 200, `"embeddings":[]`},
		{"/api/embed", `{"model":"tiny","input":[""]}`, 400, `input: it is empty`},
		{"/api/embed", `{"model":"other","input":"a"}`, 404, `other`},
		{"/api/embeddings", `{"model":"tiny","prompt":"ab"}`, 200, `{"embedding":[2]}`},
		{"/api/embeddings", `{"model":"tiny","prompt":""}`, 200, `{"embedding":[]}`},
		{"/api/show", `{"model":"tiny"}`, 200, `"embedding"`},
	} {
		if status, _, body := s.post(t, test.path, test.body); status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s: %d %s", test.path, test.body, status, body)
		}
	}
	g.size = 1 << 30
	if status, _, body := s.post(t, "/api/embed", `{"model":"tiny","input":"a"}`); status != 413 {
		t.Errorf("a vector larger than the memory: %d, %s", status, body)
	}
	g.size = 3
	s.handler.Drain()
	if status, _, _ := s.post(t, "/api/embed", `{"model":"tiny","input":"a"}`); status != 503 {
		t.Errorf("while draining: %d", status)
	}
}
