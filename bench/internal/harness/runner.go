package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Rounds: what the house asks for, and what a smoke run takes.
const (
	DefaultRounds = 10
	QuickRounds   = 2
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
	toolchains map[experiment.Toolchain]goCommand
}

// NewRunner finds the module and both toolchains.
func NewRunner(ctx context.Context, opts Options) (*Runner, error) {
	if opts.Rounds < 0 || opts.Rounds > experiment.MaxRounds {
		return nil, fmt.Errorf("harness: %d rounds asked for: use 1 to %d", opts.Rounds, experiment.MaxRounds)
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

// Run builds an experiment by both toolchains, asks the commands what they will
// measure, runs the rounds, and writes <id>.json and <id>.raw.jsonl. The error is
// an *Unavailable if this machine lacks what it needs.
func (r *Runner) Run(ctx context.Context, e experiment.Declaration) (Result, error) {
	e, err := e.Complete()
	if err != nil {
		return Result{}, err
	}
	resultFile, rawFile := ResultFile(r.opts.Out, e.ID), filepath.Join(r.opts.Out, e.ID+".raw.jsonl")
	for _, stale := range []string{resultFile, rawFile} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Result{}, fmt.Errorf("harness: remove earlier result: %w", err)
		}
	}
	here := checkout{root: r.root, bin: filepath.Join(r.opts.Out, "bin")}
	if err := r.build(ctx, here, e); err != nil {
		return Result{}, err
	}
	trials := make([]trial, len(e.Arms))
	for i, arm := range e.Arms {
		trials[i] = r.trial(here, e, arm, arm.Name)
	}
	e, trials, absent, err := r.checkPlans(ctx, e, trials)
	if err != nil {
		return Result{}, err
	}
	machine := describeMachine(r.toolchains)
	rounds, raw, err := r.rounds(ctx, e, trials)
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
	result.Details.Warnings = append(absent, r.warnings(e, machine, raw, len(rounds))...)
	if err := writeLines(rawFile, raw); err != nil {
		return Result{}, err
	}
	return result, writeJSON(resultFile, result)
}

// warnings say what keeps a reader from taking the numbers at face value.
func (r *Runner) warnings(e experiment.Declaration, machine Machine, raw []rawSample, rounds int) []string {
	var warnings []string
	if weir := r.toolchains[experiment.Weir]; !weir.isWeir() {
		warnings = append(warnings, fmt.Sprintf("the toolchain compared is %s, which is not ours", weir.version))
	}
	if r.opts.Quick {
		warnings = append(warnings, "a smoke run with shortened parameters, not a measurement")
	}
	if asked := cmp.Or(e.Rounds, DefaultRounds); rounds < asked {
		warnings = append(warnings, fmt.Sprintf("%d rounds are fewer than %d", rounds, asked))
	}
	if machine.busy() {
		warnings = append(warnings, "the machine was busy before the run: load "+machine.LoadBefore)
	}
	if warning := disturbanceWarning(raw); warning != "" {
		warnings = append(warnings, warning)
	}
	return warnings
}

// params are those that the arms ran with. Where the module lies is no part of a result:
// they name it as declarations do.
func (r *Runner) params(raw []rawSample, rounds int) map[string]any {
	byArm := make(map[string]map[string]string)
	for _, sample := range raw {
		byArm[sample.Arm] = sample.Params
	}
	params := mergeParams(byArm)
	for name, value := range params {
		if text, ok := value.(string); ok && r.root != "" {
			params[name] = strings.ReplaceAll(text, r.root+string(filepath.Separator), "${root}/")
		}
	}
	params["rounds"], params["quick"] = rounds, r.opts.Quick
	return params
}

// roundsOf is the number of an experiment's rounds.
func (r *Runner) roundsOf(e experiment.Declaration) int {
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
