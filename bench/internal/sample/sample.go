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
	"regexp"
	"slices"
)

// Recorder collects the measurements of one child. It belongs to one goroutine.
type Recorder struct {
	measurements map[string]float64
}

// NewRecorder returns an empty recorder; Main makes its own.
func NewRecorder() *Recorder { return &Recorder{measurements: make(map[string]float64)} }

// Measurements returns what has been recorded so far.
func (r *Recorder) Measurements() map[string]float64 { return maps.Clone(r.measurements) }

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_./+-]*$`)

// Set records a measurement. Setting one twice, or a value that is not a
// number, is a programmer's error and panics.
func (r *Recorder) Set(name string, value float64) {
	if !namePattern.MatchString(name) {
		panic("sample: malformed name of a measurement")
	}
	if _, ok := r.measurements[name]; ok {
		panic("sample: measurement set twice")
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		panic("sample: measurement is not a number")
	}
	r.measurements[name] = value
}

// Main parses the flags, measures, and prints the sample on stdout. On an
// error it prints that on stderr instead and exits with status 1.
func Main(measure func(*Recorder) error) {
	flag.Parse()
	if err := run(os.Stdout, flag.CommandLine, measure); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

func run(w io.Writer, flags *flag.FlagSet, measure func(*Recorder) error) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: it takes flags only, see -h", flags.Arg(0))
	}
	params := make(map[string]string)
	flags.VisitAll(func(f *flag.Flag) { params[f.Name] = f.Value.String() })
	r := NewRecorder()
	if err := measure(r); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(struct {
		Params       map[string]string  `json:"params"`
		Measurements map[string]float64 `json:"measurements"`
	}{params, r.measurements})
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
