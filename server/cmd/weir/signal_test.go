package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// Whatever it is at, the process has ended two seconds after its drain timeout. The
// tests are content with ten times as long, on a machine that does something else.
const (
	drainTimeout = time.Second
	lateLimit    = 10 * (drainTimeout + 2*time.Second)
	killed       = -1 // by the signal
)

// endsInTime sends a signal and waits for the process's own end.
func endsInTime(t *testing.T, command *exec.Cmd, signal syscall.Signal, code int) {
	t.Helper()
	begun := time.Now()
	if err := command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(lateLimit, func() { command.Process.Kill() })
	defer late.Stop()
	state, err := command.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v after the signal: %v", time.Since(begun).Round(time.Millisecond), state)
	if state.ExitCode() != code {
		t.Errorf("ended with %v, want exit code %d", state, code)
	}
}

// post begins a request on a connection of its own: its head, and as much of its
// body as is given.
func (p *process) post(path string, bodyBytes int, body string) net.Conn {
	p.t.Helper()
	conn, _ := p.raw()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, bodyBytes, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// startUnheard starts weir serve with stderr, or with descriptor 2 closed if that is
// nil, on an address that was free: its log cannot say which.
func startUnheard(t *testing.T, stderr *os.File, args ...string) *process {
	t.Helper()
	host, port := freeAddress(t)
	args = append([]string{"serve", "-m", llamatest.Model(t), "--host", host, "--port", port, "--drain-timeout", drainTimeout.String()}, args...)
	command := exec.CommandContext(t.Context(), binary, args...)
	if stderr == nil {
		command = exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `exec "$0" "$@" 2>&-`, binary}, args...)...)
	} else {
		command.Stderr = stderr
	}
	command.Env = environment(withLibrary(t))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	return &process{t: t, command: command, url: "http://" + net.JoinHostPort(host, port)}
}

// No client holds up the end.
func TestEndBesideClients(t *testing.T) {
	for name, begin := range map[string]func(p *process){
		"a text that takes minutes to tokenise": func(p *process) {
			body := `{"content":"` + strings.Repeat("<|im_start|>", 100_000) + `"}`
			p.post("/tokenize", len(body), body)
		},
		"a chat of that kind": func(p *process) {
			body := `{"messages":[` + strings.Repeat(`{"role":"user","content":"x"},`, 100_000) + `{"role":"user","content":"x"}]}`
			p.post("/v1/chat/completions", len(body), body)
		},
		"a body that does not come": func(p *process) { p.post("/v1/completions", 1000, `{"prompt":"`) },
		"a stream that nobody reads": func(p *process) {
			body := `{"prompt":"x","stream":true,"logprobs":20,"ignore_eos":true,"max_tokens":60000}`
			if _, err := p.post("/v1/completions", len(body), body).Read(make([]byte, 1)); err != nil {
				p.t.Fatal(err)
			}
		},
		"an answer that nobody reads": func(p *process) {
			body := `{"content":"` + strings.Repeat("a b ", 500_000) + `","with_pieces":true}`
			p.post("/tokenize", len(body), body)
		},
		"a connection without a request": func(p *process) { p.raw() },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, transport string) {
				p := start(t, "--io", transport, "--drain-timeout", drainTimeout.String(), "-np", "1", "-c", "65536")
				begin(p)
				// Another request shows that the first has been taken.
				if status := p.status(http.MethodGet, "/health", "", ""); status != http.StatusOK {
					t.Errorf("status %d", status)
				}
				endsInTime(t, p.command, syscall.SIGTERM, exitDone)
			})
		})
	}
}

// A terminal that hangs up, and whose shell says so too, gets streams their end; under
// nohup it is nobody's affair.
func TestHangUp(t *testing.T) {
	// Whoever handles a signal has children with its default, also under nohup.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	p := start(t, "--drain-timeout", "1m")
	lines := p.stream("200")
	p.signal(syscall.SIGHUP)
	_ = p.command.Process.Signal(syscall.SIGHUP) // it may have ended already
	if rest, err := io.ReadAll(lines); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %.200q, %v", rest[max(0, len(rest)-200):], err)
	}
	if code, log := p.wait(); code != exitDone || !strings.Contains(log, "msg=draining") {
		t.Errorf("exit code %d: %s", code, log)
	}

	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `trap "" HUP; exec "$0" serve -m "$1" --port 0`, binary, llamatest.Model(t))
	command.Env = environment(withLibrary(t))
	p, _ = watchStart(t, command, func(string) bool { return true })
	p.signal(syscall.SIGHUP)
	if status := p.status(http.MethodGet, "/health", "", ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	endsInTime(t, p.command, syscall.SIGTERM, exitDone)
}

// An engine library of which no byte ever comes: opening it is a call of C that keeps
// the process from new threads.
func TestEndWhileLibraryIsAwaited(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"libggml-base.so", "libggml.so", "libllama.so"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startUnheard(t, nil, "--llama-lib", dir)
	p.poll("its port", func(context.Context) error { // it is the last sign of life
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	endsInTime(t, p.command, syscall.SIGTERM, killed)
}
