package server_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// held is what the metrics say that requests hold.
func (s *service) held(t *testing.T) int {
	t.Helper()
	_, _, text := s.do(t, http.MethodGet, "/metrics", "", nil)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "weir_request_memory_bytes{") {
			v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(v)
		}
	}
	t.Fatal("no weir_request_memory_bytes")
	return 0
}

// Bodies that stall hold what has arrived of them, and no more than a share of the
// memory together: others of their size are told to come again, small requests
// pass, and when the clients have gone all is free.
func TestBodiesShareTheMemory(t *testing.T) {
	const mebi = 1 << 20
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("abc"), engine.ContextConfig{}, local.Batching{}, func(c *front.Config) { c.MemoryBytes = 16 * mebi })
		large := `{"content":"` + strings.Repeat("x", mebi) + `"}`
		var clients []*net.TCPConn
		for i := range 12 {
			c := s.connect(t)
			if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", tokenizeHead, 8*mebi, large[:mebi*6/10]); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, c.Conn.(*net.TCPConn))
			s.wait(t, "the body's memory", func(local.Stats) bool { return s.held(t) >= (i+1)*mebi })
			if held := s.held(t); held > (i+1)*mebi {
				t.Fatalf("%d bodies of %d KiB hold %d KiB", i+1, mebi*6/10>>10, held>>10)
			}
		}
		status, header, body := s.post(t, "/tokenize", large)
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || decodeError(t, body).Code != ofPath("/tokenize", "memory_full", status) {
			t.Errorf("a large body: status %d, Retry-After %q, %s", status, header.Get("Retry-After"), body)
		}
		if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`}`); status != http.StatusOK {
			t.Errorf("a small request: status %d, %s", status, body)
		}
		for _, c := range clients {
			if err := c.SetLinger(0); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		}
		s.wait(t, "free memory", func(local.Stats) bool { return s.held(t) == 0 })
		if status, _, body := s.post(t, "/tokenize", large); status != http.StatusOK {
			t.Errorf("a large body, when there is room: status %d, %s", status, body)
		}
		if held := s.held(t); held != 0 {
			t.Errorf("%d bytes are left", held)
		}
	})
}

// What would take more than there is is refused before it is decoded.
func TestDearBodies(t *testing.T) {
	const n = 100_000
	s := serve(t, saying("abc"), engine.ContextConfig{}, local.Batching{}, func(c *front.Config) { c.MemoryBytes = 16 << 20 })
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"messages":[` + strings.Repeat(`{},`, n) + `{}]}`,
		"/v1/completions":      `{"prompt":[` + strings.Repeat(`[],`, 2*n) + `1]}`,
		"/detokenize":          `{"tokens":[` + strings.Repeat(`1,`, 2*n) + `1]}`,
		"/tokenize":            `{"content":"` + strings.Repeat("x", 3<<20) + `"}`,
	} {
		status, _, answer := s.post(t, path, body)
		if status != http.StatusRequestEntityTooLarge || !strings.Contains(answer, "MiB of memory") {
			t.Errorf("%s: status %d, %s", path, status, answer)
		}
	}
	if held := s.held(t); held != 0 {
		t.Errorf("%d bytes are left", held)
	}
}

// What a client sent is quoted in part, wherever it is at fault.
func TestFaultsQuoteLittle(t *testing.T) {
	strict := func(c *front.Config) { c.StrictModel = true }
	s := serve(t, saying("abc"), engine.ContextConfig{}, local.Batching{}, strict)
	long := strings.Repeat("ä", 1<<20)
	for name, test := range map[string]struct{ path, body string }{
		"field":        {"/v1/completions", `{"prompt":"x","` + long + `":1}`},
		"message":      {"/v1/chat/completions", `{"messages":[{"role":"user","` + long + `":1}]}`},
		"model":        {"/v1/completions", `{"prompt":"x","model":"` + long + `"}`},
		"role":         {"/v1/chat/completions", `{"messages":[{"role":"` + long + `","content":"x"}]}`},
		"part":         {"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"` + long + `"}]}]}`},
		"number":       {"/v1/completions", `{"prompt":"x","max_tokens":1` + strings.Repeat("0", 1<<20) + `}`},
		"response":     {"/v1/responses", `{"input":"x","` + long + `":1}`},
		"item":         {"/v1/responses", `{"input":[{"type":"` + long + `"}]}`},
		"tool":         {"/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"` + long + `"}]}`},
		"choice":       {"/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"function","name":"` + long + `"}}`},
		"bias":         {"/v1/completions", `{"prompt":"x","logit_bias":{"` + long + `":1}}`},
		"stored":       {"/v1/responses/" + strings.Repeat("p", 50_000), `{}`},
		"twice":        {"/v1/completions", `{"` + long + `":1,"` + long + `":1}`},
		"path of keys": {"/v1/completions", `{"` + long + `":{"` + long + `":tru}}`},
		"path":         {"/" + strings.Repeat("p", 50_000), `{}`},
		"query":        {"/v1/models/" + strings.Repeat("p", 50_000), `{}`},
	} {
		status, _, answer := s.post(t, test.path, test.body)
		if status < 400 || status >= 500 || len(answer) > 6<<10 {
			t.Errorf("%s: status %d, %d bytes: %.300q…", name, status, len(answer), answer)
		}
	}
}
