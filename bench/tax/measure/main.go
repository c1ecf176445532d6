// Command tax runs Go's own benchmarks of the runtime, from test binaries built
// by one toolchain, in a program without any group.
//
//	go test -c -o /tmp/runtime.test runtime && go test -c -o /tmp/time.test time
//	tax -tests=/tmp/runtime.test,/tmp/time.test
//
// For each benchmark it gives ns_per_op: of -count short runs the fastest, as
// anything else on the machine only makes a run longer; where a benchmark has
// parts, their geometric mean. geomean_ns is that of all benchmarks.
//
// Counts of instructions would be steadier than times; virtual machines seldom
// offer the counters, so times it is, and many short rounds: what drifts within
// seconds cancels out of a round's ratio.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/tax"
)

var (
	tests      = flag.String("tests", "", "test `binaries`, separated by commas")
	benchmarks = flag.String("benchmarks", "", "`names` of benchmarks without the prefix Benchmark, separated by commas; "+
		"each must be in one of the binaries")
	benchTime = flag.Duration("bench-time", 5*time.Millisecond, "time of one run of a benchmark")
	count     = flag.Int("count", 1, "runs of each benchmark, of which the fastest counts")
	cpu       = flag.Int("cpu", 2, "GOMAXPROCS")
)

func main() { sample.Main(tax.Experiment, measure) }

func measure(r *sample.Recorder) error {
	names := strings.Split(*benchmarks, ",")
	if *tests == "" || *benchmarks == "" {
		return errors.New("tests and benchmarks must be given")
	}
	if *count < 1 || *cpu < 1 || *benchTime <= 0 {
		return errors.New("count, cpu and bench-time must be positive")
	}
	fastest := make(map[string]float64) // ns an operation, by name and part
	for _, binary := range strings.Split(*tests, ",") {
		output, err := run(binary, names)
		if err != nil {
			return err
		}
		if err := collect(fastest, output, filepath.Base(binary)); err != nil {
			return err
		}
	}
	means, err := joinParts(fastest, names)
	if err != nil {
		return err
	}
	for name, ns := range means {
		r.Set(metric(name), ns)
	}
	r.Set("geomean_ns", geomean(slices.Collect(maps.Values(means))))
	return nil
}

// metric is the measurement of a benchmark.
func metric(name string) string { return name + "/ns_per_op" }

// run runs those of the benchmarks that the binary has. It runs in an empty
// folder, so that nothing of the source is needed.
func run(binary string, names []string) ([]byte, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find test binary: %w", err)
	}
	folder, err := os.MkdirTemp("", "weir-tax-*")
	if err != nil {
		return nil, fmt.Errorf("make working folder: %w", err)
	}
	defer os.RemoveAll(folder)
	cmd := exec.Command(binary, "-test.run=^$", "-test.bench=^Benchmark("+strings.Join(names, "|")+")$",
		"-test.benchtime="+benchTime.String(), fmt.Sprintf("-test.count=%d", *count), fmt.Sprintf("-test.cpu=%d", *cpu))
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w: %s%s", binary, err, lastLines(output), lastLines(stderr.Bytes()))
	}
	return output, nil
}

// lastLines are enough of a test's output to see why it failed.
func lastLines(text []byte) []byte { return text[max(0, len(text)-2048):] }

// collect keeps the fastest run of each benchmark in the output of a test.
func collect(fastest map[string]float64, output []byte, file string) error {
	reader := benchfmt.NewReader(bytes.NewReader(output), file)
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return fmt.Errorf("read output: %w", record)
		case *benchfmt.Result:
			seconds, ok := record.Value("sec/op")
			if !ok || seconds <= 0 {
				return fmt.Errorf("read output: %s has no time", record.Name)
			}
			// The number of Ps at the end is the same for all.
			name, _, _ := strings.Cut(record.Name.String(), fmt.Sprintf("-%d", *cpu))
			if before, ok := fastest[name]; !ok || seconds*1e9 < before {
				fastest[name] = seconds * 1e9
			}
		}
	}
	if err := reader.Err(); err != nil {
		return fmt.Errorf("read output: %w", err)
	}
	return nil
}

// joinParts returns one time for each name.
func joinParts(fastest map[string]float64, names []string) (map[string]float64, error) {
	parts := make(map[string][]float64)
	for full, ns := range fastest {
		name, _, _ := strings.Cut(full, "/")
		parts[name] = append(parts[name], ns)
	}
	joined := make(map[string]float64)
	for _, name := range names {
		if len(parts[name]) == 0 {
			return nil, fmt.Errorf("benchmark %s did not run: none of the binaries has it", name)
		}
		joined[name] = geomean(parts[name])
	}
	return joined, nil
}

// geomean returns the geometric mean of at least one positive value.
func geomean(values []float64) float64 {
	sum := 0.0
	for _, v := range slices.Sorted(slices.Values(values)) {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
