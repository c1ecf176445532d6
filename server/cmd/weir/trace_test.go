package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/sched/schedtrace/schedtracetest"
)

// queued is a trace in which goroutine 2 is ready for 5 ms behind main, on the one P.
func queued() []byte {
	w := schedtracetest.New(1)
	m := w.Thread(1)
	m.At(1000).ProcStart(0)
	m.At(1010).Running(1)
	m.At(1020).Create(2, "main.stream")
	m.At(1030).Block("sync", "main.hog", "main.main")
	m.At(1040).Start(2)
	m.At(1050).Block("chan receive", "main.stream")
	m.At(1060).Unblock(1)
	m.At(1070).Start(1)
	m.At(10_000).Unblock(2, "main.hog", "main.main")
	m.At(5_010_000).Stop("preempted", "main.hog", "main.main")
	m.At(5_010_050).Start(2)
	return w.Bytes()
}

func TestTrace(t *testing.T) {
	file := write(t, "queued.trace", queued())
	cut := write(t, "cut.trace", queued()[:300])
	for _, test := range []struct {
		name string
		args []string
		code int
		text string // in stderr, or in stdout with code 0
	}{
		{"text", []string{file}, exitDone, "5ms at 10µs: goroutine 2 of main.stream"},
		{"what ran", []string{file}, exitDone, "goroutine 1 of main.main, at main.hog"},
		{"help", []string{"-h"}, exitDone, "park.p99@GROUP=1ms"},
		{"a limit that holds", []string{"--limit", "park=6ms", "--limit", "run.p99@main.stream=1ms", file}, exitDone, "park→scheduled"},
		{"one that is crossed", []string{"--limit", "park=6ms", "--limit", "park.p99@main.stream=1ms", file}, exitFailed,
			"queued.trace: limit park.p99@main.stream=1ms crossed: it is 5ms"},
		{"by number", []string{"--limit=park.over=0", file}, exitFailed, "limit park.over=0 crossed: 1 of 2 are over 80µs"},
		{"another threshold", []string{"--limit=park.over=0", "--park=1s", file}, exitDone, "over 1s is abnormal"},
		{"of nobody", []string{"--limit=park@main.nobody=1s", file}, exitFailed, "there is no such latency"},
		{"no limit", []string{"--limit", "park", file}, exitUsage, "write one like park=5ms"},
		{"no threshold", []string{"--run", "0s", file}, exitUsage, "give times above zero"},
		{"too many", []string{"--worst", "100000", file}, exitUsage, "--worst is 100000: give a number from 0 to 1000"},
		{"no file", nil, exitUsage, "0 arguments given, not FILE"},
		{"a file that is not there", []string{"/nowhere/trace"}, exitFailed, "open /nowhere/trace"},
		{"a cut one", []string{cut}, exitFailed, "cut.trace: schedtrace: read: it is cut off: stop the trace"},
		{"no plots", []string{"--plot", filepath.Join(file, "plots"), file}, exitFailed, "weir: trace: plots: mkdir"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"trace"}, test.args...), &stdout, &stderr)
			text := stderr.String()
			if test.code == exitDone {
				text = stdout.String()
			}
			if code != test.code || !strings.Contains(text, test.text) {
				t.Errorf("code %d, want %d and %q:\n%s%s", code, test.code, test.text, stdout.String(), stderr.String())
			}
		})
	}
}

func TestTraceJSON(t *testing.T) {
	o := traceOptions{json: true}
	var stdout bytes.Buffer
	if err := o.run("-", bytes.NewReader(queued()), &stdout); err != nil { // from stdin
		t.Fatal(err)
	}
	var report struct {
		Park struct {
			Count, Over int64
			MaxNs       int64 `json:"max_ns"`
			Worst       []struct {
				Cause string
				Ran   []struct {
					Use, At string
					Ns      int64
				}
			}
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	p := report.Park
	if p.Count != 2 || p.Over != 1 || p.MaxNs != 5_000_050 || len(p.Worst) != 2 || p.Worst[0].Cause != "busy" {
		t.Fatalf("%+v", p)
	}
	if ran := p.Worst[0].Ran[0]; ran.Use != "goroutine" || ran.At != "main.hog" || ran.Ns != 5_000_000 {
		t.Errorf("%+v", ran)
	}
}

func TestTracePlots(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "plots")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"trace", "--plot", folder, write(t, "trace", queued())}, &stdout, &stderr); code != exitDone {
		t.Fatalf("code %d: %s", code, stderr.String())
	}
	for _, name := range []string{"park.svg", "run.svg", "causes.svg"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte("main.stream")) {
			t.Errorf("%s does not name the group", name)
		}
		decoder := xml.NewDecoder(bytes.NewReader(text))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
