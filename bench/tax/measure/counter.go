package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// counter runs benchmarks under cachegrind.
type counter struct {
	valgrind string
	folder   string // empty, so that nothing of a test's source is needed
}

func newCounter(folder string) (*counter, error) {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return nil, fmt.Errorf("count instructions: valgrind is not on the PATH: install it (Debian: apt-get install valgrind): %w", err)
	}
	return &counter{valgrind, folder}, nil
}

var (
	errNotThere = errors.New("it has no such benchmark")
	// errProcessor: Go's runtime takes what the processor has, and valgrind may be
	// older than that.
	errProcessor = errors.New("valgrind does not know an instruction of this processor: take a newer valgrind, or another machine")
)

// Operations of a benchmark: the first try, the factor from one to the next,
// the most, and how much larger the second number is.
const (
	firstOperations = 10
	growth          = 10
	mostOperations  = 10_000_000
	apart           = 3
)

// perOperation counts a benchmark's instructions for an operation, in the first
// of the binaries that has it.
func (c *counter) perOperation(binaries []string, name string) (float64, error) {
	for _, binary := range binaries {
		base, err := c.count(binary, name, 1)
		if errors.Is(err, errNotThere) {
			continue
		}
		if err != nil {
			return 0, err
		}
		// As package testing does: until there is enough to count.
		for operations := firstOperations; operations <= mostOperations; operations *= growth {
			low, err := c.count(binary, name, operations)
			if err != nil {
				return 0, err
			}
			if low < base+*least && operations < mostOperations {
				continue
			}
			if low, err = c.fewest(binary, name, operations); err != nil {
				return 0, err
			}
			high, err := c.fewest(binary, name, apart*operations)
			if err != nil {
				return 0, err
			}
			// On a busy machine the first look may have seen something else.
			if high >= low+*least {
				return float64(high-low) / float64((apart-1)*operations), nil
			}
		}
		return 0, fmt.Errorf("benchmark %s: %d operations cost nothing", name, mostOperations)
	}
	return 0, fmt.Errorf("benchmark %s did not run: none of the binaries has it, or it was skipped", name)
}

// fewest is the smallest of -count counts: the runtime's monitor thread runs by
// the clock, and so has its share in a run that a busy machine draws out.
func (c *counter) fewest(binary, name string, operations int) (uint64, error) {
	least := uint64(math.MaxUint64)
	for range *count {
		n, err := c.count(binary, name, operations)
		if err != nil {
			return 0, err
		}
		least = min(least, n)
	}
	return least, nil
}

// count runs one benchmark for a number of operations and returns the
// instructions of the whole program.
func (c *counter) count(binary, name string, operations int) (uint64, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return 0, fmt.Errorf("find test binary: %w", err)
	}
	file := filepath.Join(c.folder, "cachegrind.out")
	cmd := exec.Command(c.valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file="+file,
		binary, "-test.run=^$", "-test.bench=^Benchmark"+name+"$", fmt.Sprintf("-test.benchtime=%dx", operations))
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil && bytes.Contains(stderr.Bytes(), []byte("Valgrind will now raise a SIGILL signal")) {
		return 0, fmt.Errorf("run %s: %w", binary, errProcessor)
	}
	if err != nil {
		return 0, fmt.Errorf("run %s: %w: %s%s", binary, err, lastLines(output), lastLines(stderr.Bytes()))
	}
	if err := checkRan(output, binary, operations); err != nil {
		return 0, err
	}
	profile, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read cachegrind's output: %w", err)
	}
	return parseSummary(string(profile))
}

// checkRan reports whether a test's output shows a benchmark, each part of it
// with that number of operations.
func checkRan(output []byte, file string, operations int) error {
	reader := benchfmt.NewReader(bytes.NewReader(output), file)
	ran := false
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return fmt.Errorf("read output of %s: %w", file, record)
		case *benchfmt.Result:
			if record.Iters != operations {
				return fmt.Errorf("read output of %s: %s ran %d operations, not %d", file, record.Name, record.Iters, operations)
			}
			ran = true
		}
	}
	if err := reader.Err(); err != nil {
		return fmt.Errorf("read output of %s: %w", file, err)
	}
	if !ran {
		return errNotThere
	}
	return nil
}

// parseSummary returns the total of cachegrind's profile, its last line: with
// no cache simulated the only number there is that of instructions.
func parseSummary(profile string) (uint64, error) {
	_, rest, ok := strings.Cut(profile, "\nsummary:")
	if !ok {
		return 0, errors.New("read cachegrind's output: it has no summary")
	}
	count, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read cachegrind's output: %w", err)
	}
	return count, nil
}

// lastLines are enough of a program's output to see why it failed.
func lastLines(text []byte) []byte { return text[max(0, len(text)-2048):] }
