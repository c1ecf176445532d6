package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

var rebaseVerb = verb{
	name: "rebase",
	line: "carry the series to another Go, three-way",
	long: `Makes the work tree on stock Go of the version --to and merges the patches into it one by one. At a
conflict it stops with exit status 3 and names the patch, the file and the function. Resolve it in
the tree, then go on:

    goroot rebase --to go1.27.5
    (resolve in build/goroot-edit)
    goroot rebase --continue
    goroot save

VERSION is merged by rule: the new version's line with the patch's suffix. goroot-patches changes
only with "save". Clean merges are worth a look too: the hooks are listed at the end.`,
	setup: func(flags *flag.FlagSet, s *session) func(context.Context) error {
		var r rebase
		dir := dirFlag(flags)
		flags.StringVar(&r.to, "to", "", "exact `version` such as go1.27.5")
		flags.BoolVar(&r.goOn, "continue", false, "go on after a conflict was resolved")
		flags.BoolVar(&r.skip, "skip", false, "leave out the patch that stopped")
		flags.BoolVar(&r.abort, "abort", false, "remove the tree of an unfinished rebase")
		flags.BoolVar(&r.force, "force", false, "replace a tree with changes that are not saved")
		return func(ctx context.Context) error {
			var err error
			if r.dir, err = s.treeDir(*dir); err != nil {
				return err
			}
			return s.rebase(ctx, r)
		}
	},
}

// rebase is what the flags ask for.
type rebase struct {
	dir, to                  string
	goOn, skip, abort, force bool
}

func (s *session) rebase(ctx context.Context, r rebase) error {
	asked := 0
	for _, one := range []bool{r.to != "", r.goOn, r.skip, r.abort} {
		if one {
			asked++
		}
	}
	if asked != 1 {
		fmt.Fprintln(s.log, "goroot: rebase takes one of --to go1.X.Y, --continue, --skip, --abort")
		return errMisuse
	}
	var result worktree.Rebased
	var err error
	switch {
	case r.abort:
		if err := worktree.Abort(ctx, r.dir); err != nil {
			return err
		}
		s.say("removed %s; %s is as it was", s.under(r.dir), s.under(s.patches))
		return nil
	case r.goOn:
		result, err = worktree.Continue(ctx, r.dir)
	case r.skip:
		result, err = worktree.Skip(ctx, r.dir)
	default:
		result, err = s.startRebase(ctx, r)
	}
	for _, o := range result.Outcome {
		fmt.Fprintf(s.out, "%-24s %s\n", o.Result, o.Patch)
	}
	if err != nil {
		var conflict *worktree.ConflictError
		if errors.As(err, &conflict) {
			conflict.Dir = s.under(conflict.Dir)
		}
		return err
	}
	return s.rebased(ctx, r.dir, result)
}

func (s *session) startRebase(ctx context.Context, r rebase) (worktree.Rebased, error) {
	to, err := source.ParseVersion(r.to)
	if err != nil {
		return worktree.Rebased{}, err
	}
	from, patches, err := s.pinned()
	if err != nil {
		return worktree.Rebased{}, err
	}
	old, err := stock(ctx, from)
	if err != nil {
		return worktree.Rebased{}, err
	}
	next, err := stock(ctx, to)
	if err != nil {
		return worktree.Rebased{}, err
	}
	s.say("carrying %s from %s to %s", patchCount(len(patches)), from, to)
	return worktree.Rebase(ctx, r.dir, old, next, patches, r.force)
}

// rebased tells what to look at, and what comes next.
func (s *session) rebased(ctx context.Context, dir string, result worktree.Rebased) error {
	inspected, err := worktree.InspectTree(ctx, dir)
	if err != nil {
		return err
	}
	printInspection(s.out, inspected)
	problems := s.printProblems(inspected)
	s.say("%s holds the series on %s", s.under(dir), result.To)
	if problems > 0 {
		s.say("mend in it what is said above, then: goroot save, goroot check, goroot build")
	} else {
		s.say("look the hooks over, then: goroot save, goroot check, goroot build")
	}
	return nil
}
