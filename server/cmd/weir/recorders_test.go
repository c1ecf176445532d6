package main

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// lineOf waits for a line of a file with an id.
func lineOf(t *testing.T, path, id string) string {
	t.Helper()
	for t.Context().Err() == nil {
		content, _ := os.ReadFile(path)
		for line := range strings.Lines(string(content)) {
			if strings.Contains(line, id) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
		runtime.Gosched()
	}
	t.Fatalf("%s has no %s", path, id)
	return ""
}

// completed asks for three tokens, and returns the id of the answer.
func (p *process) completed(stream string) string {
	p.t.Helper()
	response, err := p.do(http.MethodPost, "/v1/completions?key=secret", `{"prompt":"private","max_tokens":3,"ignore_eos":true,"stream":`+stream+`}`, "sk-secret")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("%d %s, %v", response.StatusCode, body, err)
	}
	return response.Header.Get("X-Request-Id")
}

// SIGHUP has the access log opened again, and ends nothing.
func TestAccessLogIsOpenedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		path, said := filepath.Join(t.TempDir(), "access.log"), make(chan string, 16)
		p, _ := startWatched(t, func(line string) bool {
			if strings.Contains(line, `msg="access log`) {
				said <- line
			}
			return true
		}, "--io", transport, "-np", "2", "-c", "1024", "--access-log", path)
		<-said // at first
		for _, stream := range []string{"false", "true"} {
			line := lineOf(t, path, p.completed(stream))
			var got struct {
				Path, Model   string
				Status, Bytes int
				Stream        bool
				Completion    int    `json:"completion_tokens"`
				Prompt        int    `json:"prompt_tokens"`
				Reason        string `json:"finish_reason"`
			}
			if err := json.Unmarshal([]byte(line), &got, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(line, err)
			}
			if got.Path != "/v1/completions" || got.Status != 200 || got.Completion != 3 || got.Prompt == 0 || got.Reason != "length" || got.Bytes == 0 || got.Stream != (stream == "true") || got.Model == "" {
				t.Error(line)
			}
			if strings.Contains(line, "secret") || strings.Contains(line, "private") {
				t.Error(line)
			}
		}
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		if line := <-said; !strings.Contains(line, "level=INFO") {
			t.Error(line)
		}
		lineOf(t, path, p.completed("true"))
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone {
			t.Errorf("exit code %d: %s", code, log)
		}
	})
}

// A log that cannot be opened is a mistake that is told at once.
func TestAccessLogCannotBeOpened(t *testing.T) {
	command := exec.CommandContext(t.Context(), binary, "serve", "-m", llamatest.Model(t), "--port", "0", "--access-log", filepath.Join(t.TempDir(), "no", "access.log"))
	command.Env = environment(withLibrary(t))
	said, err := command.CombinedOutput()
	if command.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(said), "--access-log") || !strings.Contains(string(said), "name a file that this server may write") {
		t.Errorf("%v: %s", err, said)
	}
}

// The environment has traces sent; what it says wrongly is told, and the server serves.
func TestTraces(t *testing.T) {
	sent := make(chan []byte, 16)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		sent <- body
	}))
	defer collector.Close()
	for variables, told := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL + " OTEL_BSP_SCHEDULE_DELAY=1":          "traces are sent",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL + " OTEL_EXPORTER_OTLP_PROTOCOL=carrot": "give http/protobuf",
	} {
		command := exec.CommandContext(t.Context(), binary, "serve", "-m", llamatest.Model(t), "--port", "0", "-np", "1", "-c", "512")
		command.Env = append(environment(withLibrary(t)), strings.Fields(variables)...)
		p, _ := watchStart(t, command, func(string) bool { return true })
		id := p.completed("true")
		for told == "traces are sent" {
			if body := <-sent; bytes.Contains(body, []byte(id)) {
				break
			}
		}
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone || !strings.Contains(log, told) {
			t.Errorf("%s: exit code %d: %s", variables, code, log)
		}
	}
}
