package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

// dirFlag declares where the work tree lies.
func dirFlag(flags *flag.FlagSet) *string {
	return flags.String("dir", "", "`folder` of the work tree (default build/goroot-edit of the checkout)")
}

func (s *session) treeDir(flag string) (string, error) {
	if flag == "" {
		return filepath.Join(s.root, "build", "goroot-edit"), nil
	}
	return filepath.Abs(flag)
}

// stock fetches the source of a version.
func stock(ctx context.Context, v source.Version) (worktree.Stock, error) {
	dir, err := source.Fetch(ctx, v)
	return worktree.Stock{Version: v, Dir: dir}, err
}

var editVerb = verb{
	name: "edit",
	line: "make a git work tree of the patched Go, one commit a patch",
	long: `The tree is in build/goroot-edit: stock Go is the commit tagged base, and each commit after it is
a patch. Change it with git as usual, for instance

    git commit --fixup <commit> -a && git rebase -i --autosquash base

and write it back with "goroot save". A tree with changes that are not saved is not overwritten.`,
	setup: func(flags *flag.FlagSet, s *session) func(context.Context) error {
		dir := dirFlag(flags)
		force := flags.Bool("force", false, "replace the tree, dropping what is not saved")
		return func(ctx context.Context) error { return s.edit(ctx, *dir, *force) }
	},
}

func (s *session) edit(ctx context.Context, flag string, force bool) error {
	dir, err := s.treeDir(flag)
	if err != nil {
		return err
	}
	v, patches, err := s.pinned()
	if err != nil {
		return err
	}
	base, err := stock(ctx, v)
	if err != nil {
		return err
	}
	made, err := worktree.Edit(ctx, dir, base, patches, force)
	if err != nil {
		return err
	}
	if made {
		s.say("%s is %s with %s", s.under(dir), v, patchCount(len(patches)))
	} else {
		s.say("%s is there already, as the series is", s.under(dir))
	}
	fmt.Fprintln(s.out, dir)
	return nil
}

var saveVerb = verb{
	name: "save",
	line: "write the commits of the work tree back to goroot-patches",
	long: `Each commit after base becomes a patch, NNNN-subject.patch; patches without a commit go. After a
rebase the pinned version goes with them. When nothing changed, no byte does.`,
	setup: func(flags *flag.FlagSet, s *session) func(context.Context) error {
		dir := dirFlag(flags)
		force := flags.Bool("force", false, "overwrite a series that changed since the tree was made")
		return func(ctx context.Context) error { return s.save(ctx, *dir, *force) }
	},
}

func (s *session) save(ctx context.Context, flag string, force bool) error {
	dir, err := s.treeDir(flag)
	if err != nil {
		return err
	}
	saved, err := worktree.Save(ctx, dir, s.patches, force)
	if err != nil {
		return err
	}
	if len(saved.Differences) == 0 {
		s.say("%s: %s for %s, none changed", s.under(s.patches), patchCount(saved.Patches), saved.Version)
		return nil
	}
	s.say("%s: %s for %s", s.under(s.patches), patchCount(saved.Patches), saved.Version)
	series.Print(s.log, saved.Differences)
	s.say("next: goroot check, goroot build")
	return nil
}
