package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/tax"
)

const output = `goos: linux
goarch: amd64
pkg: runtime
BenchmarkChanSync-2   	 1000	       120.0 ns/op
BenchmarkChanSync-2   	 1000	       100.0 ns/op
BenchmarkWakeup/0s-2  	 1000	        10.0 ns/op	 5 B/op
BenchmarkWakeup/1s-2  	 1000	        40.0 ns/op
PASS
`

func TestCollect(t *testing.T) {
	fastest := make(map[string]float64)
	if err := collect(fastest, []byte(output), "test"); err != nil {
		t.Fatal(err)
	}
	means, err := joinParts(fastest, []string{"ChanSync", "Wakeup"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"ChanSync": 100, "Wakeup": 20} {
		if got := means[name]; math.Abs(got-want) > 1e-6 {
			t.Errorf("%s takes %v ns, want %v", name, got, want)
		}
	}
	if _, err := joinParts(fastest, []string{"ChanSync", "Gone"}); err == nil || !strings.Contains(err.Error(), "Gone") {
		t.Errorf("a benchmark that did not run: %v", err)
	}
}

func TestCollectRefusesNonsense(t *testing.T) {
	for _, text := range []string{"BenchmarkA-2 1 what ns/op\n", "BenchmarkA-2 10 3 B/op\n"} {
		if err := collect(map[string]float64{}, []byte(text), "test"); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// BenchmarkItself is run by TestMeasure from this very binary.
func BenchmarkItself(b *testing.B) {
	for b.Loop() {
		geomean([]float64{1, 2, 3})
	}
}

func TestMeasure(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	set := func(names string) {
		*tests, *benchmarks, *count, *benchTime = self, names, 2, 1
	}
	set("Itself")
	r := sample.NewRecorder(tax.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	if got := r.Measurements(); len(got) != 2 || got["Itself/ns_per_op"] <= 0 || math.Abs(got["geomean_ns"]-got["Itself/ns_per_op"]) > 1e-6 {
		t.Errorf("measured %v", got)
	}
	set("Missing")
	if err := measure(sample.NewRecorder(tax.Experiment)); err == nil {
		t.Error("a missing benchmark was measured")
	}
	set("Itself")
	*tests = filepath.Join(t.TempDir(), "runtime.test")
	if err := measure(sample.NewRecorder(tax.Experiment)); err == nil {
		t.Error("a missing binary was run")
	}
}
