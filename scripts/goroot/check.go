package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/weirgo/weir/scripts/goroot/internal/hooks"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

// stockLinesMax is how many lines of stock files, tests of theirs included, a
// series may change: what can conflict with the next Go, and what a reader of
// stock Go has to learn anew.
const stockLinesMax = 180

var checkVerb = verb{
	name: "check",
	line: "check that the series applies and is documented; list what it hooks",
	long: `Each prefix of the series must apply to the pinned Go exactly, without merging or fuzz, and be as
"save" would write it. Each message has prose and the fields Forwarded, Touches and Stock-Cost;
Touches names the hooked declarations, neither more nor less. Each change in a stock file carries or
sits next to a mark "// ggroup: ..." or "// schedhook: ..."; generated files are as they were; Go files are formatted.
At most 180 lines of stock files change in all.

Prints the hooks of each patch with their lines, and how many lines of stock files change.`,
	setup: func(_ *flag.FlagSet, s *session) func(context.Context) error { return s.check },
}

func (s *session) check(ctx context.Context) error {
	v, patches, err := s.pinned()
	if err != nil {
		return err
	}
	base, err := stock(ctx, v)
	if err != nil {
		return err
	}
	checked, err := worktree.Check(ctx, base, patches)
	changed := printInspection(s.out, checked)
	if err != nil {
		return err
	}
	problems := s.printProblems(checked)
	if changed > stockLinesMax {
		fmt.Fprintf(s.log, "the series: changes %d lines of stock files, the cap is %d\n", changed, stockLinesMax)
		problems++
	}
	if problems > 0 {
		return fmt.Errorf("check: %s: mend with `goroot edit`, git and `goroot save`", count(problems, "problem", "problems"))
	}
	s.say("the series, %s, applies to %s", patchCount(len(patches)), v)
	return nil
}

// printProblems lists what breaks a rule and counts it.
func (s *session) printProblems(inspected []worktree.Inspected) int {
	problems := 0
	for _, one := range inspected {
		for _, problem := range one.Problems {
			fmt.Fprintf(s.log, "%s: %s\n", one.Patch.Name, problem)
			problems++
		}
	}
	return problems
}

// printInspection lists the hooks of each patch and sums up. It returns how
// many lines of stock files change.
func printInspection(w io.Writer, inspected []worktree.Inspected) (changed int) {
	var code, tests hooks.Lines
	files := 0
	symbols := map[string]bool{}
	for _, one := range inspected {
		r := one.Report
		fmt.Fprintf(w, "%s\n", one.Patch.Name)
		for _, h := range r.Hooks {
			fmt.Fprintf(w, "  %-44s %s:%d  %s\n", h.Symbol, h.File, h.Line, signed(h.Added, h.Deleted))
			symbols[h.Symbol] = true
		}
		fmt.Fprintf(w, "  lines changed in stock code %d, in stock tests %d; new files %d\n", r.Code.Changed, r.Tests.Changed, len(r.NewFiles))
		code.Add(r.Code)
		tests.Add(r.Tests)
		files += len(r.NewFiles)
	}
	fmt.Fprintf(w, "%s, hooking %s and adding %s\n",
		patchCount(len(inspected)), count(len(symbols), "declaration", "declarations"), count(files, "file", "files"))
	fmt.Fprintf(w, "lines changed in stock code  %d (%s)\n", code.Changed, signed(code.Added, code.Deleted))
	fmt.Fprintf(w, "lines changed in stock tests %d (%s)\n", tests.Changed, signed(tests.Added, tests.Deleted))
	return code.Changed + tests.Changed
}

func signed(added, deleted int) string { return fmt.Sprintf("+%d -%d", added, deleted) }
