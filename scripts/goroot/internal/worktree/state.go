package worktree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
)

const (
	branch    = "weir"
	baseTag   = "base"
	stateFile = ".git/weir.json"
)

// State is what the tool remembers about a work tree.
type State struct {
	Version source.Version // of the stock source at Base
	Base    string         // commit
	Head    string         // commit that the tool left last
	Digest  string         // of the series that Head was made from or saved as
	Rebase  *Progress      `json:",omitempty"` // a rebase that is not finished
}

// Progress is how far a rebase has come.
//
//	Patch  Stuck
//	""     false  between patches
//	name   false  being applied; found so after a crash, it is taken again
//	name   true   stopped for a person
type Progress struct {
	From    source.Version // the version that the series was made for
	Next    int            // index of the patch in work, or to be taken next
	Patch   string         // file name of the patch in work
	Stuck   bool
	Before  string    // commit that the patch in work goes onto
	Outcome []Outcome // of the patches before Next
}

// Outcome is what became of one patch in a rebase.
type Outcome struct{ Patch, Result string }

// Tree is a work tree that the tool made.
type Tree struct {
	Repo  git.Repo
	State State
}

// Open opens the work tree in dir. The error is os.ErrNotExist if there is nothing.
func Open(ctx context.Context, dir string) (*Tree, error) {
	if _, err := os.Lstat(dir); err != nil {
		return nil, fmt.Errorf("worktree: open: %w", err)
	}
	content, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, fmt.Errorf("worktree: open %s: it was not made by this tool: move it away, or name another with --dir", dir)
	}
	t := &Tree{}
	if err := json.Unmarshal(content, &t.State); err != nil {
		return nil, fmt.Errorf("worktree: open %s: read %s: %w: remove the folder if nothing in it is needed", dir, stateFile, err)
	}
	t.Repo, err = git.Open(ctx, dir)
	return t, err
}

// keep writes the state.
func (t *Tree) keep() error {
	content, err := json.MarshalIndent(t.State, "", "  ")
	if err != nil {
		return fmt.Errorf("worktree: %w", err)
	}
	name := t.Repo.Path(stateFile)
	if err := os.WriteFile(name+".next", append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("worktree: keep the state: %w", err)
	}
	if err := os.Rename(name+".next", name); err != nil {
		return fmt.Errorf("worktree: keep the state: %w", err)
	}
	return nil
}

// Head is the commit that is checked out.
func (t *Tree) Head(ctx context.Context) (string, error) {
	out, err := t.Repo.Run(ctx, "rev-parse", "HEAD")
	return strings.TrimSpace(out), err
}

// UnsavedError is a work tree that cannot be used as it is, because something
// in it would be lost or is half-done.
type UnsavedError struct {
	Dir, What, Remedy string
	Changes           []string // git's status lines, where they are the reason
}

func (e *UnsavedError) Error() string {
	const shown = 10
	what := e.What
	if len(e.Changes) > 0 {
		what += " (" + strings.Join(e.Changes[:min(len(e.Changes), shown)], ", ")
		if more := len(e.Changes) - shown; more > 0 {
			what += fmt.Sprintf(" and %d more", more)
		}
		what += ")"
	}
	return fmt.Sprintf("worktree: %s %s: %s", e.Dir, what, e.Remedy)
}

// busy returns an error if git waits for somebody in the work tree.
func (t *Tree) busy() error {
	if t.State.Rebase != nil {
		return &UnsavedError{
			Dir: t.Repo.Dir(), What: "holds an unfinished rebase to " + t.State.Version.String(),
			Remedy: "go on with `goroot rebase --continue`, or give it up with `goroot rebase --abort`",
		}
	}
	for _, name := range []string{"rebase-apply", "rebase-merge", "MERGE_HEAD", "CHERRY_PICK_HEAD"} {
		if _, err := os.Stat(t.Repo.Path(".git/" + name)); err == nil {
			return &UnsavedError{Dir: t.Repo.Dir(), What: "is in the middle of a git operation", Remedy: "finish or abort it with git"}
		}
	}
	return nil
}

// clean returns an error if there are changes that are no commit.
func (t *Tree) clean(ctx context.Context) error {
	changes, err := t.Repo.Lines(ctx, "status", "--porcelain", "--untracked-files=normal")
	if err != nil || len(changes) == 0 {
		return err
	}
	for n, change := range changes {
		changes[n] = strings.TrimSpace(change)
	}
	return &UnsavedError{
		Dir: t.Repo.Dir(), What: "has changes that are not committed", Changes: changes,
		Remedy: "commit them to the patch they belong to (git commit --amend, or --fixup and git rebase -i --autosquash base), or drop them",
	}
}

// IsUnsaved tells an [*UnsavedError].
func IsUnsaved(err error) bool {
	var unsaved *UnsavedError
	return errors.As(err, &unsaved)
}
