package front_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

func TestOriginsThatAreNone(t *testing.T) {
	for _, origin := range []string{
		"", "null", "chat.example", "https://", "https://a.example/", "https://a.example/path", "https://u@a.example", "https://*.a.example",
		"https://a.example?", "https://a.example#", "https://a.example:443", "http://a.example:80", "://a", "https://a b",
	} {
		if _, err := front.ParseOrigins([]string{origin}); err == nil || !strings.Contains(err.Error(), "SCHEME://HOST") {
			t.Errorf("%q: %v", origin, err)
		}
	}
	for _, origin := range []string{"*", "https://a.example", "http://localhost:3000", "http://[::1]:8080", "app://obsidian.md", "chrome-extension://abc"} {
		if _, err := front.ParseOrigins([]string{origin}); err != nil {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func serveOrigins(t *testing.T, list ...string) *service {
	t.Helper()
	origins, err := front.ParseOrigins(list)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Origins, c.Keys = origins, []string{"k"} })
}

func TestListedOrigins(t *testing.T) {
	s := serveOrigins(t, "https://Chat.example", "http://localhost:3000")
	for origin, allowed := range map[string]string{
		"https://chat.example": "https://chat.example", "http://localhost:3000": "http://localhost:3000",
		"http://chat.example": "", "https://chat.example.evil": "", "https://chat.example:8443": "", "http://localhost": "", "null": "", "": "",
	} {
		header := map[string]string{"Authorization": "Bearer k"}
		asked := map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
		if origin != "" {
			header["Origin"], asked["Origin"] = origin, origin
		}
		_, answered, _ := s.do(t, "GET", "/v1/models", "", header)
		if got := answered.Get("Access-Control-Allow-Origin"); got != allowed || answered.Get("Vary") != "Origin" || answered.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%q: %v", origin, answered)
		}
		status, answered, _ := s.do(t, "OPTIONS", "/v1/chat/completions", "", asked)
		names := ""
		if allowed != "" {
			names = "authorization,content-type"
		}
		if status != 200 || answered.Get("Access-Control-Allow-Origin") != allowed || answered.Get("Access-Control-Allow-Headers") != names {
			t.Errorf("preflight of %q: status %d, %v", origin, status, answered)
		}
	}
}

// Errors and streams can be read too: a page must see what went wrong.
func TestAllOrigins(t *testing.T) {
	s := serveOrigins(t, "*")
	header := map[string]string{"Origin": "https://any.example", "Content-Type": "application/json"}
	for name, test := range map[string]struct {
		body, key string
		status    int
	}{
		"no key": {`{}`, "", 401}, "fault": {`{}`, "Bearer k", 400},
		"whole": {`{` + hello + `}`, "Bearer k", 200}, "stream": {`{` + hello + `,"stream":true}`, "Bearer k", 200},
	} {
		sent := maps.Clone(header)
		sent["Authorization"] = test.key
		status, answered, _ := s.do(t, "POST", "/v1/chat/completions", test.body, sent)
		if status != test.status || answered.Get("Access-Control-Allow-Origin") != "https://any.example" || answered.Get("Access-Control-Expose-Headers") != "*" {
			t.Errorf("%s: status %d, %v", name, status, answered)
		}
	}
	header["Access-Control-Request-Method"] = "DELETE"
	if status, answered, _ := s.do(t, "OPTIONS", "/nothing", "", header); status != 200 || !strings.Contains(answered.Get("Access-Control-Allow-Methods"), "DELETE") {
		t.Errorf("preflight of an unknown path: status %d, %v", status, answered)
	}
}

// A page that waits for the model can read that it is being loaded.
func TestOriginsWhileLoading(t *testing.T) {
	origins, err := front.ParseOrigins([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	handler := front.Loading(origins, nil, front.LlamaServer{})
	for method, want := range map[string]int{"GET": 503, "OPTIONS": 200} {
		q := httptest.NewRequest(method, "/health", nil)
		q.Header = http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"GET"}}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, q); w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != "https://a.example" {
			t.Errorf("%s: status %d, %v", method, w.Code, w.Header())
		}
	}
}
