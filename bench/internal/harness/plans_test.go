package harness

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// TestArmThatCannotRunIsLeftOut: the others run, its bars are not asked for, and
// the result says so.
func TestArmThatCannotRunIsLeftOut(t *testing.T) {
	r := newTestRunner(t, 1)
	log := filepath.Join(r.root, "log")
	e := threeArms(log)
	e.Arms = append(e.Arms, experiment.Arm{Name: "peer", Toolchain: experiment.Stock, Args: []string{log, "lacks"}})
	e.Bars = append(e.Bars, experiment.Bar{Text: "it works", Metric: "time_ns", Arm: "peer", Bound: experiment.AtMost, Limit: 1})
	result, err := r.Run(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Details.Arms) != 3 || len(result.Details.Bars) != 1 {
		t.Errorf("arms %v, bars %v", result.Details.Arms, result.Details.Bars)
	}
	if want := "the arm peer is left out: no such server: name it"; !slices.Contains(result.Details.Warnings, want) {
		t.Errorf("warnings are %q", result.Details.Warnings)
	}
	if len(e.Arms) != 4 || len(e.Bars) != 2 {
		t.Error("the declaration was changed")
	}
}

// TestSideThatCannotRunIsTheExperiments: without one of the two sides there is
// nothing to compare, and why is not an error of the experiment.
func TestSideThatCannotRunIsTheExperiments(t *testing.T) {
	r := newTestRunner(t, 1)
	e := threeArms(filepath.Join(r.root, "log"))
	e.Arms[1].Args[1] = "lacks"
	_, err := r.Run(t.Context(), e)
	missing, ok := errors.AsType[*Unavailable](err)
	if !ok || missing.ID != "c99" || missing.Reason != "no such server: name it" || !strings.Contains(err.Error(), missing.Reason) {
		t.Errorf("error is %v", err)
	}
}
