package main

import (
	"encoding/json/v2"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// metric is the value of a line of /metrics that begins like that.
func (p *process) metric(begin string) string {
	p.t.Helper()
	response, err := p.do(http.MethodGet, "/metrics", "", "")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		if strings.HasPrefix(line, begin) {
			return line[strings.LastIndexByte(line, ' ')+1 : len(line)-1]
		}
	}
	p.t.Fatalf("there is no %s in /metrics", begin)
	return ""
}

// told is an answer of /completion.
type told struct {
	Content string `json:"content"`
	Tokens  []int  `json:"tokens"`
	Timings struct {
		Cached   int `json:"cache_n"`
		Computed int `json:"prompt_n"`
	} `json:"timings"`
}

// tell has a server that keeps states in a directory complete each of two prompts.
func (p *process) tell() (all []told) {
	p.t.Helper()
	for _, said := range []string{"one trout waits ", "an old mill stands "} {
		body := `{"prompt":"` + strings.Repeat(said, 40) + `","n_predict":12,"ignore_eos":true,"return_tokens":true}`
		response, err := p.do(http.MethodPost, "/completion", body, "")
		if err != nil {
			p.t.Fatal(err)
		}
		content, err := io.ReadAll(response.Body)
		response.Body.Close()
		var a told
		if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(content, &a) != nil || len(a.Tokens) != 12 {
			p.t.Fatalf("%v, status %d, %s", err, response.StatusCode, content)
		}
		all = append(all, a)
	}
	return all
}

// keepingStates starts a server that keeps what one sequence leaves, on disk at last.
func keepingStates(t *testing.T, dir string) *process {
	return start(t, "--io", "net", "-c", "1024", "-np", "1", "--temp", "0", "--cache-ram", "1", "--cache-disk", dir)
}

// killedServer is what a server has told that was killed, with what it has left in a
// directory.
func killedServer(t *testing.T) (first []told, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "states")
	p := keepingStates(t, dir)
	first = p.tell()
	for p.metric(`weir_prefix_store_entries{model_name="tiny",place="disk"}`) != "2" {
	}
	command := exec.CommandContext(t.Context(), binary, "serve", "-m", llamatest.Model(t), "--port", "0", "-c", "1024", "-np", "1", "--cache-disk", dir)
	command.Env = environment(withLibrary(t))
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "another server uses the directory") {
		t.Errorf("a second server: %v: %s", err, out)
	}
	p.signal(syscall.SIGKILL)
	p.wait()
	return first, dir
}

// A server that is killed leaves its states to the next one, whose answers are the same
// to the byte.
func TestServeAfterKill(t *testing.T) {
	first, dir := killedServer(t)
	if err := os.WriteFile(filepath.Join(dir, ".weir-half-a-state.kv"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := keepingStates(t, dir)
	for i, again := range p.tell() {
		prompt := first[i].Timings.Cached + first[i].Timings.Computed
		if again.Content != first[i].Content || again.Timings.Cached != prompt-1 || again.Timings.Computed != 1 {
			t.Errorf("%+v, before it was killed %+v", again, first[i])
		}
	}
	if n := p.metric(`weir_prefix_hits_total{model_name="tiny",place="disk"}`); n != "2" {
		t.Errorf("%s hits on disk", n)
	}
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone || strings.Contains(log, "kept state") {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}

// A file that is damaged is removed, with a line in the log, and its prompt computed.
func TestServeDamagedState(t *testing.T) {
	first, dir := killedServer(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.kv"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(files[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	p := keepingStates(t, dir)
	restored := 0
	for i, again := range p.tell() {
		if again.Content != first[i].Content {
			t.Errorf("%+v, before %+v", again, first[i])
		}
		if again.Timings.Computed == 1 {
			restored++
		}
	}
	if restored != 1 {
		t.Errorf("%d answers were restored, of one file that is damaged and one that is not", restored)
	}
	p.signal(syscall.SIGTERM)
	code, log := p.wait()
	if code != exitDone || strings.Count(log, "a kept state that cannot be used is removed") != 1 {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}
