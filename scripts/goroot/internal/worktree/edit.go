package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
)

// Stock is an unpatched source.
type Stock struct {
	Version source.Version
	Dir     string // of the toolchain module
}

// Edit makes the work tree of s on stock in dir. made is false when it is
// there already, unchanged. A tree with something unsaved in it is replaced
// only by force; otherwise that is an [*UnsavedError].
func Edit(ctx context.Context, dir string, stock Stock, s series.Series, force bool) (made bool, err error) {
	current, err := replaceable(ctx, dir, s, force)
	if err != nil {
		return false, err
	}
	if current != nil && !force && current.State.Version == stock.Version && current.State.Digest == s.Digest() {
		return false, nil
	}
	return true, place(dir, func(temp string) error {
		t, err := start(ctx, temp, stock)
		if err != nil {
			return err
		}
		if err := series.Apply(ctx, t.Repo, s); err != nil {
			return misfit(err, stock.Version)
		}
		return t.finish(ctx, s.Digest())
	})
}

// misfit tells what to do about a patch that does not apply.
func misfit(err error, v source.Version) error {
	var apply *series.ApplyError
	if errors.As(err, &apply) {
		return fmt.Errorf("%w: it does not fit %s exactly: mend the patch, or carry the series over with `goroot rebase` if it was made for another version", err, v)
	}
	return err
}

// replaceable returns the tree in dir, nil if there is none, and refuses one
// that differs from what was saved.
func replaceable(ctx context.Context, dir string, s series.Series, force bool) (*Tree, error) {
	t, err := Open(ctx, dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil || force {
		return t, err // force replaces the tool's own trees only
	}
	if err := t.busy(); err != nil {
		return nil, err
	}
	if err := t.clean(ctx); err != nil {
		return nil, err
	}
	head, err := t.Head(ctx)
	if err != nil || head == t.State.Head {
		return t, err
	}
	now, err := series.Export(ctx, t.Repo, t.State.Base, "HEAD")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || now.Digest() != s.Digest() { // what is no series is not saved either
		return nil, &UnsavedError{
			Dir: dir, What: "has commits that the series has not", Remedy: "write them back with `goroot save`, or drop them with --force",
		}
	}
	t.State.Head, t.State.Digest = head, now.Digest()
	return t, t.keep()
}

// place puts a new tree at dir in one step, in place of what is there.
func place(dir string, fill func(temp string) error) (err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("worktree: make: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("worktree: make: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	tree := filepath.Join(temp, "new")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fmt.Errorf("worktree: make: %w", err)
	}
	if err := fill(tree); err != nil {
		return err
	}
	old := filepath.Join(temp, "old")
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("worktree: replace: %w", err)
	}
	if err := os.Rename(tree, dir); err != nil {
		return fmt.Errorf("worktree: put in place: %w", errors.Join(err, os.Rename(old, dir)))
	}
	return nil
}

// start makes a tree with the stock source as its base commit.
func start(ctx context.Context, dir string, stock Stock) (*Tree, error) {
	repo, err := git.Init(ctx, dir, branch)
	if err != nil {
		return nil, err
	}
	t := &Tree{Repo: repo, State: State{Version: stock.Version}}
	return t, t.commitStock(ctx, stock)
}

// startPartial is start with only those files of stock that s names.
func startPartial(ctx context.Context, dir, branch string, stock Stock, s series.Series) (*Tree, error) {
	repo, err := git.Init(ctx, dir, branch)
	if err != nil {
		return nil, err
	}
	files, err := source.CopyFiles(stock.Dir, dir, s.Files())
	if err != nil {
		return nil, err
	}
	if err := series.CommitStock(ctx, repo, stock.Version.String(), files); err != nil {
		return nil, err
	}
	t := &Tree{Repo: repo, State: State{Version: stock.Version}}
	t.State.Base, err = t.Head(ctx)
	return t, err
}

// commitStock commits the whole of stock as the base.
func (t *Tree) commitStock(ctx context.Context, stock Stock) error {
	if err := source.Copy(ctx, stock.Dir, t.Repo.Dir()); err != nil {
		return err
	}
	// A person may run make.bash here: what it makes is nobody's change.
	ignored := []string{"/bin/", "/pkg/"}
	for _, name := range source.Generated {
		ignored = append(ignored, "/"+name)
	}
	if err := t.Repo.Exclude(ignored...); err != nil {
		return err
	}
	steps := [][]string{
		{"add", "--all", "--force"},
		{"commit", "--quiet", "--no-verify", "-m", stock.Version.String()},
		{"tag", "--force", "--no-sign", baseTag},
	}
	for _, step := range steps {
		if _, err := t.Repo.Run(ctx, step...); err != nil {
			return err
		}
	}
	base, err := t.Head(ctx)
	t.State.Version, t.State.Base = stock.Version, base
	return err
}

// finish remembers that the tree is now what the series of that digest says.
func (t *Tree) finish(ctx context.Context, digest string) error {
	head, err := t.Head(ctx)
	if err != nil {
		return err
	}
	t.State.Head, t.State.Digest = head, digest
	return t.keep()
}

// subjects lists the commits after the base, the oldest first, as "id subject".
func (t *Tree) subjects(ctx context.Context) ([]string, error) {
	return t.Repo.Lines(ctx, "log", "--reverse", "--format=%H %s", strings.TrimSpace(t.State.Base)+"..HEAD")
}
