// Command tax counts what Go's own benchmarks of the runtime cost, in test
// binaries built by one toolchain, in a program without any group.
//
//	go test -c -o /tmp/runtime.test runtime
//	tax -tests=/tmp/runtime.test -benchmarks=ChanSync,ChanSem
//
// It counts instructions, by valgrind's cachegrind: a count repeats to a few
// parts in a thousand where a time wanders by a fifth, and needs no counters of
// the processor, which virtual machines seldom have. Each benchmark runs for two
// numbers of operations, and the difference of the counts over that of the
// numbers is its instructions_per_op; what a program does besides cancels out.
// geomean_instructions is over all benchmarks.
//
// One P, no asynchronous preemption and no collection, so that what is counted
// is the benchmark's alone.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/tax"
)

var (
	tests      = flag.String("tests", "", "test `binaries`, separated by commas")
	benchmarks = flag.String("benchmarks", "", "`names` of benchmarks without the prefix Benchmark, separated by commas; "+
		"each must be in one of the binaries")
	least = flag.Uint64("least", 10_000_000, "instructions that the smaller number of operations must come to")
	count = flag.Int("count", 3, "runs of each number of operations, of which the fewest instructions count")
)

func main() { sample.Main(tax.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *tests == "" || *benchmarks == "" {
		return errors.New("tests and benchmarks must be given")
	}
	if *count < 1 {
		return errors.New("count must be positive")
	}
	folder, err := os.MkdirTemp("", "weir-tax-*")
	if err != nil {
		return fmt.Errorf("make working folder: %w", err)
	}
	defer os.RemoveAll(folder)
	c, err := newCounter(folder)
	if err != nil {
		return err
	}
	var all []float64
	for _, name := range strings.Split(*benchmarks, ",") {
		perOp, err := c.perOperation(strings.Split(*tests, ","), name)
		if err != nil {
			return err
		}
		r.Set(name+"/instructions_per_op", perOp)
		all = append(all, perOp)
	}
	r.Set("geomean_instructions", geomean(all))
	return nil
}

// geomean returns the geometric mean of at least one positive value.
func geomean(values []float64) float64 {
	sum := 0.0
	for _, v := range slices.Sorted(slices.Values(values)) {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
