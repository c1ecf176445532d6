package main

import (
	"encoding/json"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// damaged is a model whose flaw only a computation shows.
func damaged(t *testing.T) string {
	return tamper.Write(t, func(m *tamper.Model) {
		for w := m.Weights("blk.0.ffn_up.weight"); len(w) > 0; w = w[4:] {
			copy(w, "\x00\x00\xc0\x7f")
		}
	})
}

func pipe(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "pipe.gguf")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerifyCommand(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		code int
		want string // in stdout, or in stderr with a code
	}{
		"sound":     {llamatest.Model(t), exitDone, "can be served: llama, 30 tensors, 4 MiB"},
		"hostile":   {tamper.Write(t, func(m *tamper.Model) { m.Set("llama.block_count", uint32(513)) }), exitFailed, "llama.block_count is 513"},
		"damaged":   {damaged(t), exitFailed, "invalid data"},
		"pipe":      {pipe(t), exitFailed, "it is a pipe"},
		"directory": {t.TempDir(), exitFailed, "it is a directory"},
		"absent":    {filepath.Join(t.TempDir(), "absent"), exitFailed, "check the path"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := weir(t, withLibrary(t), "models", "verify", test.path)
			said := stderr
			if test.code == exitDone {
				said = stdout
			}
			if code != test.code || !strings.Contains(said, test.want) || !strings.Contains(said, test.path) || strings.Count(said, "\n") != 1 {
				t.Errorf("exit code %d, want %d; said %q, want one line with %q in it", code, test.code, said, test.want)
			}
			code, stdout, stderr = weir(t, withLibrary(t), "models", "verify", "--json", test.path)
			var answer struct {
				File   string
				Served bool `json:"can_be_served"`
				Error  string
			}
			err := json.Unmarshal([]byte(stdout), &answer)
			if err != nil || code != test.code || answer.Served != (code == exitDone) || answer.File != test.path || answer.Served != (answer.Error == "") || stderr != "" {
				t.Errorf("as JSON: exit code %d, %q, %q, %v", code, stdout, stderr, err)
			}
		})
	}
}

// TestVerifyBeforeServing: what cannot be served is refused at once, in a line.
func TestVerifyBeforeServing(t *testing.T) {
	for name, test := range map[string]struct{ path, want string }{
		"damaged": {damaged(t), "its weights are damaged"},
		"epsilon": {tamper.Write(t, func(m *tamper.Model) {
			m.Set("llama.attention.layer_norm_rms_epsilon", float32(math.NaN()))
		}), "epsilon is NaN"},
		"pipe": {pipe(t), "it is a pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := weir(t, withLibrary(t), "serve", "-m", test.path, "--port", "0")
			if code != exitFailed || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, test.path) || strings.Contains(stderr, "goroutine") {
				t.Errorf("exit code %d, said %q, want %q in it", code, stderr, test.want)
			}
		})
	}
}

func TestVerifyOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, test := range []struct{ flag, want string }{
		{"--verbose", "tried=weights"}, {"--verbose", "tried=vocabulary"}, {"--no-verify", ""},
	} {
		p := start(t, test.flag)
		p.signal(syscall.SIGTERM)
		code, log := p.wait()
		if code != exitDone || !strings.Contains(log, test.want) || (test.want == "") == strings.Contains(log, "model verified") {
			t.Errorf("%s: exit code %d, want %q in %s", test.flag, code, test.want, log[:min(len(log), 3000)])
		}
	}
}

// TestModelIsCutShort: a model file that loses its end while it is served ends
// the server, and what it was at, with an error each.
func TestModelIsCutShort(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		path := llamatest.Model(t)
		p := start(t, "-m", path, "--io", transport)
		lines := p.stream("100000")
		if err := os.Truncate(path, 4096); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil || !strings.Contains(string(rest), `"error"`) || strings.Contains(string(rest), "[DONE]") {
			t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
		}
		code, log := p.wait()
		if code != exitFailed || strings.Contains(log, "SIGBUS") || strings.Count(log, "weir: llama: watch model: "+path) != 1 {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-2000):])
		}
		if connection, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
			connection.Close()
			t.Error("the port is still open")
		}
	})
}
