package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// The two sides of a comparison of revisions.
const (
	oldSide = "old"
	newSide = "new"
)

// AgainstInfix is in the file's name of a comparison, between the experiment's id
// and the revision.
const AgainstInfix = "-against-"

// Comparison is an experiment's arm weir, built by one toolchain from two
// revisions of this repository.
type Comparison struct {
	ID       string              `json:"id"`
	Title    string              `json:"title"`
	Old      string              `json:"old"` // the revision; the new one is the work tree
	Go       string              `json:"go"`
	Params   map[string]any      `json:"params"`
	Machine  Machine             `json:"machine"`
	Metrics  map[string]Measured `json:"metrics"` // arms old and new; the ratio is new/old
	Warnings []string            `json:"warnings,omitempty"`
}

// Against runs the arm weir of an experiment from an earlier revision and from
// the work tree in turns, and writes <id>-against-<revision>.json. Each side is
// built from its own sources, its own command included; both get the arguments
// that are declared here.
func (r *Runner) Against(ctx context.Context, e experiment.Declaration, revision string) (Comparison, error) {
	e, err := e.Complete()
	if err != nil {
		return Comparison{}, err
	}
	old, hash, err := r.checkOut(ctx, revision)
	if err != nil {
		return Comparison{}, err
	}
	arm := e.Arms[slices.IndexFunc(e.Arms, func(a experiment.Arm) bool { return a.Name == "weir" })]
	e.Derive = nil // it relates arms that do not run here
	sides := map[string]checkout{oldSide: old, newSide: {root: r.root, bin: filepath.Join(r.opts.Out, "bin")}}
	var trials []trial
	for _, name := range []string{oldSide, newSide} {
		if err := r.build(ctx, sides[name], forArm(e, arm)); err != nil {
			return Comparison{}, err
		}
		trials = append(trials, r.trial(sides[name], e, arm, name))
	}
	c := Comparison{ID: e.ID, Title: e.Title, Old: hash, Go: r.toolchains[experiment.Weir].version, Machine: describeMachine(r.toolchains)}
	rounds, raw, err := r.rounds(ctx, e, trials)
	if err != nil {
		return Comparison{}, err
	}
	if c.Metrics, err = summarize([]string{oldSide, newSide}, oldSide, newSide, rounds); err != nil {
		return Comparison{}, fmt.Errorf("harness: compare %s: %w", e.ID, err)
	}
	c.Params, c.Warnings = r.params(raw, len(rounds)), r.warnings(e, c.Machine, raw, len(rounds))
	base := filepath.Join(r.opts.Out, e.ID+AgainstInfix+hash)
	if err := writeLines(base+".raw.jsonl", raw); err != nil {
		return Comparison{}, err
	}
	return c, writeJSON(base+".json", c)
}

// forArm leaves out the packages that other arms need: an earlier revision may
// not have them.
func forArm(e experiment.Declaration, arm experiment.Arm) experiment.Declaration {
	uses := func(pkg experiment.Package) bool {
		return slices.ContainsFunc(arm.Args, func(arg string) bool { return strings.HasSuffix(arg, "/"+filepath.Base(pkg.Path)) })
	}
	e.Packages = slices.DeleteFunc(slices.Clone(e.Packages), func(pkg experiment.Package) bool { return !uses(pkg) })
	return e
}

// checkOut writes the sources of a revision to build/against/<hash>, once, and
// returns where they lie and the revision's short hash.
func (r *Runner) checkOut(ctx context.Context, revision string) (checkout, string, error) {
	git := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = r.root
		return cmd
	}
	fail := func(err error) (checkout, string, error) {
		return checkout{}, "", fmt.Errorf("harness: check out %s: %w%s", revision, err, stderrOf(err))
	}
	// As a commit, and never taken for a flag.
	output, err := git("rev-parse", "--verify", "--short=12", "--end-of-options", revision+"^{commit}").Output()
	if err != nil {
		return fail(err)
	}
	hash := strings.TrimSpace(string(output))
	root := filepath.Join(r.root, "build", "against", hash)
	old := checkout{root: root, bin: filepath.Join(r.opts.Out, "bin", hash)}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		return old, hash, err
	}
	// Unpacked beside its place, so that what lies there is whole.
	partial := root + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return fail(err)
	}
	archive := filepath.Join(partial, "source.tar")
	if _, err := git("archive", "--format=tar", "--output="+archive, hash).Output(); err != nil {
		return fail(err)
	}
	if _, err := exec.CommandContext(ctx, "tar", "-x", "-C", partial, "-f", archive).Output(); err != nil {
		return fail(err)
	}
	if err := errors.Join(os.Remove(archive), os.Rename(partial, root)); err != nil {
		return fail(err)
	}
	return old, hash, nil
}
