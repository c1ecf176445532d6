package main

import (
	"encoding/json/v2"
	"io"
	"math"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// What starts llama-server starts weir, and its clients get what they ask for.
func TestServeAsLlamaServer(t *testing.T) {
	p := start(t, "--io", "net", "-fa", "on", "--jinja", "--metrics", "--no-webui", "-ctk", "f16", "-c", "1024", "-np", "2", "-n", "16", "--seed", "42",
		"--chat-template", "chatml", "--api-prefix", "/llm", "--props", "--threads-http", "4", "--temp", "0")
	ask := func(method, path, body string, into any) {
		t.Helper()
		response, err := p.do(method, "/llm"+path, body, "")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(answer, into) != nil {
			t.Errorf("%s: %v, status %d, %s", path, err, response.StatusCode, answer)
		}
	}
	var a struct {
		Tokens   []int          `json:"tokens"`
		Settings map[string]any `json:"generation_settings"`
		Stop     string         `json:"stop_type"`
	}
	ask(http.MethodPost, "/completion", `{"prompt":"Once upon","n_predict":-1,"return_tokens":true,"ignore_eos":true}`, &a)
	if len(a.Tokens) != 16 || a.Stop != "limit" || a.Settings["n_predict"] != 16.0 || a.Settings["temperature"] != 0.0 || a.Settings["repeat_last_n"] != 64.0 {
		t.Errorf("%+v", a)
	}
	var props struct {
		Path     string `json:"model_path"`
		Slots    int    `json:"total_slots"`
		Template string `json:"chat_template"`
	}
	ask(http.MethodGet, "/props/", "", &props)
	if !strings.HasSuffix(props.Path, ".gguf") || props.Slots != 2 || !strings.Contains(props.Template, "<|im_start|>") {
		t.Errorf("%+v", props)
	}
	var shown struct {
		Prompt string `json:"prompt"`
	}
	ask(http.MethodPost, "/apply-template", `{"messages":[{"role":"user","content":"hi"}]}`, &shown)
	if shown.Prompt != "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n" {
		t.Errorf("%q", shown.Prompt)
	}
	var slots []map[string]any
	ask(http.MethodGet, "/slots", "", &slots)
	var chat struct {
		Timings map[string]float64 `json:"timings"`
	}
	ask(http.MethodPost, "/chat/completions", `{"model":"gpt-4","messages":[{"role":"user","content":"hi"}]}`, &chat)
	if len(slots) != 2 || chat.Timings["prompt_n"] == 0 {
		t.Errorf("%v, %v", slots, chat)
	}
	p.signal(syscall.SIGTERM)
	code, log := p.wait()
	if code != exitDone || strings.Contains(log, "-fa has") || !strings.Contains(log, "--threads-http has no effect") || strings.Contains(log, "--jinja has") {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}

// What a slot has is saved, forgotten, and there again for a server that begins
// anew, with as many slots as it likes.
func TestServeSlots(t *testing.T) {
	dir := t.TempDir()
	var first, again struct {
		Content string             `json:"content"`
		Slot    int                `json:"id_slot"`
		Timings map[string]float64 `json:"timings"`
	}
	var saved, restored, erased map[string]any
	serve := func(slots string, calls func(post func(path, body string, into any))) {
		p := start(t, "--io", "net", "-c", "1024", "-np", slots, "--temp", "0", "--slot-save-path", dir)
		calls(func(path, body string, into any) {
			t.Helper()
			response, err := p.do(http.MethodPost, path, body, "")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(answer, into) != nil {
				t.Errorf("%s: %v, status %d, %s", path, err, response.StatusCode, answer)
			}
		})
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone {
			t.Errorf("exit code %d, log: %s", code, log)
		}
	}
	const request = `{"prompt":"Once upon a time there was","n_predict":8,"ignore_eos":true`
	serve("2", func(post func(path, body string, into any)) {
		post("/completion", request+`}`, &first)
		post("/slots/0?action=save", `{"filename":"once.bin"}`, &saved)
		post("/slots/0?action=erase", ``, &erased)
	})
	serve("3", func(post func(path, body string, into any)) {
		post("/slots/2?action=restore", `{"filename":"once.bin"}`, &restored)
		post("/completion", request+`,"id_slot":2}`, &again)
	})
	n := first.Timings["prompt_n"] + first.Timings["predicted_n"] - 1
	if first.Slot != 0 || saved["n_saved"] != n || erased["n_erased"] != n || restored["n_restored"] != n || saved["n_written"] != restored["n_read"] {
		t.Errorf("%+v, %v, %v, %v", first, saved, erased, restored)
	}
	if again.Slot != 2 || again.Timings["cache_n"] != first.Timings["prompt_n"]-1 || again.Timings["prompt_n"] != 1 || again.Content == "" {
		t.Errorf("%+v, %+v", again, first)
	}
}

// A reranker ranks, over the library, and its documents come in the same order
// whoever else is asked about.
func TestServeRerank(t *testing.T) {
	path := tamper.Write(t, (*tamper.Model).Rerank)
	p := start(t, "--io", "net", "-m", path, "-c", "1024", "-np", "2", "--reranking")
	type item struct {
		Index int     `json:"index"`
		Score float64 `json:"score"`
	}
	rank := func(texts ...string) (items []item) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"query": "a bridge", "texts": texts})
		if err != nil {
			t.Fatal(err)
		}
		response, err := p.do(http.MethodPost, "/v1/rerank", string(body), "")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(answer, &items) != nil {
			t.Fatalf("%v, status %d, %s", err, response.StatusCode, answer)
		}
		return items
	}
	texts := []string{"the river runs under it", "children watch small boats", "at dawn"}
	all := rank(texts...)
	if len(all) != len(texts) {
		t.Fatalf("%+v", all)
	}
	for i, one := range all {
		if i > 0 && one.Score > all[i-1].Score || one.Score <= 0 || one.Score >= 1 {
			t.Errorf("%+v", all)
		}
		if alone := rank(texts[one.Index]); math.Abs(alone[0].Score-one.Score) > 1e-3 {
			t.Errorf("document %d: %v, alone %v", one.Index, one.Score, alone[0].Score)
		}
	}
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}

// Who asks a model to rank that has not learnt it is told so, before it serves.
func TestServeNoReranker(t *testing.T) {
	command := exec.CommandContext(t.Context(), binary, "serve", "-m", llamatest.Model(t), "--port", "0", "--reranking")
	command.Env = environment(withLibrary(t))
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "the model is no reranker") {
		t.Errorf("%v: %s", err, out)
	}
}
