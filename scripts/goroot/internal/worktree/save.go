package worktree

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
)

// Saved is what a save changed.
type Saved struct {
	Differences []series.Difference
	Version     source.Version // that the series is now made for
	Patches     int
}

// Save writes the commits of the work tree in dir as the series in patches,
// and the version that they lie on, in one step. It refuses what is no series:
// uncommitted changes, merges, empty commits, fixups. And it refuses to
// overwrite a series that changed since the tree was made, unless forced.
func Save(ctx context.Context, dir, patches string, force bool) (Saved, error) {
	t, err := Open(ctx, dir)
	if err != nil {
		return Saved{}, fmt.Errorf("%w: make it with `goroot edit`", err)
	}
	if err := t.busy(); err != nil {
		return Saved{}, err
	}
	if err := t.clean(ctx); err != nil {
		return Saved{}, err
	}
	if err := t.straight(ctx); err != nil {
		return Saved{}, err
	}
	next, err := series.Export(ctx, t.Repo, t.State.Base, "HEAD")
	if err != nil {
		return Saved{}, err
	}
	// A series that cannot be read is replaced only by force.
	old, err := series.Read(patches)
	if err != nil && !force {
		return Saved{}, err
	}
	saved := Saved{Differences: series.Diff(old, next), Version: t.State.Version, Patches: len(next)}
	if old.Digest() != t.State.Digest && len(saved.Differences) > 0 && !force {
		return Saved{}, &UnsavedError{
			Dir: patches, What: "changed since the work tree was made",
			Remedy: "keep your commits (git format-patch), make the tree anew with `goroot edit --force` and add them; or overwrite the series with `goroot save --force`",
		}
	}
	pin, err := source.ReadPin(patches)
	if len(saved.Differences) > 0 || err != nil || pin != t.State.Version {
		others := map[string][]byte{source.VersionFile: []byte(string(t.State.Version) + "\n")}
		if err := series.Write(patches, next, others); err != nil {
			return Saved{}, err
		}
	}
	return saved, t.finish(ctx, next.Digest())
}

// straight makes sure that the commits after the base are patches, one each.
func (t *Tree) straight(ctx context.Context) error {
	refuse := func(what, remedy string) error { return &UnsavedError{Dir: t.Repo.Dir(), What: what, Remedy: remedy} }
	if _, err := t.Repo.Run(ctx, "merge-base", "--is-ancestor", t.State.Base, "HEAD"); err != nil {
		return refuse("is not on top of its base commit", "check out the branch "+branch+", or rebase your commits onto the tag "+baseTag)
	}
	merges, err := t.Repo.Lines(ctx, "rev-list", "--merges", t.State.Base+"..HEAD")
	if err != nil {
		return err
	}
	if len(merges) > 0 {
		return refuse("has merge commits, which are no patches", "make the history straight with git rebase "+baseTag)
	}
	commits, err := t.subjects(ctx)
	if err != nil {
		return err
	}
	for _, commit := range commits {
		id, subject, _ := strings.Cut(commit, " ")
		for _, prefix := range []string{"fixup! ", "squash! ", "amend! "} {
			if strings.HasPrefix(subject, prefix) {
				return refuse(fmt.Sprintf("has a commit %q", subject), "fold it in with git rebase -i --autosquash "+baseTag)
			}
		}
		if _, err := t.Repo.Run(ctx, "diff", "--quiet", id+"~1", id); err == nil {
			return refuse(fmt.Sprintf("has a commit %q that changes nothing", subject), "drop it with git rebase -i "+baseTag)
		}
	}
	return nil
}
