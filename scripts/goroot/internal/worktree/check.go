package worktree

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/hooks"
	"github.com/weirgo/weir/scripts/goroot/internal/series"
)

// Inspected is a patch, what it does, and what is wrong with it.
type Inspected struct {
	Patch    series.Patch
	Report   hooks.Report
	Problems []string
}

// Check applies s to stock, patch by patch, exactly, and judges each. The
// patches before one that does not apply are returned with the error.
func Check(ctx context.Context, stock Stock, s series.Series) ([]Inspected, error) {
	dir, err := os.MkdirTemp("", "goroot-check-")
	if err != nil {
		return nil, fmt.Errorf("worktree: check: %w", err)
	}
	defer os.RemoveAll(dir)
	t, err := startPartial(ctx, dir, branch, stock, s)
	if err != nil {
		return nil, err
	}
	var inspected []Inspected
	for _, p := range s {
		if err := series.Apply(ctx, t.Repo, series.Series{p}); err != nil {
			return inspected, misfit(err, stock.Version)
		}
		one, err := t.inspect(ctx, p, "HEAD")
		if err != nil {
			return inspected, err
		}
		inspected = append(inspected, one)
	}
	canonical, err := series.Export(ctx, t.Repo, t.State.Base, "HEAD")
	if err != nil {
		return inspected, err
	}
	for n := range inspected {
		if n < len(canonical) {
			inspected[n].form(canonical[n])
		}
	}
	return inspected, nil
}

// InspectTree reports on the patches of the work tree in dir as they are.
func InspectTree(ctx context.Context, dir string) ([]Inspected, error) {
	t, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	s, err := series.Export(ctx, t.Repo, t.State.Base, "HEAD")
	if err != nil {
		return nil, err
	}
	commits, err := t.subjects(ctx)
	if err != nil {
		return nil, err
	}
	if len(commits) != len(s) {
		return nil, fmt.Errorf("worktree: %s has %d commits for %d patches", dir, len(commits), len(s))
	}
	var inspected []Inspected
	for n, p := range s {
		id, _, _ := strings.Cut(commits[n], " ")
		one, err := t.inspect(ctx, p, id)
		if err != nil {
			return nil, err
		}
		inspected = append(inspected, one)
	}
	return inspected, nil
}

func (t *Tree) inspect(ctx context.Context, p series.Patch, commit string) (Inspected, error) {
	report, err := hooks.Inspect(ctx, t.Repo, t.State.Base, commit)
	if err != nil {
		return Inspected{}, err
	}
	return Inspected{Patch: p, Report: report, Problems: append(report.Problems, hooks.Message(p, report)...)}, nil
}

// form compares the patch with how save would write it.
func (i *Inspected) form(canonical series.Patch) {
	if i.Patch.Name != canonical.Name {
		i.Problems = append(i.Problems, fmt.Sprintf("file name: `goroot save` calls it %s", canonical.Name))
	}
	if !bytes.Equal(i.Patch.Text, canonical.Text) {
		i.Problems = append(i.Problems, "text: not as `goroot save` writes it: line numbers, blob ids or headers differ; run goroot edit, then goroot save")
	}
}
