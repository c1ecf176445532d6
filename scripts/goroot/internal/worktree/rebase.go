package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
)

const (
	seriesFolder = ".git/weir-series" // the series as it was when the rebase began
	oldBranch    = "weir-before"      // the series on the version it was made for
)

// What may become of a patch in a rebase.
const (
	resultExact    = "applies exactly"
	resultMerged   = "merged"
	resultResolved = "resolved by hand"
	resultVersion  = "merged, VERSION by rule"
	resultSkipped  = "skipped"
	resultEmpty    = "dropped: nothing of it is left to do"
)

// Rebased is a finished rebase.
type Rebased struct {
	From, To source.Version
	Outcome  []Outcome
}

// Rebase makes a work tree in dir with s, which is made for from, merged onto
// to. A patch that does not merge stops it with a [*ConflictError]; then the
// tree waits in dir for [Continue]. A tree with something unsaved in it is
// replaced only by force.
func Rebase(ctx context.Context, dir string, from, to Stock, s series.Series, force bool) (Rebased, error) {
	if _, err := replaceable(ctx, dir, s, force); err != nil {
		return Rebased{}, err
	}
	err := place(dir, func(temp string) error { return startRebase(ctx, temp, from, to, s) })
	if err != nil {
		return Rebased{}, err
	}
	t, err := Open(ctx, dir)
	if err != nil {
		return Rebased{}, err
	}
	return t.advance(ctx)
}

// startRebase makes a tree on to that holds every blob a three-way merge can
// ask for. A patch names the blobs that it was made from, and those of the
// second patch on a file exist nowhere but on top of the first: so the series
// on its old version comes first, only the files that matter.
func startRebase(ctx context.Context, dir string, from, to Stock, s series.Series) error {
	t, err := startPartial(ctx, dir, oldBranch, from, s)
	if err != nil {
		return err
	}
	if err := series.Apply(ctx, t.Repo, s); err != nil {
		return misfit(err, from.Version)
	}
	if _, err := t.Repo.Run(ctx, "checkout", "--quiet", "--orphan", branch); err != nil {
		return err
	}
	if _, err := t.Repo.Run(ctx, "rm", "-rfq", "--ignore-unmatch", "."); err != nil {
		return err
	}
	if err := t.commitStock(ctx, to); err != nil {
		return err
	}
	folder := t.Repo.Path(seriesFolder)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("worktree: rebase: %w", err)
	}
	for _, p := range s {
		if err := os.WriteFile(filepath.Join(folder, p.Name), p.Text, 0o644); err != nil {
			return fmt.Errorf("worktree: rebase: %w", err)
		}
	}
	t.State.Rebase = &Progress{From: from.Version}
	return t.finish(ctx, s.Digest())
}

// Continue goes on with the rebase in dir after a person resolved its conflict.
func Continue(ctx context.Context, dir string) (Rebased, error) {
	t, err := openRebase(ctx, dir)
	if err != nil {
		return Rebased{}, err
	}
	switch progress := t.State.Rebase; {
	case progress.Stuck:
		err = t.resolved(ctx)
	case progress.Patch != "":
		err = t.back(ctx)
	}
	if err != nil {
		return Rebased{}, err
	}
	return t.advance(ctx)
}

// Skip leaves out the patch that the rebase in dir stopped at.
func Skip(ctx context.Context, dir string) (Rebased, error) {
	t, err := openRebase(ctx, dir)
	if err != nil {
		return Rebased{}, err
	}
	if !t.State.Rebase.Stuck {
		return Rebased{}, fmt.Errorf("worktree: %s: no patch waits: go on with `goroot rebase --continue`", dir)
	}
	if err := t.back(ctx); err != nil {
		return Rebased{}, err
	}
	if err := t.done(resultSkipped); err != nil {
		return Rebased{}, err
	}
	return t.advance(ctx)
}

// Abort removes the tree of an unfinished rebase. The series was not touched.
func Abort(ctx context.Context, dir string) error {
	if _, err := openRebase(ctx, dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("worktree: abort: %w", err)
	}
	return nil
}

func openRebase(ctx context.Context, dir string) (*Tree, error) {
	t, err := Open(ctx, dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err != nil || t.State.Rebase == nil {
		return nil, fmt.Errorf("worktree: %s holds no unfinished rebase: begin one with `goroot rebase --to go1.X.Y`", dir)
	}
	return t, nil
}

// amWaits reports that git am stopped and waits.
func (t *Tree) amWaits() bool {
	_, err := os.Stat(t.Repo.Path(".git/rebase-apply"))
	return err == nil
}

// back returns the tree to where the patch in work found it.
func (t *Tree) back(ctx context.Context) error {
	if t.amWaits() {
		// am --quit, not --abort: the state that am remembers may be half-written.
		if _, err := t.Repo.Run(ctx, "am", "--quit"); err != nil {
			return err
		}
	}
	_, err := t.Repo.Run(ctx, "reset", "--hard", "--quiet", t.State.Rebase.Before)
	return err
}

// advance takes the patches from Next on, until one stops or all are done.
func (t *Tree) advance(ctx context.Context) (Rebased, error) {
	s, err := series.Read(t.Repo.Path(seriesFolder))
	if err != nil {
		return Rebased{}, err
	}
	progress := t.State.Rebase
	for err == nil && progress.Next < len(s) {
		err = t.step(ctx, s[progress.Next])
	}
	result := Rebased{From: progress.From, To: t.State.Version, Outcome: progress.Outcome}
	if err != nil {
		return result, err
	}
	t.State.Rebase = nil
	if err := t.keep(); err != nil {
		return result, err
	}
	if err := os.RemoveAll(t.Repo.Path(seriesFolder)); err != nil {
		return result, fmt.Errorf("worktree: rebase: %w", err)
	}
	return result, nil
}

// step takes one patch. That it is being taken is written down first, so that
// a killed process leaves a tree that can go on.
func (t *Tree) step(ctx context.Context, patch series.Patch) (err error) {
	progress := t.State.Rebase
	if progress.Before, err = t.Head(ctx); err != nil {
		return err
	}
	progress.Patch = patch.Name
	if err := t.keep(); err != nil {
		return err
	}
	result, err := t.take(ctx, patch)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		progress.Stuck = true
		return errors.Join(t.keep(), conflict)
	}
	if err != nil {
		return err
	}
	return t.done(result)
}

// take applies one patch, merging where it must.
func (t *Tree) take(ctx context.Context, patch series.Patch) (result string, err error) {
	merged, err := series.ApplyThreeWay(ctx, t.Repo, patch)
	result = resultExact
	if merged {
		result = resultMerged
	}
	var stuck *series.ApplyError
	if errors.As(err, &stuck) {
		resolved, ruleErr := t.resolveVersion(ctx)
		if ruleErr != nil {
			return "", ruleErr
		}
		if !resolved {
			return "", t.conflict(ctx, patch, stuck)
		}
		result, err = resultVersion, nil
	}
	if err != nil {
		return "", err
	}
	head, err := t.Head(ctx)
	if err == nil && head == t.State.Rebase.Before {
		result = resultEmpty
	}
	return result, err
}

// done counts the patch in work as finished.
func (t *Tree) done(result string) error {
	progress := t.State.Rebase
	progress.Outcome = append(progress.Outcome, Outcome{Patch: progress.Patch, Result: result})
	progress.Next++
	progress.Patch, progress.Stuck = "", false
	return t.keep()
}
