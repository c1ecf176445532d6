package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/whole"
)

// built is the server that is measured.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the server, once for all tests.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "weir-whole-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "server")
	build := exec.Command("go", "build", "-o", built, "github.com/weirgo/weir/bench/whole/server")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// TestTheServerServesEveryToken: all streams get a token each step, and the server
// says what that cost it.
func TestTheServerServesEveryToken(t *testing.T) {
	sampletest.SetFlags(t, map[string]string{
		"server": built, "streams": "1,7,100", "seconds": "0.02", "shortest-step": "2ms",
	})
	r := sample.NewRecorder(whole.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	found := r.Measurements()
	if found["errors"] != 0 {
		t.Errorf("%v streams failed", found["errors"])
	}
	for _, cell := range []string{"streams1/", "streams7/", "streams100/"} {
		for _, what := range []string{"cpu_us_per_token", "inter_token_p50_us"} {
			if found[cell+what] <= 0 {
				t.Errorf("%s%s is %v", cell, what, found[cell+what])
			}
		}
	}
	if found["streams100/idle_bytes_per_stream"] <= 0 {
		t.Error("an idle stream holds nothing")
	}
}

func TestBadFlags(t *testing.T) {
	for _, flags := range []map[string]string{
		{"server": ""}, {"server": "/bin/true", "streams": "0"}, {"server": "/bin/true", "seconds": "0"}, {"server": "/bin/true"},
	} {
		sampletest.SetFlags(t, flags)
		if err := measure(sample.NewRecorder(whole.Experiment)); err == nil {
			t.Errorf("%v: no error", flags)
		}
	}
}

func TestSharesOfTheFloor(t *testing.T) {
	const name = "streams1000/cpu_us_per_token"
	round := experiment.Round{"stock": {name: 12}, "weir": {name: 6, "errors": 0}, "floor": {name: 4}}
	if err := whole.Experiment.Derive(round); err != nil {
		t.Fatal(err)
	}
	if got := round["weir"]["streams1000/cpu_vs_floor"]; got != 1.5 {
		t.Errorf("the share is %v", got)
	}
	delete(round["floor"], name)
	if err := whole.Experiment.Derive(round); err == nil {
		t.Error("no floor, and that is no error")
	}
}
