package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Unavailable is the error of an experiment that this machine lacks something
// for.
type Unavailable struct {
	ID     string
	Reason string // what, and what to do
}

func (u *Unavailable) Error() string { return "harness: " + u.ID + ": " + u.Reason }

// checkPlans asks each arm's command what it is going to measure, and refuses
// an experiment that decides by anything else before it has cost any time. An
// arm besides stock and weir that cannot run here is left out, with the bars
// that are held against it; absent says so.
func (r *Runner) checkPlans(ctx context.Context, e experiment.Declaration, trials []trial) (
	left experiment.Declaration, running []trial, absent []string, err error,
) {
	plans := make(map[string]experiment.Plan)
	for _, t := range trials {
		plan, err := r.plan(ctx, e, t)
		if missing, ok := errors.AsType[*Unavailable](err); ok && t.name != "stock" && t.name != "weir" {
			e = without(e, t.name)
			warning := fmt.Sprintf("the arm %s is left out: %s", t.name, missing.Reason)
			absent = append(absent, warning)
			fmt.Fprintf(r.opts.Log, "%s: %s\n", e.ID, warning)
			continue
		}
		if err != nil {
			return e, nil, nil, err
		}
		plans[t.name] = plan
		running = append(running, t)
	}
	return e, running, absent, e.CheckPlans(plans)
}

// plan asks one arm's command.
func (r *Runner) plan(ctx context.Context, e experiment.Declaration, t trial) (plan experiment.Plan, err error) {
	output, err := runCommand(ctx, r.root, e.Timeout, append(t.command(), "-plan"))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == experiment.StatusUnavailable {
		if failed, ok := errors.AsType[*commandError](err); ok {
			return nil, &Unavailable{ID: e.ID, Reason: failed.stderr}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(output, &plan); err != nil {
		return nil, fmt.Errorf("harness: %s: arm %s: its plan: %w", e.ID, t.name, err)
	}
	return plan, nil
}

// without returns the declaration without an arm and what is held against it.
func without(e experiment.Declaration, arm string) experiment.Declaration {
	e.Arms = slices.DeleteFunc(slices.Clone(e.Arms), func(a experiment.Arm) bool { return a.Name == arm })
	e.Bars = slices.DeleteFunc(slices.Clone(e.Bars), func(b experiment.Bar) bool { return b.Arm == arm })
	return e
}
