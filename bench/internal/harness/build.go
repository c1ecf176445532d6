package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// checkout is a source tree and where the binaries built from it go.
type checkout struct{ root, bin string }

// binaries is the directory of those that a toolchain built.
func (c checkout) binaries(name experiment.Toolchain) string {
	return filepath.Join(c.bin, string(name))
}

// command returns the package of an experiment's command: bench/<id>/measure,
// or, in revisions before it stood there, bench/<id>.
func (c checkout) command(id string) (string, error) {
	for _, pkg := range []string{"./bench/" + id + "/measure", "./bench/" + id} {
		switch _, err := os.Stat(filepath.Join(c.root, filepath.FromSlash(pkg), "main.go")); {
		case err == nil:
			return pkg, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("harness: find command of %s: %w", id, err)
		}
	}
	return "", fmt.Errorf("harness: find command of %s: %s has neither bench/%s/measure/main.go nor bench/%s/main.go", id, c.root, id, id)
}

// build compiles the experiment's command, packages and tests by both
// toolchains.
func (r *Runner) build(ctx context.Context, from checkout, e experiment.Declaration) error {
	command, err := from.command(e.ID)
	if err != nil {
		return err
	}
	for _, name := range []experiment.Toolchain{experiment.Stock, experiment.Weir} {
		dir, toolchain := from.binaries(name), r.toolchains[name]
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("harness: make directory of binaries: %w", err)
		}
		flags := []string{"build", "-trimpath", "-buildvcs=false"}
		if err := toolchain.build(ctx, from.root, command, filepath.Join(dir, e.ID), flags...); err != nil {
			return err
		}
		for _, pkg := range e.Packages {
			with := append(flags[:len(flags):len(flags)], "-tags="+pkg.Tags, "-ldflags="+pkg.LDFlags)
			if err := toolchain.build(ctx, from.root, pkg.Path, filepath.Join(dir, path.Base(pkg.Path)), with...); err != nil {
				return err
			}
		}
		for _, pkg := range e.Tests {
			if err := toolchain.build(ctx, from.root, pkg, filepath.Join(dir, path.Base(pkg)+".test"), "test", "-c"); err != nil {
				return err
			}
		}
	}
	return nil
}
