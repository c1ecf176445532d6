package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// probe asks by a socket; it gives the status and what is said.
func probe(ctx context.Context, socket, path string) (status int, said string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://probe"+path, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// probed waits until a probe has the status, and returns what is said.
func (p *process) probed(socket, path string, status int) (said string) {
	p.t.Helper()
	p.poll(fmt.Sprintf("%s being %d", path, status), func(ctx context.Context) error {
		got, text, err := probe(ctx, socket, path)
		if said = text; err == nil && got != status {
			return fmt.Errorf("status %d, %s", got, text)
		}
		return err
	})
	return said
}

// With a grace a signal makes the server not ready, and everything is served on; the
// second signal ends it at once.
func TestGrace(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		socket := filepath.Join(t.TempDir(), "s")
		p := start(t, "--io", transport, "--health-addr", "unix:"+socket, "--grace", "1h")
		p.probed(socket, "/readyz", http.StatusOK)
		p.signal(syscall.SIGTERM)
		if said := p.probed(socket, "/readyz", http.StatusServiceUnavailable); !strings.Contains(said, "shutting down") {
			t.Errorf("/readyz says %q", said)
		}
		if said := p.health(http.StatusServiceUnavailable); !strings.Contains(said, "shutting down") {
			t.Errorf("/health says %s", said)
		}
		if status, said, err := probe(t.Context(), socket, "/livez"); status != http.StatusOK {
			t.Errorf("/livez: status %d, %s, %v", status, said, err)
		}
		if rest, err := io.ReadAll(p.stream("20")); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
			t.Errorf("a stream within the grace ends with %.200q, %v", rest[max(0, len(rest)-200):], err)
		}
		endsInTime(t, p.command, syscall.SIGTERM, killed)
	})
}

// refused asks until a request is refused, and returns the answer. Those that come too
// early wait for an engine that hangs.
func (p *process) refused() *http.Response {
	p.t.Helper()
	answers := make(chan *http.Response)
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		go func() {
			response, err := p.do(http.MethodPost, "/v1/completions", `{"prompt":"x","max_tokens":1}`, "")
			if err != nil {
				return
			}
			response.Body.Close()
			select {
			case answers <- response:
			case <-ctx.Done():
			}
		}()
		select {
		case response := <-answers:
			if response.StatusCode == http.StatusServiceUnavailable {
				return response
			}
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			p.t.Fatal("no request is refused")
		}
	}
}

// After the grace requests are refused, on connections that end with it, old and new,
// while what runs gets on to its end.
func TestDrainRefusesAndLetsRun(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		load, free := hanging()
		s := serveHere(t, free, load, "--io", transport, "--grace", "1ms", "--drain-timeout", "10m", "--stuck-after", "1h")
		s.health(http.StatusOK)
		response, err := s.do(http.MethodPost, "/v1/completions", `{"prompt":"x","stream":true,"max_tokens":20}`, "")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		old, lines := s.raw()
		s.signal()
		s.health(http.StatusServiceUnavailable)
		if r := s.refused(); !r.Close || r.Header.Get("Retry-After") == "" {
			t.Errorf("refused with %v, the connection stays: %v", r.Header, !r.Close)
		}
		if _, err := io.WriteString(old, chatRequest(`{"prompt":"x"}`)); err != nil {
			t.Fatal(err)
		}
		if r, err := http.ReadResponse(lines, nil); err != nil || r.StatusCode < 400 || !r.Close {
			t.Errorf("on a connection that was there before: %+v, %v", r, err)
		}
		select {
		case <-s.ended:
			t.Error("it has ended beside a stream")
		default:
		}
		free()
		if events, err := io.ReadAll(response.Body); err != nil || !strings.HasSuffix(string(events), "data: [DONE]\n\n") {
			t.Errorf("the stream is %s, %v", events, err)
		}
		if <-s.ended; s.err != nil || len(s.exits.all()) > 0 {
			t.Errorf("ended with %v, exits %v", s.err, s.exits.all())
		}
	})
}

// While the model is loaded probes are answered, and later too.
func TestProbesWhileLoading(t *testing.T) {
	hold := make(chan struct{})
	free := sync.OnceFunc(func() { close(hold) })
	socket := filepath.Join(t.TempDir(), "s")
	s := serveHere(t, free, func() (engine.Model, error) {
		<-hold
		return enginetest.New(enginetest.Options{}), nil
	}, "--health-addr", "unix:"+socket)
	if said := s.probed(socket, "/readyz", http.StatusServiceUnavailable); !strings.Contains(said, "being loaded") {
		t.Errorf("/readyz says %q", said)
	}
	s.probed(socket, "/livez", http.StatusOK)
	free()
	s.probed(socket, "/readyz", http.StatusOK)
}

func TestGraceOfFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		want time.Duration
	}{
		{"", 0}, {"--health-addr :9", probedGrace}, {"--health-addr :9 --grace 0", 0}, {"--grace 2", 2 * time.Second}, {"--grace 1m", time.Minute},
	} {
		o, err := parseOptions(append([]string{"-m", "x"}, strings.Fields(c.args)...), io.Discard)
		if err != nil || o.graceTime() != c.want {
			t.Errorf("%q: %v, %v, want %v", c.args, o.graceTime(), err, c.want)
		}
	}
	for _, args := range []string{"--grace -1", "--grace soon", "--health-addr="} {
		if _, err := parseOptions(append([]string{"-m", "x"}, strings.Fields(args)...), io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	var out bytes.Buffer
	if code := run([]string{"serve", "-m", "x", "--health-addr", "9090"}, io.Discard, &out); code != exitFailed || !strings.Contains(out.String(), "give HOST:PORT or unix:PATH") {
		t.Errorf("exit code %d, %s", code, &out)
	}
}
