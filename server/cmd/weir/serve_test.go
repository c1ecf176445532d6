package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
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
			} else if chosen.reason != nil {
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

// raw opens a connection of the test's own.
func (p *process) raw() (net.Conn, *bufio.Reader) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn, bufio.NewReader(conn)
}

func chatRequest(body string) string {
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// A connection carries streams and other requests by turns, also when they are
// sent ahead, and an idle one does not hold up the drain.
func TestConnectionIsUsedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport)
		conn, lines := p.raw()
		const rounds = 3
		stream := chatRequest(strings.Replace(endless, "MAX", "20", 1))
		if _, err := io.WriteString(conn, strings.Repeat(stream+"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", rounds)); err != nil {
			t.Fatal(err)
		}
		for i := range 2 * rounds {
			response, err := http.ReadResponse(lines, nil)
			if err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			body, err := io.ReadAll(response.Body)
			if streamed := strings.HasSuffix(string(body), "data: [DONE]\n\n"); err != nil || response.StatusCode != http.StatusOK || streamed != (i%2 == 0) {
				t.Errorf("answer %d: status %d, %q, %v", i, response.StatusCode, body, err)
			}
		}
		p.signal(syscall.SIGTERM)
		code, log := p.wait()
		if code != exitDone || strings.Contains(log, "cutting off") {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-1000):])
		}
	})
}

// With one sequence, the next request waits until the one whose client has gone
// is off; the first would take minutes to its end.
func TestLostClientsFreeTheirSequence(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport, "-np", "1", "-c", "65536")
		for way, lingerSeconds := range map[string]int{"close": -1, "reset": 0} {
			conn, lines := p.raw()
			if _, err := io.WriteString(conn, chatRequest(strings.Replace(endless, "MAX", "60000", 1))); err != nil {
				t.Fatal(err)
			}
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).SetLinger(lingerSeconds)
			_ = conn.Close()
			if status := p.status(http.MethodPost, "/v1/completions", `{"prompt":"x","max_tokens":3}`, ""); status != http.StatusOK {
				t.Errorf("after a client's %s: status %d", way, status)
			}
		}
	})
}
