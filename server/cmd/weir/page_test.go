package main

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// ask sends a request with one more header and returns status, header and body.
func (p *process) ask(method, path, name, value string) (int, http.Header, string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set(name, value)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// askAs asks as a browser does that was told that host is here.
func (p *process) askAs(host string) (int, string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/health", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServePageAndOrigins(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		for _, test := range []struct {
			flags  []string
			page   int
			origin string
		}{
			{[]string{"--api-key", "k"}, 200, "https://b.example"}, // who has a key may come from anywhere
			{[]string{"--no-webui"}, 404, ""},
			{[]string{"--no-webui", "--cors-origins", "https://a.example,https://b.example"}, 404, "https://b.example"},
		} {
			p := start(t, append(test.flags, "--io", transport, "-np", "1", "-c", "64")...)
			for _, path := range []string{"/", "/ui/app.js"} {
				status, header, body := p.ask(http.MethodGet, path, "Accept", "text/html")
				if status != test.page || (header.Get("Content-Security-Policy") != "") != (status == 200) || body == "" {
					t.Errorf("%v, %s: status %d, %v", test.flags, path, status, header)
				}
			}
			if status, _, body := p.ask(http.MethodHead, "/", "Accept", "text/html"); status != test.page || body != "" {
				t.Errorf("%v: HEAD: status %d, %q", test.flags, status, body)
			}
			if status, header, _ := p.ask(http.MethodGet, "/health", "Origin", "https://b.example"); status != 200 || header.Get("Access-Control-Allow-Origin") != test.origin {
				t.Errorf("%v: status %d, %v", test.flags, status, header)
			}
			if status, header, _ := p.ask(http.MethodOptions, "/v1/models/", "Origin", "https://b.example"); status != 200 || !strings.Contains(header.Get("Allow"), "GET") {
				t.Errorf("%v: OPTIONS: status %d, %v", test.flags, status, header)
			}
			p.signal(syscall.SIGINT)
			if code, log := p.wait(); code != exitDone {
				t.Errorf("exit code %d: %s", code, log)
			}
		}
	})
}

// On loopback a browser gets nothing by the name of another site.
func TestServeByAnotherName(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--cors-origins", "https://b.example", "--io", transport, "-np", "1", "-c", "64")
		for host, want := range map[string]int{"evil.example": http.StatusMisdirectedRequest, "b.example": http.StatusOK, "localhost:8080": http.StatusOK} {
			if status, body := p.askAs(host); status != want {
				t.Errorf("%s: status %d, %s", host, status, body)
			}
		}
		p.signal(syscall.SIGINT)
		if code, log := p.wait(); code != exitDone {
			t.Errorf("exit code %d: %s", code, log)
		}
	})
}
