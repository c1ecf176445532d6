package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rounds: what the house asks for, what a smoke run takes, and the most that
// is kept in memory.
const (
	DefaultRounds = 10
	QuickRounds   = 2
	maxRounds     = 1000
)

// Options configure a Runner. The zero value of a field takes its default.
type Options struct {
	Out    string    // directory of results; required
	Rounds int       // default the experiment's or DefaultRounds, or QuickRounds with Quick
	Quick  bool      // run each experiment's short form
	Args   []string  // flags for every child, after the experiment's own
	WeirGo string    // our go command; default build/go/bin/go
	Log    io.Writer // progress, one line a round; default none
}

// Runner runs experiments of the module it stands in.
type Runner struct {
	opts       Options
	root       string
	toolchains map[Toolchain]goCommand
}

// NewRunner finds the module and both toolchains.
func NewRunner(ctx context.Context, opts Options) (*Runner, error) {
	if opts.Rounds < 0 || opts.Rounds > maxRounds {
		return nil, fmt.Errorf("harness: %d rounds asked for: use 1 to %d", opts.Rounds, maxRounds)
	}
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	toolchains, err := findGo(ctx, root, opts.WeirGo)
	if err != nil {
		return nil, err
	}
	if opts.Out, err = filepath.Abs(opts.Out); err != nil {
		return nil, fmt.Errorf("harness: find output directory: %w", err)
	}
	if err := os.MkdirAll(opts.Out, 0o755); err != nil {
		return nil, fmt.Errorf("harness: make output directory: %w", err)
	}
	return &Runner{opts: opts, root: root, toolchains: toolchains}, nil
}

// moduleRoot is the nearest directory with a go.mod, from the working one up.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("harness: find module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", errors.New("harness: find module: no go.mod here or above: run it from the repository")
	}
}

// ResultFile is where the result of an experiment lies in a directory.
func ResultFile(dir, id string) string { return filepath.Join(dir, id+".json") }

// Run builds an experiment by both toolchains, runs its rounds, and writes
// <id>.json and <id>.raw.jsonl.
func (r *Runner) Run(ctx context.Context, e Experiment) (Result, error) {
	e, err := e.complete()
	if err != nil {
		return Result{}, err
	}
	resultFile, rawFile := ResultFile(r.opts.Out, e.ID), filepath.Join(r.opts.Out, e.ID+".raw.jsonl")
	for _, stale := range []string{resultFile, rawFile} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Result{}, fmt.Errorf("harness: remove earlier result: %w", err)
		}
	}
	if err := r.build(ctx, e); err != nil {
		return Result{}, err
	}
	machine := describeMachine(r.toolchains)
	rounds, raw, err := r.rounds(ctx, e)
	if err != nil {
		return Result{}, err
	}
	result, err := conclude(e, rounds)
	if err != nil {
		return Result{}, err
	}
	result.Machine = machine
	result.Params = r.params(raw, len(rounds))
	for _, arm := range e.Arms {
		result.Details.Arms = append(result.Details.Arms, ArmResult{
			Name: arm.Name, Go: r.toolchains[arm.Toolchain].version, Args: r.args(e, arm, func(s string) string { return "${" + s + "}" }),
		})
	}
	result.Details.Warnings = r.warnings(machine, len(rounds))
	if warning := disturbanceWarning(raw); warning != "" {
		result.Details.Warnings = append(result.Details.Warnings, warning)
	}
	if err := writeLines(rawFile, raw); err != nil {
		return Result{}, err
	}
	return result, writeJSON(resultFile, result)
}

// warnings say what keeps a reader from taking the numbers at face value.
func (r *Runner) warnings(machine Machine, rounds int) []string {
	var warnings []string
	if weir := r.toolchains[Weir]; !weir.isWeir() {
		warnings = append(warnings, fmt.Sprintf("the toolchain compared is %s, which is not ours", weir.version))
	}
	if r.opts.Quick {
		warnings = append(warnings, "a smoke run with shortened parameters, not a measurement")
	}
	if rounds < DefaultRounds {
		warnings = append(warnings, fmt.Sprintf("%d rounds are fewer than %d", rounds, DefaultRounds))
	}
	if machine.busy() {
		warnings = append(warnings, "the machine was busy before the run: load "+machine.LoadBefore)
	}
	return warnings
}

func (r *Runner) params(raw []rawSample, rounds int) map[string]any {
	byArm := make(map[string]map[string]string)
	for _, sample := range raw {
		byArm[sample.Arm] = sample.Params
	}
	params := mergeParams(byArm)
	params["rounds"], params["quick"] = rounds, r.opts.Quick
	return params
}

// roundsOf is the number of an experiment's rounds.
func (r *Runner) roundsOf(e Experiment) int {
	switch {
	case r.opts.Rounds != 0:
		return r.opts.Rounds
	case r.opts.Quick:
		return QuickRounds
	case e.Rounds != 0:
		return e.Rounds
	}
	return DefaultRounds
}

// build compiles the experiment's command, packages and tests by both
// toolchains.
func (r *Runner) build(ctx context.Context, e Experiment) error {
	for _, name := range []Toolchain{Stock, Weir} {
		dir := r.binaries(name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("harness: make directory of binaries: %w", err)
		}
		for _, pkg := range append([]string{"./bench/" + e.ID}, e.Packages...) {
			if err := r.toolchains[name].build(ctx, r.root, pkg, filepath.Join(dir, path.Base(pkg)), "build", "-trimpath", "-buildvcs=false"); err != nil {
				return err
			}
		}
		for _, pkg := range e.Tests {
			if err := r.buildTests(ctx, name, pkg, e.Layouts); err != nil {
				return err
			}
		}
	}
	return nil
}

// buildTests compiles the test binary of a package, or one for each layout.
func (r *Runner) buildTests(ctx context.Context, name Toolchain, pkg string, layouts int) error {
	base := filepath.Join(r.binaries(name), path.Base(pkg))
	if layouts == 0 {
		return r.toolchains[name].build(ctx, r.root, pkg, base+".test", "test", "-c")
	}
	for n := range layouts {
		err := r.toolchains[name].build(ctx, r.root, pkg, fmt.Sprintf("%s.%d.test", base, n+1),
			"test", "-c", fmt.Sprintf("-ldflags=-s -w -randlayout=%d", n+1))
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) binaries(name Toolchain) string {
	return filepath.Join(r.opts.Out, "bin", string(name))
}

// args are those of an arm's child; place replaces ${...}.
func (r *Runner) args(e Experiment, arm Arm, place func(string) string) []string {
	args := slices.Clone(arm.Args)
	if r.opts.Quick {
		args = append(args, e.Quick...)
	}
	args = append(args, r.opts.Args...)
	for i := range args {
		args[i] = os.Expand(args[i], place)
	}
	return args
}

// place resolves ${...} of an arm's arguments in a round, counted from 0.
func (r *Runner) place(e Experiment, round int) func(string) string {
	return func(name string) string {
		switch {
		case name == "stock" || name == "weir":
			return r.binaries(Toolchain(name))
		case name == "root":
			return r.root
		case name == "layout" && e.Layouts > 0:
			return strconv.Itoa(round%e.Layouts + 1)
		}
		return "${" + name + "}"
	}
}

// rawSample is a line of <id>.raw.jsonl.
type rawSample struct {
	Round   int     `json:"round"`
	Arm     string  `json:"arm"`
	Started string  `json:"started"` // RFC 3339, UTC
	WallS   float64 `json:"wall_s"`
	Load    string  `json:"load_before"`
	disturbance
	Sample
}

// rounds runs every arm once a round.
func (r *Runner) rounds(ctx context.Context, e Experiment) ([]Round, []rawSample, error) {
	var rounds []Round
	var raw []rawSample
	total := r.roundsOf(e)
	for n := range total {
		round := make(Round)
		for _, index := range order(len(e.Arms), n) {
			arm := e.Arms[index]
			command := append([]string{filepath.Join(r.binaries(arm.Toolchain), e.ID)}, r.args(e, arm, r.place(e, n))...)
			started, load := time.Now(), loadAverage()
			before, err := readProcessorTimes()
			if err != nil {
				return nil, nil, err
			}
			sample, err := runChild(ctx, r.root, e.Timeout, command)
			if err != nil {
				return nil, nil, fmt.Errorf("harness: %s: round %d: arm %s: %w", e.ID, n+1, arm.Name, err)
			}
			after, err := readProcessorTimes()
			if err != nil {
				return nil, nil, err
			}
			round[arm.Name] = sample.Measurements
			raw = append(raw, rawSample{
				Round: n + 1, Arm: arm.Name, Started: started.UTC().Format(time.RFC3339Nano),
				WallS: time.Since(started).Seconds(), Load: load, Sample: sample, disturbance: after.since(before),
			})
		}
		if e.Derive != nil {
			if err := e.Derive(round); err != nil {
				return nil, nil, fmt.Errorf("harness: %s: round %d: %w", e.ID, n+1, err)
			}
		}
		rounds = append(rounds, round)
		fmt.Fprintf(r.opts.Log, "%s %d/%d %s\n", e.ID, n+1, total, progress(e, round))
	}
	return rounds, raw, nil
}

// progress shows the deciding measurement of each arm that has it.
func progress(e Experiment, round Round) string {
	var parts []string
	for _, arm := range e.Arms {
		if value, ok := round[arm.Name][e.Metric]; ok {
			parts = append(parts, arm.Name+" "+strconv.FormatFloat(value, 'g', 4, 64))
		}
	}
	return strings.Join(parts, ", ") + " " + e.Unit
}
