package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// childSource is an experiment's command without dependencies. It logs each
// start, so that the order of arms shows, and fails on demand.
const childSource = `package main

import (
	"fmt"
	"os"
)

func main() {
	if os.Args[len(os.Args)-1] == "-plan" {
		if os.Args[2] == "lacks" {
			fmt.Fprintln(os.Stderr, "no such server: name it")
			os.Exit(69)
		}
		fmt.Println("{\"time_ns\":[\"time_ns\"],\"share\":[\"share\"],\"of{sizes}/rate\":[\"of7/rate\"]}")
		return
	}
	log, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(log, os.Args[2])
	if os.Args[2] == "fail" {
		os.Exit(1)
	}
	fmt.Printf("{\"params\":{\"arm\":%q,\"size\":\"7\"},\"measurements\":{\"time_ns\":%d}}\n", os.Args[2], 10*len(os.Args[2]))
}
`

// newTestRunner returns a runner over a module of its own, with the go command
// that runs this test as both toolchains.
func newTestRunner(t *testing.T, rounds int) *Runner {
	t.Helper()
	root := t.TempDir()
	command := filepath.Join(root, "bench", "c99", "measure")
	if err := os.MkdirAll(command, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		filepath.Join(root, "go.mod"):     "module example.test/bench\n\ngo 1.27.0\n",
		filepath.Join(command, "main.go"): childSource,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The go command puts its own bin directory first for tests it runs.
	version, _, _ := strings.Cut(runtime.Version(), " ")
	same := goCommand{path: "go", choice: "local", version: version}
	out := filepath.Join(root, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	return &Runner{
		opts: Options{Out: out, Rounds: rounds, Log: new(bytes.Buffer)}, root: root,
		toolchains: map[experiment.Toolchain]goCommand{experiment.Stock: same, experiment.Weir: same},
	}
}

func threeArms(log string) experiment.Declaration {
	return experiment.Declaration{
		ID: "c99", Title: "a thing", Claim: "faster", Metric: "share", Label: "share of the loop", Unit: "ratio",
		Better: experiment.HigherIsBetter, Bars: []experiment.Bar{{Text: "half", Bound: experiment.AtLeast, Limit: 0.5}},
		Arms: []experiment.Arm{
			{Name: "loop", Toolchain: experiment.Stock, Args: []string{log, "loop"}},
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{log, "stock", "${stock}"}},
			{Name: "weir", Toolchain: experiment.Weir, Args: []string{log, "weir-"}},
		},
		Metrics: []experiment.Metric{
			{Name: "time_ns", Text: "time"}, {Name: "share", Text: "of the loop"},
			{Name: "of{sizes}/rate", Text: "rate", Arms: []string{"weir"}},
		},
		Derive: func(r experiment.Round) error {
			for _, arm := range []string{"stock", "weir"} {
				r[arm]["share"] = r["loop"]["time_ns"] / r[arm]["time_ns"]
			}
			return nil
		},
	}
}

func TestRunInterleavesAndWrites(t *testing.T) {
	r := newTestRunner(t, 3)
	log := filepath.Join(r.root, "log")
	result, err := r.Run(t.Context(), threeArms(log))
	if err != nil {
		t.Fatal(err)
	}
	starts, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if want := "loop stock weir- weir- stock loop loop stock weir-"; strings.Join(strings.Fields(string(starts)), " ") != want {
		t.Errorf("started %q, want %q", starts, want)
	}
	if result.Stock != 0.8 || result.Weir != 0.8 || result.Ratio.Median != 1 || !result.Holds {
		t.Errorf("result is %+v", result)
	}
	if result.Params["size"] != "7" || result.Params["rounds"] != 3 || result.Params["arm"] != nil {
		t.Errorf("params are %v", result.Params)
	}
	if got := result.Details.Arms[1].Args; !slices.Equal(got, []string{log, "stock", "${stock}"}) {
		t.Errorf("the result's arguments are of this machine: %v", got)
	}
	if back, err := ReadResult(ResultFile(r.opts.Out, "c99")); err != nil || back.Weir != result.Weir {
		t.Errorf("read back %+v, %v", back, err)
	}
	raw, err := os.ReadFile(filepath.Join(r.opts.Out, "c99.raw.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	var last rawSample
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 9 || last.Round != 3 || last.Arm != "weir" || last.Measurements["time_ns"] != 50 {
		t.Errorf("%d raw lines, the last is %+v", len(lines), last)
	}
}

// TestUnknownMetricsAreRefusedFirst: a bar of what no command measures fails
// before any round.
func TestUnknownMetricsAreRefusedFirst(t *testing.T) {
	r := newTestRunner(t, 1)
	log := filepath.Join(r.root, "log")
	for metric, want := range map[string]string{
		"of8/rate":    "arm weir does not measure of8/rate with the flags it has: bar \"half\" needs it",
		"space_bytes": "does not measure space_bytes",
	} {
		e := threeArms(log)
		e.Bars[0].Metric = metric
		if _, err := r.Run(t.Context(), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	if _, err := os.Stat(log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a round was run: %v", err)
	}
}

func TestFailedRunLeavesNoResult(t *testing.T) {
	r := newTestRunner(t, 1)
	log := filepath.Join(r.root, "log")
	e := threeArms(log)
	if _, err := r.Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	e.Arms[2].Args[1] = "fail"
	_, err := r.Run(t.Context(), e)
	if err == nil || !strings.Contains(err.Error(), "round 1: arm weir") {
		t.Errorf("error is %v", err)
	}
	for _, name := range []string{"c99.json", "c99.raw.jsonl"} {
		if _, err := os.Stat(filepath.Join(r.opts.Out, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

func TestBuildFailureShowsTheCompiler(t *testing.T) {
	r := newTestRunner(t, 1)
	source := filepath.Join(r.root, "bench", "c99", "measure", "main.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() { undefined() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), threeArms("log")); err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("error is %v", err)
	}
}

func TestTestsAreBuilt(t *testing.T) {
	r := newTestRunner(t, 1)
	source := filepath.Join(r.root, "inner", "inner_test.go")
	if err := os.Mkdir(filepath.Dir(source), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, []byte("package inner\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := threeArms(filepath.Join(r.root, "log"))
	e.Tests = []string{"./inner"}
	if _, err := r.Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for _, name := range []experiment.Toolchain{experiment.Stock, experiment.Weir} {
		if _, err := os.Stat(filepath.Join(r.opts.Out, "bin", string(name), "inner.test")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBinaryOfAnotherToolchainIsRefused(t *testing.T) {
	r := newTestRunner(t, 1)
	weir := r.toolchains[experiment.Weir]
	weir.version += "-weir.1"
	r.toolchains[experiment.Weir] = weir
	if _, err := r.Run(t.Context(), threeArms("log")); err == nil || !strings.Contains(err.Error(), "was made by") {
		t.Errorf("error is %v", err)
	}
}

func TestMissingToolchainNamesTheRemedy(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "goroot-patches"), 0o755); err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(runtime.Version(), " ")
	version, _, ours := strings.Cut(strings.TrimPrefix(version, "go"), "-weir.")
	if ours {
		t.Skip("stock Go is not the go command of this run, and getting it may need a network")
	}
	if err := os.WriteFile(filepath.Join(root, "goroot-patches", "GO_VERSION"), []byte(version+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := findGo(t.Context(), root, ""); err == nil || !strings.Contains(err.Error(), "make toolchain") {
		t.Errorf("error is %v", err)
	}
	if _, err := findGo(t.Context(), root, "go"); err != nil {
		t.Errorf("our Go named by the caller: %v", err)
	}
}
