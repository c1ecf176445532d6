package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/c01"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// flaskArm sets the flags of a small Flask service, and skips where there is none.
func flaskArm(t *testing.T, generator string) {
	t.Helper()
	llamatest.Library(t)
	sampletest.SetFlags(t, map[string]string{
		"arm": "flask", "generator": generator, "model": llamatest.Model(t), "connections": "3", "tokens": "20", "threads": "1",
	})
	if err := requirements(); err != nil {
		t.Skip(err)
	}
}

func TestFlaskArms(t *testing.T) {
	for _, generator := range []string{"Locked", "Batched"} {
		t.Run(generator, func(t *testing.T) {
			flaskArm(t, generator)
			r := sample.NewRecorder(c01.Experiment)
			if err := measure(r); err != nil {
				t.Fatal(err)
			}
			got := r.Measurements()
			for _, metric := range c01.Experiment.Metrics {
				names, err := metric.Expand(func(string) (string, bool) { return "", false })
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					if _, ok := got[name]; !ok && metric.Arms == nil {
						t.Errorf("%s was not measured, but %v", name, slices.Sorted(maps.Keys(got)))
					}
				}
			}
			if got["errors"] != 0 || got["tokens_per_s"] <= 0 || got["resident_mib"] <= 0 {
				t.Errorf("measured %v", got)
			}
		})
	}
}

// TestServiceSaysWhatTheEngineSays: the service's structs, batches and sampling
// are right if its greedy text is what the engine says by way of our own calls.
func TestServiceSaysWhatTheEngineSays(t *testing.T) {
	const made = 20
	want := greedy(t, made)
	for _, generator := range []string{"Locked", "Batched"} {
		t.Run(generator, func(t *testing.T) {
			flaskArm(t, generator)
			cfg, end, err := service()
			if err != nil {
				t.Fatal(err)
			}
			s, err := served.Start(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s.URL, made); got != want {
				t.Errorf("it says %q, the engine %q", got, want)
			}
			if err := errors.Join(s.Stop(), end()); err != nil {
				t.Error(err)
			}
		})
	}
}

// greedy returns the likeliest text behind the prompt.
func greedy(t *testing.T, n int) string {
	m := llamatest.Load(t)
	llm, err := m.NewContext(engine.ContextConfig{MaxSequences: 1, ContextTokens: 256, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer llm.Close()
	tokens, err := m.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: *prompt})
	if err != nil {
		t.Fatal(err)
	}
	batch := engine.NewBatch(llm.Limits().BatchTokens)
	row := 0
	for at, token := range tokens {
		row = batch.Add(token, at, 0, at == len(tokens)-1)
	}
	var text []byte
	for at := len(tokens); at < len(tokens)+n; at++ {
		if err := llm.Decode(batch); err != nil {
			t.Fatal(err)
		}
		logits, err := llm.Logits(row)
		if err != nil {
			t.Fatal(err)
		}
		token := engine.Token(slices.Index(logits, slices.Max(logits)))
		text = m.AppendPiece(text, token, false)
		batch.Reset()
		row = batch.Add(token, at, 0, true)
	}
	return strings.ToValidUTF8(string(text), "")
}

// ask returns the text of one answer.
func ask(t *testing.T, url string, n int) string {
	t.Helper()
	body := `{"prompt":` + strconv.Quote(*prompt) + `,"max_tokens":` + strconv.Itoa(n) +
		`,"temperature":0,"top_k":40,"top_p":1,"min_p":0,"seed":1,"ignore_eos":true,"stream":true}`
	response, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range bytes.Lines(answer) {
		data, ok := bytes.CutPrefix(line, []byte("data: {"))
		if !ok {
			continue
		}
		var frame struct{ Choices []struct{ Text string } }
		if err := json.Unmarshal(append([]byte("{"), data...), &frame); err != nil {
			t.Fatal(err)
		}
		text.WriteString(frame.Choices[0].Text)
	}
	return strings.ReplaceAll(text.String(), "\uFFFD", "") // of bytes that are no text
}

func TestWhatIsNeededIsSaid(t *testing.T) {
	sampletest.SetFlags(t, map[string]string{"arm": "flask", "python": "/no/such/python"})
	if err := requirements(); err == nil || !strings.Contains(err.Error(), "apt-get install python3-flask gunicorn") {
		t.Errorf("without an interpreter: %v", err)
	}
	sampletest.SetFlags(t, map[string]string{"arm": "server"})
	if err := requirements(); err != nil {
		t.Errorf("our own server: %v", err)
	}
	sampletest.SetFlags(t, map[string]string{"arm": "django"})
	if _, _, err := service(); err == nil {
		t.Error("an arm that there is not was taken")
	}
}

// TestUsageOfAllProcesses: a child's memory counts.
func TestUsageOfAllProcesses(t *testing.T) {
	shell := exec.Command("sh", "-c", "cat; true")
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	// What comes back shows that the child is there.
	if _, err := io.WriteString(in, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	alone, err := sample.ProcessMemory(shell.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if both, err := usageOf(shell.Process.Pid); err != nil || both.residentBytes <= alone.ResidentBytes {
		t.Errorf("%+v of two processes, %d bytes of one, %v", both, alone.ResidentBytes, err)
	}
	if err := errors.Join(in.Close(), shell.Wait()); err != nil {
		t.Error(err)
	}
}
