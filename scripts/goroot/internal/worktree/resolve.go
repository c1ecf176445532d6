package worktree

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// resolved finishes the patch that waits, once a person resolved its conflict:
// with git am --continue in the tree, or by leaving files without markers.
func (t *Tree) resolved(ctx context.Context) error {
	if !t.amWaits() {
		return t.finishedByHand(ctx)
	}
	unmerged, err := t.unmerged(ctx)
	if err != nil {
		return err
	}
	for _, file := range unmerged {
		content, err := os.ReadFile(t.Repo.Path(file.name))
		if err == nil && hasMarkers(content) || err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("worktree: %s still has conflict markers: resolve them, or `goroot rebase --skip` the patch", file.name)
		}
		if !file.content() {
			return fmt.Errorf("worktree: %s was %s: keep it with git add, or drop it with git rm, in %s", file.name, file.kind(), t.Repo.Dir())
		}
	}
	if _, err := t.Repo.Run(ctx, "add", "--update"); err != nil {
		return err
	}
	if _, err := t.Repo.Run(ctx, "diff", "--cached", "--quiet"); err == nil {
		if _, err := t.Repo.Run(ctx, "am", "--skip"); err != nil {
			return err
		}
		return t.done(resultEmpty)
	}
	if _, err := t.Repo.Run(ctx, "am", "--continue"); err != nil {
		return err
	}
	return t.done(resultResolved)
}

// finishedByHand takes the result of the person's own git am --continue or --skip.
func (t *Tree) finishedByHand(ctx context.Context) error {
	if err := t.clean(ctx); err != nil {
		return err
	}
	head, err := t.Head(ctx)
	if err != nil {
		return err
	}
	if head == t.State.Rebase.Before {
		return t.done(resultSkipped)
	}
	return t.done(resultResolved)
}

// resolveVersion resolves a conflict in VERSION alone, which every rebase has:
// the patch adds a suffix to the version's line, and the line is another now.
// The rule is the new line with the patch's suffix. Any other conflict is a person's.
func (t *Tree) resolveVersion(ctx context.Context) (bool, error) {
	unmerged, err := t.unmerged(ctx)
	if err != nil || len(unmerged) == 0 {
		return false, err
	}
	for _, file := range unmerged {
		if file.name == versionFile && file.content() {
			if resolved, err := t.mergeVersion(ctx, file); err != nil || !resolved {
				return false, err
			}
		}
	}
	// Read again: VERSION is settled now, the others are not.
	if unmerged, err = t.unmerged(ctx); err != nil || len(unmerged) > 0 {
		return false, err
	}
	_, err = t.Repo.Run(ctx, "am", "--continue")
	return err == nil, err
}

const versionFile = "VERSION"

func (t *Tree) mergeVersion(ctx context.Context, file unmergedFile) (bool, error) {
	var side [3]string
	for n, blob := range file.blobs {
		text, err := t.Repo.Run(ctx, "cat-file", "blob", blob)
		if err != nil {
			return false, err
		}
		side[n] = text
	}
	merged, ok := mergedVersion(side[0], side[1], side[2])
	if !ok {
		return false, nil
	}
	if err := os.WriteFile(t.Repo.Path(versionFile), []byte(merged), 0o644); err != nil {
		return false, fmt.Errorf("worktree: merge %s: %w", versionFile, err)
	}
	_, err := t.Repo.Run(ctx, "add", "--force", versionFile)
	return err == nil, err
}

// mergedVersion carries the suffix from base to theirs over to ours. ok is
// false if theirs is anything but a suffix on the first line.
func mergedVersion(base, ours, theirs string) (merged string, ok bool) {
	baseFirst, baseRest, _ := strings.Cut(base, "\n")
	oursFirst, oursRest, _ := strings.Cut(ours, "\n")
	theirsFirst, theirsRest, _ := strings.Cut(theirs, "\n")
	suffix, ok := strings.CutPrefix(theirsFirst, baseFirst)
	if !ok || !strings.HasPrefix(suffix, "-") || theirsRest != baseRest {
		return "", false
	}
	return oursFirst + suffix + "\n" + oursRest, true
}
