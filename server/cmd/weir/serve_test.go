package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

func (p *process) do(method, path, body, key string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	return http.DefaultClient.Do(request)
}

func (p *process) status(method, path, body, key string) int {
	p.t.Helper()
	response, err := p.do(method, path, body, key)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode
}

// onBoth runs a test with either transport.
func onBoth(t *testing.T, test func(t *testing.T, transport string)) {
	for _, transport := range []string{"uring", "net"} {
		t.Run(transport, func(t *testing.T) {
			if chosen, err := chooseTransport(transport); err != nil {
				t.Fatal(err)
			} else if chosen.name != transport {
				t.Skipf("not supported here: %v", chosen.reason)
			}
			test(t, transport)
		})
	}
}

func TestTransportIsAnnounced(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport)
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone || !strings.Contains(log, " io="+transport+" ") {
			t.Errorf("exit code %d, log: %s", code, log)
		}
	})
}

const endless = `{"messages":[{"role":"user","content":"go on"}],"ignore_eos":true,"stream":true,"max_tokens":MAX}`

// stream begins a stream and returns what follows its first line.
func (p *process) stream(maxTokens string) *bufio.Reader {
	p.t.Helper()
	response, err := p.do(http.MethodPost, "/v1/chat/completions", strings.Replace(endless, "MAX", maxTokens, 1), "")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
		p.t.Fatalf("%q, %v", line, err)
	}
	return lines
}

func TestServeKeysAliasAndLimits(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport, "-a", "my/model", "--api-key", "one,two", "--api-key", "three", "--api-key-file", write(t, "keys", []byte("four\n")),
			"-np", "2", "-c", "512", "-ngl", "0", "--no-mmap", "-v")
		for _, key := range []string{"one", "two", "three", "four"} {
			if status := p.status(http.MethodGet, "/v1/models/my/model", "", key); status != 200 {
				t.Errorf("key %s: status %d", key, status)
			}
		}
		for path, want := range map[string]int{"/v1/models": 401, "/health": 200} {
			if status := p.status(http.MethodGet, path, "", ""); status != want {
				t.Errorf("%s without a key: status %d, want %d", path, status, want)
			}
		}
		long := `{"prompt":"` + strings.Repeat("word ", 400) + `"}`
		if status := p.status(http.MethodPost, "/v1/completions", long, "one"); status != 400 {
			t.Errorf("prompt longer than the context: status %d", status)
		}
		p.signal(syscall.SIGINT)
		code, log := p.wait()
		if code != exitDone || !strings.Contains(log, "sequence_tokens=256") || !strings.Contains(log, "level=DEBUG") {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-1000):])
		}
	})
}

func TestDrainLetsStreamsEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport)
		lines := p.stream("400")
		p.signal(syscall.SIGTERM)
		rest, err := io.ReadAll(lines)
		if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
			t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
		}
		code, log := p.wait()
		if code != exitDone || !strings.Contains(log, "draining") || strings.Contains(log, "cutting off") {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-1000):])
		}
	})
}

func TestDrainIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport, "--drain-timeout", "1ms", "-np", "1", "-c", "2048")
		lines := p.stream("2000")
		p.signal(syscall.SIGTERM)
		rest, err := io.ReadAll(lines)
		if err != nil || !strings.Contains(string(rest), `"code":"shutting_down"`) {
			t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
		}
		code, log := p.wait()
		if code != exitDone || !strings.Contains(log, "cutting off") {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-1000):])
		}
	})
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport, "--drain-timeout", "10m", "-np", "1", "-c", "2048")
		lines := p.stream("2000")
		p.signal(syscall.SIGTERM)
		for taken := false; !taken; { // the first: no new connections, or 503 on old ones
			response, err := p.do(http.MethodGet, "/health", "", "")
			taken = err != nil || response.StatusCode != 200
			if err == nil {
				response.Body.Close()
			}
		}
		p.signal(syscall.SIGTERM)
		if _, err := io.ReadAll(lines); err == nil {
			t.Error("the stream ended in order")
		}
		if code, _ := p.wait(); code != -1 { // killed by the signal
			t.Errorf("exit code %d", code)
		}
	})
}
