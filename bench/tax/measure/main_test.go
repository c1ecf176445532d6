package main

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/tax"
)

func TestCheckRan(t *testing.T) {
	const output = "goos: linux\npkg: runtime\nBenchmarkChanSync \t 1000\t 120.0 ns/op\nBenchmarkWakeup/0s \t 1000\t 10.0 ns/op\nPASS\n"
	if err := checkRan([]byte(output), "test", 1000); err != nil {
		t.Error(err)
	}
	if err := checkRan([]byte(output), "test", 10); err == nil {
		t.Error("another number of operations was taken")
	}
	if err := checkRan([]byte("PASS\n"), "test", 1000); !errors.Is(err, errNotThere) {
		t.Errorf("no benchmark: %v", err)
	}
	if err := checkRan([]byte("BenchmarkA 1 what ns/op\n"), "test", 1); err == nil {
		t.Error("nonsense was taken")
	}
}

func TestParseSummary(t *testing.T) {
	if n, err := parseSummary("events: Ir\nfn=main\n1 2\nsummary: 20999942\n"); err != nil || n != 20999942 {
		t.Errorf("parsed %d, %v", n, err)
	}
	for _, text := range []string{"", "events: Ir\n", "\nsummary: 1 2\n", "\nsummary: many\n"} {
		if n, err := parseSummary(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}

var sink float64

// BenchmarkLong and BenchmarkShort are run by TestMeasure from this very
// binary.
func BenchmarkLong(b *testing.B)  { compute(b, 60_000) }
func BenchmarkShort(b *testing.B) { compute(b, 20_000) }

func compute(b *testing.B, steps int) {
	for range b.N {
		for i := range steps {
			sink += float64(i)
		}
	}
}

func TestMeasure(t *testing.T) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	measured := func(binaries, names string) (map[string]float64, error) {
		*tests, *benchmarks, *least, *count = binaries, names, 10_000_000, 1
		r := sample.NewRecorder(tax.Experiment)
		err := measure(r)
		return r.Measurements(), err
	}
	got, err := measured(self, "Long,Short")
	if errors.Is(err, errProcessor) {
		t.Skipf("not supported here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	long, short := got["Long/instructions_per_op"], got["Short/instructions_per_op"]
	if short < 20_000 || math.Abs(long/short-3) > 0.1 {
		t.Errorf("60 000 steps take %v instructions, 20 000 take %v", long, short)
	}
	if mean := got["geomean_instructions"]; math.Abs(mean-math.Sqrt(long*short)) > 1e-6*mean {
		t.Errorf("geometric mean %v of %v and %v", mean, long, short)
	}
	if _, err := measured(self, "Missing"); err == nil {
		t.Error("a missing benchmark was counted")
	}
	if _, err := measured(filepath.Join(t.TempDir(), "runtime.test"), "Short"); err == nil {
		t.Error("a missing binary was run")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := measured(self, "Short"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without valgrind: %v", err)
	}
}
