package probes

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

// serve answers probes on an address, and returns a client of it.
func serve(t *testing.T, address string, cfg Config) (*http.Client, net.Addr) {
	t.Helper()
	l, err := Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	s, err := Serve(l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	at := l.Addr()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, at.Network(), at.String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, at
}

func TestProbes(t *testing.T) {
	sick, busy := errors.New("the engine is wedged"), errors.New("the model is being loaded")
	for _, address := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")} {
		var live, ready error
		client, _ := serve(t, address, Config{Live: func() error { return live }, Ready: func() error { return ready }})
		for _, c := range []struct {
			live, ready  error
			method, path string
			status       int
			text         string
		}{
			{nil, nil, "GET", "/livez", 200, "ok\n"},
			{nil, nil, "GET", "/healthz", 200, "ok\n"},
			{nil, nil, "GET", "/readyz?verbose", 200, "ok\n"},
			{nil, busy, "GET", "/livez", 200, "ok\n"},
			{nil, busy, "GET", "/readyz", 503, "the model is being loaded\n"},
			{nil, busy, "HEAD", "/readyz", 503, ""},
			{sick, sick, "HEAD", "/livez", 503, ""},
			{sick, sick, "GET", "/healthz", 503, "the engine is wedged\n"},
			{nil, nil, "POST", "/livez", 405, "use GET or HEAD\n"},
			{nil, nil, "GET", "/metrics", 404, "ask for /livez or /readyz\n"},
		} {
			live, ready = c.live, c.ready // each answer comes before the next request
			request, err := http.NewRequestWithContext(t.Context(), c.method, "http://probes"+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != c.status || string(text) != c.text || !response.Close || response.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: status %d, %q, %v; want %d, %q", c.method, c.path, response.StatusCode, text, response.Header, c.status, c.text)
			}
		}
	}
}

// Who answers is in the group, with all that it starts where the runtime says so.
func TestProbesHaveTheirGroup(t *testing.T) {
	groups := make(chan string, 1)
	client, _ := serve(t, "127.0.0.1:0", Config{Live: func() error {
		groups <- ggroup.Current().Name()
		return nil
	}})
	response, err := client.Get("http://probes/livez")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if name := <-groups; name != "probes" {
		t.Errorf("answered in group %q", name)
	}
}

// A socket that is in use, and what is no socket, stay as they are; one that a process
// has left is replaced.
func TestListenOnPaths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "unix:"+path); err == nil || !strings.Contains(err.Error(), "choose another path") {
		t.Errorf("of a socket in use: %v", err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	again, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	for _, address := range []string{"", "9090", "localhost", "unix:" + t.TempDir()} {
		if l, err := Listen(t.Context(), address); err == nil {
			t.Errorf("listens on %q: %v", address, l.Addr())
			l.Close()
		}
	}
}
