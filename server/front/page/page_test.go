package page_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/front/page"
	"github.com/weirgo/weir/server/generate/generatetest"
)

const html = "text/html,application/xhtml+xml,*/*;q=0.8"

// serve starts a server with the page over a scripted generator.
func serve(t *testing.T, generator *generatetest.Generator, change func(*front.Config)) string {
	t.Helper()
	cfg := front.Config{Generator: generator, Page: page.Handler(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	handler, err := front.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		handler.Close()
	})
	return server.URL
}

// get asks as it is told to, and no more: nothing is unpacked.
func get(t *testing.T, method, url string, header map[string]string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		q.Header.Set(name, value)
	}
	response, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// A browser gets the page, and needs no key for it; a program is told that the server
// runs.
func TestWhoGetsThePage(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Keys = []string{"k"} })
	for accept, page := range map[string]bool{
		html: true, "text/html": true, "TEXT/HTML ; q=0.5": true,
		"": false, "*/*": false, "application/json": false, "text/html;q=0": false, "text/html;q=0.0, application/json": false, "text/htmlx": false,
	} {
		response, body := get(t, "GET", url+"/", map[string]string{"Accept": accept})
		got := response.StatusCode == 200 && strings.Contains(body, "<title>Weir</title>")
		if got != page || !strings.Contains(strings.Join(response.Header["Vary"], ","), "Accept") {
			t.Errorf("Accept %q: status %d, %v", accept, response.StatusCode, response.Header)
		}
		if !page && (response.StatusCode != 200 || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain")) {
			t.Errorf("Accept %q: status %d, %s", accept, response.StatusCode, body)
		}
	}
	if response, _ := get(t, "POST", url+"/", map[string]string{"Accept": html}); response.StatusCode != 405 {
		t.Errorf("POST: status %d", response.StatusCode)
	}
}

func TestHeaders(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	_, index := get(t, "GET", url+"/", map[string]string{"Accept": html})
	named := regexp.MustCompile(`(?:href|src)="(ui/[^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(named) < 6 {
		t.Fatalf("%d files are named: %v", len(named), named)
	}
	paths := map[string]string{"/": "text/html; charset=utf-8", "/ui/chat.js": "text/javascript; charset=utf-8"}
	for _, name := range named {
		paths["/"+name[1]] = ""
	}
	for path, kind := range paths {
		response, body := get(t, "GET", url+path, map[string]string{"Accept": html})
		header := response.Header
		if response.StatusCode != 200 || body == "" || kind != "" && header.Get("Content-Type") != kind || header.Get("Content-Type") == "" {
			t.Errorf("%s: status %d, %v", path, response.StatusCode, header)
		}
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "ETag", "Cache-Control", "Content-Length"} {
			if header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		head, nothing := get(t, "HEAD", url+path, map[string]string{"Accept": html})
		if head.StatusCode != 200 || nothing != "" || head.Header.Get("Content-Length") != header.Get("Content-Length") || head.Header.Get("ETag") != header.Get("ETag") {
			t.Errorf("HEAD %s: status %d, %v", path, head.StatusCode, head.Header)
		}
	}
}

func TestPolicy(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for _, path := range []string{"/", "/ui/app.js", "/ui/nothing.js"} {
		response, _ := get(t, "GET", url+path, map[string]string{"Accept": html})
		policy := response.Header.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
			"frame-ancestors 'none'", "require-trusted-types-for 'script'",
		} {
			if !strings.Contains(policy+";", part+";") {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for _, path := range []string{"/ui/", "/ui/nothing.js", "/ui/index.html", "/ui/files/app.js", "/ui/%2e%2e/page.go", "/ui/..%2fpage.go"} {
		response, body := get(t, "GET", url+path, nil)
		if response.StatusCode == 200 || strings.Contains(body, "package page") {
			t.Errorf("%s: status %d", path, response.StatusCode)
		}
	}
	response, _ := get(t, "DELETE", url+"/ui/app.js", nil)
	if response.StatusCode != 405 || response.Header.Get("Allow") == "" {
		t.Errorf("DELETE: status %d, %v", response.StatusCode, response.Header)
	}
}

func TestPackedAndKnown(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, nil) + "/ui/chat.js"
	plain, text := get(t, "GET", url, nil)
	for accept, packed := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "br": false} {
		response, body := get(t, "GET", url, map[string]string{"Accept-Encoding": accept})
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("%s: %v", accept, response.Header)
		} else if packed {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != text || response.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Errorf("%s: %v, %v", accept, err, response.Header)
			}
		}
	}
	tag := plain.Header.Get("ETag")
	for known, status := range map[string]int{tag: 304, `"x", W/` + tag: 304, "*": 304, `"x"`: 200} {
		response, body := get(t, "GET", url, map[string]string{"If-None-Match": known})
		if response.StatusCode != status || (body == "") != (status == 304) {
			t.Errorf("%s: status %d, %d bytes", known, response.StatusCode, len(body))
		}
	}
}

func TestNoPage(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Page = nil })
	for _, path := range []string{"/", "/ui/app.js"} {
		if response, body := get(t, "GET", url+path, map[string]string{"Accept": html}); response.StatusCode != 404 || !strings.Contains(body, "unknown_url") {
			t.Errorf("%s: status %d, %s", path, response.StatusCode, body)
		}
	}
}

// The page is there before the model is.
func TestPageWhileLoading(t *testing.T) {
	handler := front.Loading(front.Origins{}, page.Handler(), front.LlamaServer{})
	for path, status := range map[string]int{"/": 200, "/ui/app.js": 200, "/health": 503, "/v1/models": 503} {
		q := httptest.NewRequest("GET", path, nil)
		q.Header.Set("Accept", html)
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, q); w.Code != status {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// Below a prefix the page is where its files are found, relative to it; so it is while
// the model is loaded.
func TestPageBelowPrefix(t *testing.T) {
	llama := front.LlamaServer{Prefix: "/a/llm"}
	loading := httptest.NewServer(front.Loading(front.Origins{}, page.Handler(), llama))
	defer loading.Close()
	for _, url := range []string{
		serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Llama = llama }), loading.URL,
	} {
		for path, want := range map[string]struct {
			status   int
			location string
		}{
			"/a/llm": {307, "llm/"}, "/a/llm/": {200, ""}, "/a/llm/ui/app.js": {200, ""},
		} {
			response, _ := get(t, "GET", url+path, map[string]string{"Accept": html})
			if response.StatusCode != want.status || response.Header.Get("Location") != want.location {
				t.Errorf("%s: status %d, %v", path, response.StatusCode, response.Header)
			}
		}
		if response, _ := get(t, "GET", url+"/", map[string]string{"Accept": html}); response.StatusCode < 400 {
			t.Errorf("outside: status %d", response.StatusCode)
		}
	}
}

// Nothing in the page makes markup of a string, or runs one.
func TestFilesMakeNoMarkup(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	_, index := get(t, "GET", url+"/", map[string]string{"Accept": html})
	if regexp.MustCompile(`(?i)\son\w+=|style=|<style|https?://|<script[^>]*>[^<]`).MatchString(index) {
		t.Error("index.html has inline scripts or styles, or names another host")
	}
	danger := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\("`)
	for _, name := range []string{"api", "app", "chat", "dom", "live", "markdown", "message", "plots", "prom", "rail", "settings", "spans", "store", "theme"} {
		response, body := get(t, "GET", url+"/ui/"+name+".js", nil)
		if response.StatusCode != 200 || danger.MatchString(body) {
			t.Errorf("%s: status %d, %q", name, response.StatusCode, danger.FindString(body))
		}
	}
}
