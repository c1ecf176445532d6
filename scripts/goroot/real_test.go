package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

// cached returns real Go of a version if the module cache has it; a test
// downloads nothing.
func cached(t *testing.T, v source.Version) worktree.Stock {
	t.Helper()
	t.Setenv("GOPROXY", "off")
	s, err := stock(t.Context(), v)
	if err != nil {
		t.Skipf("not supported here: %s is not in the module cache; `goroot fetch --version %s` puts it there", v, v)
	}
	return s
}

// TestRealRebase carries the series of this checkout to other versions of real
// Go. It comes out with the hooks where they were, by itself for each Go of the
// pinned minor version; for another minor version it may stop, and names where.
func TestRealRebase(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: whole trees of Go go through git")
	}
	stocktest.NeedGit(t)
	patches := filepath.Join("..", "..", "goroot-patches")
	pin, err := source.ReadPin(patches)
	if err != nil {
		t.Fatal(err)
	}
	s, err := series.Read(patches)
	if err != nil {
		t.Fatal(err)
	}
	from := cached(t, pin)
	home, err := worktree.Check(t.Context(), from, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []source.Version{"1.27.0", "1.27.1", "1.27.2", "1.27.3", "1.26.11"} {
		t.Run(string(to), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tree")
			result, err := worktree.Rebase(context.Background(), dir, from, cached(t, to), s, false)
			for _, o := range result.Outcome {
				t.Logf("%s: %s", o.Result, o.Patch)
			}
			var stop *worktree.ConflictError
			if errors.As(err, &stop) {
				t.Log(stop.Report())
				judgeConflict(t, stop)
				if minor(to) == minor(pin) {
					t.Error("it did not finish by itself")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			away, err := worktree.InspectTree(t.Context(), dir)
			if err != nil || len(away) != len(home) {
				t.Fatalf("%d patches of %d, %v", len(away), len(home), err)
			}
			for n := range away {
				if got, want := away[n].Report.Symbols(), home[n].Report.Symbols(); !slices.Equal(got, want) {
					t.Errorf("%s hooks %q, at home %q", away[n].Patch.Name, got, want)
				}
			}
		})
	}
}

// minor is a version without its last number.
func minor(v source.Version) string {
	text := string(v)
	return text[:strings.LastIndexByte(text, '.')]
}

// judgeConflict asks for the patch, the files, and a declaration in Go files.
func judgeConflict(t *testing.T, stop *worktree.ConflictError) {
	t.Helper()
	if stop.Patch == "" || len(stop.Places) == 0 {
		t.Errorf("a conflict nowhere: %+v", stop)
	}
	for _, p := range stop.Places {
		if p.File == "" || strings.HasSuffix(p.File, ".go") && len(p.Here)+len(p.Patch) == 0 {
			t.Errorf("no place named: %+v", p)
		}
	}
}
