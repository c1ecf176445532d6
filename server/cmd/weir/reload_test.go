package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// keyFileOf is a key file whose keys are the names and "-key".
func keyFileOf(rest string, names ...string) []byte {
	var entries []string
	for _, name := range names {
		entries = append(entries, fmt.Sprintf(`{"name":"%s","sha256":"%x"%s}`, name, sha256.Sum256([]byte(name+"-key")), rest))
	}
	return []byte(`{"keys":[` + strings.Join(entries, ",") + `]}`)
}

// startWithKeys is start with a key file; said gets what the log says of it, a line a
// reading.
func startWithKeys(t *testing.T, path string, args ...string) (p *process, said chan string) {
	t.Helper()
	said = make(chan string, 16)
	p, _ = startWatched(t, func(line string) bool {
		if strings.Contains(line, `msg="keys `) {
			said <- line
		}
		return true
	}, append([]string{"--keys", path}, args...)...)
	if line := <-said; !strings.Contains(line, "level=INFO") {
		t.Fatal(line)
	}
	return p, said
}

// put replaces a file by another, as who means well does.
func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestHangUpReadsKeysAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		path := write(t, "keys.json", keyFileOf(`,"in_flight":1`, "old", "stays"))
		p, said := startWithKeys(t, path, "--io", transport, "--api-key", "plain", "-np", "2", "-c", "4096")
		check := func(when string, want map[string]int) {
			t.Helper()
			for key, status := range want {
				if got := p.status(http.MethodGet, "/v1/models", "", key); got != status {
					t.Errorf("%s, %q: status %d, want %d", when, key, got, status)
				}
			}
		}
		check("at first", map[string]int{"old-key": 200, "stays-key": 200, "new-key": 401, "plain": 200, "": 401})
		response, err := p.do(http.MethodPost, "/v1/chat/completions", strings.Replace(endless, "MAX", "400", 1), "stays-key")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()

		put(t, path, []byte("{"))
		p.signal(syscall.SIGHUP)
		if line := <-said; !strings.Contains(line, "level=ERROR") || !strings.Contains(line, path) || !strings.Contains(line, "write {") {
			t.Errorf("of a wrong file: %s", line)
		}
		check("with a wrong file", map[string]int{"old-key": 200, "stays-key": 200, "new-key": 401})

		put(t, path, keyFileOf(`,"in_flight":1`, "new", "stays"))
		p.signal(syscall.SIGHUP)
		if line := <-said; !strings.Contains(line, "level=INFO") || !strings.Contains(line, "keys=2") {
			t.Errorf("of a new file: %s", line)
		}
		check("with a new file", map[string]int{"old-key": 401, "stays-key": 200, "new-key": 200, "plain": 200})

		if rest, err := io.ReadAll(response.Body); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
			t.Errorf("a stream from before ends with %.200q, %v", rest[max(0, len(rest)-200):], err)
		}
		for range 3 { // one at a time, and each knows of the other's end
			if status := p.status(http.MethodPost, "/v1/completions", `{"prompt":"x","max_tokens":3,"stream":true}`, "stays-key"); status != http.StatusOK {
				t.Errorf("behind a stream: status %d", status)
			}
		}
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone || strings.Contains(log, "-key") {
			t.Errorf("exit code %d: %s", code, log)
		}
	})
}

// While a stream runs, one more is too many, and is told so.
func TestKeysBoundStreams(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		p, _ := startWithKeys(t, write(t, "keys.json", keyFileOf(`,"in_flight":1`, "acme")), "--io", transport, "-np", "1", "-c", "65536", "--drain-timeout", drainTimeout.String())
		response, err := p.do(http.MethodPost, "/v1/chat/completions", strings.Replace(endless, "MAX", "60000", 1), "acme-key")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if status := p.status(http.MethodPost, "/v1/completions", `{"prompt":"x"}`, "acme-key"); response.StatusCode != http.StatusOK || status != http.StatusTooManyRequests {
			t.Errorf("status %d, and then %d", response.StatusCode, status)
		}
		endsInTime(t, p.command, syscall.SIGTERM, exitDone)
	})
}

// SIGHUP means the file also under nohup. One that everybody may read is served, and
// said.
func TestHangUpUnderNohupReadsKeys(t *testing.T) {
	path := write(t, "keys.json", keyFileOf("", "acme"))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `trap "" HUP; exec "$0" serve -m "$1" --port 0 --keys "$2"`, binary, llamatest.Model(t), path)
	command.Env = environment(withLibrary(t))
	said := make(chan string, 16)
	p, _ := watchStart(t, command, func(line string) bool {
		if strings.Contains(line, `msg="keys in force"`) || strings.Contains(line, "chmod o-r") {
			said <- line
		}
		return true
	})
	for range 2 {
		if line := <-said; !strings.Contains(line, "keys=1") {
			t.Error(line)
		}
		if line := <-said; !strings.Contains(line, "level=WARN") || !strings.Contains(line, path) {
			t.Error(line)
		}
		p.signal(syscall.SIGHUP)
	}
	<-said
	<-said
	if status := p.status(http.MethodGet, "/v1/models", "", "acme-key"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	endsInTime(t, p.command, syscall.SIGTERM, exitDone)
}
