package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/gguf/tamper"
)

// answerOf asks for something, and takes the answer apart.
func (p *process) answerOf(method, path, body string, into any) {
	p.t.Helper()
	response, err := p.do(method, path, body, "")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(answer, into) != nil {
		p.t.Fatalf("%s: %v, status %d, %s", path, err, response.StatusCode, answer)
	}
}

// asleep reports whether /props says so.
func (p *process) asleep() bool {
	p.t.Helper()
	var props struct {
		Sleeping bool `json:"is_sleeping"`
	}
	p.answerOf(http.MethodGet, "/props", "", &props)
	return props.Sleeping
}

// mapped reports whether the process has a model's file in its memory.
func (p *process) mapped() bool {
	p.t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Contains(string(maps), ".gguf")
}

// A server that nobody asks for anything gives its model's memory back. To look at it
// does not wake it; who asks for something gets what it would have got.
func TestServeSleeps(t *testing.T) {
	p := start(t, "--io", "net", "-c", "1024", "-np", "2", "--sleep-idle-seconds", "1")
	const request = `{"prompt":"Once upon a time","n_predict":8,"temperature":0,"ignore_eos":true}`
	var first, again struct {
		Content string `json:"content"`
	}
	p.answerOf(http.MethodPost, "/completion", request, &first)
	if !p.mapped() {
		t.Fatal("the model's file is not mapped, so nothing would be seen")
	}
	for range 2 {
		p.poll("sleep", func(context.Context) error {
			if !p.asleep() {
				return errors.New("awake")
			}
			return nil
		})
		if p.mapped() {
			t.Error("it sleeps with its model in memory")
		}
		var any map[string]any
		for _, path := range []string{"/health", "/v1/models", "/models"} {
			p.answerOf(http.MethodGet, path, "", &any)
		}
		if code := p.status(http.MethodGet, "/metrics", "", ""); code != http.StatusOK || !p.asleep() {
			t.Errorf("status %d, asleep %v after being looked at", code, p.asleep())
		}
		if p.answerOf(http.MethodPost, "/completion", request, &again); again != first || first.Content == "" {
			t.Errorf("%+v, before it slept %+v", again, first)
		}
	}
	p.poll("sleep", func(context.Context) error {
		if !p.asleep() {
			return errors.New("awake")
		}
		return nil
	})
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone || !strings.Contains(log, "model unloaded") || !strings.Contains(log, "model loaded again") {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}

// A model in two parts is the model.
func TestServeSplitModel(t *testing.T) {
	var answers [2]struct {
		Content string `json:"content"`
	}
	for i, path := range []string{tamper.Write(t, func(*tamper.Model) {}), tamper.WriteSplit(t, func(*tamper.Model) {})} {
		p := start(t, "--io", "net", "-m", path, "-c", "512", "-np", "1")
		p.answerOf(http.MethodPost, "/completion", `{"prompt":"Hello","n_predict":16,"temperature":0,"ignore_eos":true}`, &answers[i])
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone {
			t.Errorf("exit code %d, log: %s", code, log)
		}
	}
	if answers[0].Content == "" || answers[0] != answers[1] {
		t.Errorf("whole %q, in two parts %q", answers[0].Content, answers[1].Content)
	}
}
