package sample

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Recorder collects the measurements of one child. It belongs to one goroutine.
type Recorder struct {
	plan         experiment.Plan
	measurements map[string]float64
}

// NewRecorder returns an empty recorder for an experiment's metrics, as the
// program's flags have them now; Main makes its own. A malformed metric is a
// programmer's error and panics.
func NewRecorder(e experiment.Declaration) *Recorder {
	r, err := newRecorder(e.Metrics, flag.CommandLine)
	if err != nil {
		panic(err)
	}
	return r
}

func newRecorder(metrics []experiment.Metric, flags *flag.FlagSet) (*Recorder, error) {
	plan, err := experiment.PlanOf(metrics, func(name string) (string, bool) {
		if f := flags.Lookup(name); f != nil {
			return f.Value.String(), true
		}
		return "", false
	})
	return &Recorder{plan: plan, measurements: make(map[string]float64)}, err
}

// Measurements returns what has been recorded so far.
func (r *Recorder) Measurements() map[string]float64 { return maps.Clone(r.measurements) }

// Set records a measurement. One that the experiment's declaration does not
// know, one that is set twice, or a value that is not a number is a programmer's
// error and panics.
func (r *Recorder) Set(name string, value float64) {
	if !r.plan.Knows(name) {
		panic("sample: measurement " + name + " is not among the experiment's metrics")
	}
	if _, ok := r.measurements[name]; ok {
		panic("sample: measurement set twice")
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		panic("sample: measurement is not a number")
	}
	r.measurements[name] = value
}

// Main parses the flags, measures the experiment's metrics, and prints the
// sample on stdout; with -plan it prints the names that it would measure
// instead. On an error it prints that on stderr and exits with status 1.
//
// Each of needs says what the measurement with these flags needs and does not
// find, as an error with the remedy: Main prints it and exits with
// experiment.StatusUnavailable, at -plan too.
func Main(e experiment.Declaration, measure func(*Recorder) error, needs ...func() error) {
	plan := flag.Bool(planFlag, false, "print the names of what would be measured, and stop")
	flag.Parse()
	for _, need := range needs {
		if err := need(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(experiment.StatusUnavailable)
		}
	}
	if err := run(os.Stdout, flag.CommandLine, e.Metrics, *plan, measure); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

// planFlag is no parameter of a measurement.
const planFlag = "plan"

func run(w io.Writer, flags *flag.FlagSet, metrics []experiment.Metric, planOnly bool, measure func(*Recorder) error) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: it takes flags only, see -h", flags.Arg(0))
	}
	r, err := newRecorder(metrics, flags)
	if err != nil {
		return err
	}
	if planOnly {
		return json.NewEncoder(w).Encode(r.plan)
	}
	params := make(map[string]string)
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name != planFlag {
			params[f.Name] = f.Value.String()
		}
	})
	if err := measure(r); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(struct {
		Params       map[string]string  `json:"params"`
		Measurements map[string]float64 `json:"measurements"`
	}{params, r.measurements})
}

// Counts parses a flag's list of numbers, separated by commas, each from low to
// high. An empty list has none.
func Counts(name, list string, low, high int) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var counts []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < low || n > high {
			return nil, fmt.Errorf("-%s: %q is not a number from %d to %d", name, field, low, high)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// Median returns the middle of at least one value.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
