package worktree

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/hooks"
	"github.com/weirgo/weir/scripts/goroot/internal/series"
)

// changeShown is how many lines of a change a report shows.
const changeShown = 6

// ConflictError is a rebase that waits for a person.
type ConflictError struct {
	Dir     string
	Patch   string // file name
	Version string // that it does not merge onto
	Places  []Place
	Reason  string // git's words, where there are no places
}

// Place is one file, and one declaration in it where known, that does not merge.
type Place struct {
	File   string
	Line   int      // of the markers in the work tree, 0 without
	Here   []string // declarations of the new version around the conflict
	Patch  []string // declarations that the patch changes there
	Change []string // lines that the patch removes and adds, with - and +
	Reason string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("worktree: %s does not merge onto %s", e.Patch, e.Version)
}

// Report names the patch, the files and the functions, and what to do.
func (e *ConflictError) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goroot: conflict: %s does not merge onto %s\n", e.Patch, e.Version)
	for _, p := range e.Places {
		fmt.Fprintf(&b, "  %s\n", p)
		for _, line := range p.Change[:min(len(p.Change), changeShown)] {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		if more := len(p.Change) - changeShown; more > 0 {
			fmt.Fprintf(&b, "    and %d more lines\n", more)
		}
	}
	if len(e.Places) == 0 {
		fmt.Fprintf(&b, "  %s\n", e.Reason)
	}
	fmt.Fprintf(&b, `Resolve it in %s (git diff shows both sides; the old code is on branch %s), then:
  goroot rebase --continue    to go on with the next patch
  goroot rebase --skip        to leave this patch out
  goroot rebase --abort       to give up; goroot-patches is as it was
`, e.Dir, oldBranch)
	return b.String()
}

func (p Place) String() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	here, patch := strings.Join(p.Here, ", "), strings.Join(p.Patch, ", ")
	switch {
	case p.Reason != "" && patch != "":
		return fmt.Sprintf("%s: %s; the patch changes %s", where, p.Reason, patch)
	case p.Reason != "":
		return where + ": " + p.Reason
	case here == "" && patch == "":
		return where
	case here == patch || patch == "":
		return where + ": in " + here
	case here == "":
		return fmt.Sprintf("%s: the patch changes %s, which is not there", where, patch)
	}
	return fmt.Sprintf("%s: in %s; the patch changes %s", where, here, patch)
}

// unmergedFile is a file that git could not merge: the blobs of base, ours and
// theirs, empty where a side has no such file.
type unmergedFile struct {
	name  string
	blobs [3]string
}

// content reports that all three sides have the file, so it has markers.
func (f unmergedFile) content() bool { return !slices.Contains(f.blobs[:], "") }

// kind says what happened to a file that is not on all sides.
func (f unmergedFile) kind() string {
	switch base, ours, theirs := f.blobs[0] != "", f.blobs[1] != "", f.blobs[2] != ""; {
	case base && !ours && theirs:
		return "changed by the patch, and is gone in the new version"
	case base && ours && !theirs:
		return "removed by the patch, and changed in the new version"
	case !base && ours && theirs:
		return "added by the patch, and by the new version too"
	}
	return "renamed or removed on both sides"
}

// unmerged lists the files that wait to be merged.
func (t *Tree) unmerged(ctx context.Context) ([]unmergedFile, error) {
	out, err := t.Repo.Run(ctx, "ls-files", "--unmerged", "-z")
	if err != nil {
		return nil, err
	}
	var files []unmergedFile
	for record := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		meta, name, ok := strings.Cut(record, "\t")
		words := strings.Fields(meta)
		if !ok || len(words) != 3 {
			continue
		}
		if n := len(files); n == 0 || files[n-1].name != name {
			files = append(files, unmergedFile{name: name})
		}
		if stage := words[2]; stage >= "1" && stage <= "3" {
			files[len(files)-1].blobs[stage[0]-'1'] = words[1]
		}
	}
	return files, nil
}

// conflict describes why patch does not merge.
func (t *Tree) conflict(ctx context.Context, patch series.Patch, stuck *series.ApplyError) error {
	e := &ConflictError{Dir: t.Repo.Dir(), Patch: patch.Name, Version: t.State.Version.String(), Reason: stuck.Reason}
	files, err := t.unmerged(ctx)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !file.content() {
			changed, err := t.changedDecls(ctx, file)
			if err != nil {
				return err
			}
			e.Places = append(e.Places, Place{File: file.name, Reason: file.kind(), Patch: changed})
			continue
		}
		content, err := os.ReadFile(t.Repo.Path(file.name))
		if err != nil {
			return fmt.Errorf("worktree: read the conflict: %w", err)
		}
		e.Places = append(e.Places, places(file.name, content)...)
	}
	return e
}

// changedDecls names what the patch changes in a file that the new version has not.
func (t *Tree) changedDecls(ctx context.Context, file unmergedFile) ([]string, error) {
	base, theirs := file.blobs[0], file.blobs[2]
	if base == "" || theirs == "" {
		return nil, nil
	}
	text, err := t.Repo.Run(ctx, "diff", "-U0", "--no-color", "--no-ext-diff", base, theirs)
	if err != nil {
		return nil, err
	}
	diffs, err := hooks.ParseDiff(text)
	if err != nil {
		return nil, err
	}
	content, err := t.Repo.Run(ctx, "cat-file", "blob", theirs)
	if err != nil {
		return nil, err
	}
	decls := hooks.Decls(file.name, []byte(content))
	var names []string
	for _, diff := range diffs {
		for _, h := range diff.Hunks {
			names = append(names, hooks.At(decls, h.NewStart, h.NewStart+max(0, len(h.New)-1))...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
