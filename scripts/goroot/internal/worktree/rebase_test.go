package worktree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

// newRebase is a place with a saved series of three patches, and the work tree gone.
func newRebase(t *testing.T) *place {
	t.Helper()
	p := newPlace(t)
	p.edit()
	p.commitSeries()
	p.save()
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) rebase(ctx context.Context, to source.Version) (worktree.Rebased, error) {
	p.t.Helper()
	stock := worktree.Stock{Version: to, Dir: stocktest.Module(p.t, string(to))}
	return worktree.Rebase(ctx, p.dir, p.stock, stock, p.series(), false)
}

// outcomes writes what became of the patches in one line.
func outcomes(r worktree.Rebased) string {
	var parts []string
	for _, o := range r.Outcome {
		parts = append(parts, o.Patch[:4]+" "+o.Result)
	}
	return strings.Join(parts, "; ")
}

func (p *place) pin() string {
	p.t.Helper()
	v, err := source.ReadPin(p.patches)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(v)
}

func (p *place) read(name string) string {
	p.t.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

func TestRebaseClean(t *testing.T) {
	p := newRebase(t)
	before := p.series().Digest()
	r, err := p.rebase(t.Context(), "1.99.2")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcomes(r), "0001 merged, VERSION by rule; 0002 applies exactly; 0003 applies exactly"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := p.read("VERSION"), "go1.99.2-weir.1\ntime 2026-01-01T00:00:00Z\n"; got != want {
		t.Errorf("VERSION is %q, want %q", got, want)
	}
	if p.series().Digest() != before || p.pin() != "1.99.1" {
		t.Error("the series changed before it was saved")
	}
	if _, err := p.rebase(t.Context(), "1.99.2"); !worktree.IsUnsaved(err) {
		t.Errorf("a rebase over what is not saved: %v", err)
	}
	inspected, err := worktree.InspectTree(t.Context(), p.dir)
	if err != nil || len(inspected) != 3 {
		t.Fatalf("%d patches, %v", len(inspected), err)
	}
	saved := p.save()
	if p.pin() != "1.99.2" || saved.Version != "1.99.2" || len(saved.Differences) == 0 {
		t.Errorf("saved %+v, pinned %s", saved, p.pin())
	}
	p.stock = worktree.Stock{Version: "1.99.2", Dir: stocktest.Module(t, "1.99.2")}
	inspected, err = worktree.Check(t.Context(), p.stock, p.series())
	for _, one := range inspected {
		if len(one.Problems) > 0 {
			t.Errorf("%s: %q", one.Patch.Name, one.Problems)
		}
	}
	if err != nil || p.edit() {
		t.Errorf("check: %v, or the tree is not as the series", err)
	}
}

// conflict rebases onto 1.98.3, which stops at the third patch.
func conflict(t *testing.T) *place {
	t.Helper()
	p := newRebase(t)
	r, err := p.rebase(t.Context(), "1.98.3")
	var stop *worktree.ConflictError
	if !errors.As(err, &stop) {
		t.Fatalf("%v", err)
	}
	if got, want := outcomes(r), "0001 merged, VERSION by rule; 0002 applies exactly"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	report := stop.Report()
	for _, want := range []string{
		"0003-runtime-hook-groups.patch does not merge onto go1.98.3",
		"src/runtime/libinit.go: changed by the patch, and is gone in the new version; the patch changes runtime.libInit",
		"src/runtime/proc.go:23: in runtime.reentersyscall\n    +\tborn(gp) // ggroup: time\n",
		"goroot rebase --continue",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	if strings.Contains(report, "newproc1") {
		t.Errorf("what merges is named in\n%s", report)
	}
	return p
}

// resolve writes proc.go as a person would.
func (p *place) resolve() {
	p.t.Helper()
	text := p.read("src/runtime/proc.go")
	from, to := strings.Index(text, "<<<<<<<"), strings.Index(text, ">>>>>>>")
	end := to + strings.Index(text[to:], "\n") + 1
	stocktest.WriteFiles(p.t, p.dir, map[string]string{"src/runtime/proc.go": text[:from] + "\tborn(gp) // ggroup: time\n" + text[end:]})
}

func TestRebaseContinue(t *testing.T) {
	for _, byHand := range []bool{false, true} {
		t.Run(fmt.Sprintf("byHand=%v", byHand), func(t *testing.T) {
			p := conflict(t)
			for _, verb := range []func() error{
				func() error { _, err := worktree.Save(t.Context(), p.dir, p.patches, false); return err },
				func() error { _, err := worktree.Edit(t.Context(), p.dir, p.stock, p.series(), false); return err },
			} {
				if err := verb(); !worktree.IsUnsaved(err) || !strings.Contains(err.Error(), "rebase --continue") {
					t.Errorf("in the middle of a rebase: %v", err)
				}
			}
			for _, want := range []string{"libinit.go was changed by the patch", "proc.go still has conflict markers"} {
				if _, err := worktree.Continue(t.Context(), p.dir); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("continue unresolved: %v, want %q", err, want)
				}
				if strings.Contains(want, "libinit") {
					p.git("rm", "-q", "src/runtime/libinit.go")
				}
			}
			p.resolve()
			if byHand {
				p.git("add", "-u")
				p.git("am", "--continue")
			}
			r, err := worktree.Continue(t.Context(), p.dir)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := outcomes(r), "0001 merged, VERSION by rule; 0002 applies exactly; 0003 resolved by hand"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			p.save()
			if p.pin() != "1.98.3" || len(p.series()) != 3 {
				t.Errorf("pinned %s with %d patches", p.pin(), len(p.series()))
			}
			if _, err := worktree.Continue(t.Context(), p.dir); err == nil || !strings.Contains(err.Error(), "no unfinished rebase") {
				t.Errorf("continue after the end: %v", err)
			}
		})
	}
}

func TestRebaseSkip(t *testing.T) {
	p := conflict(t)
	r, err := worktree.Skip(t.Context(), p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcomes(r), "0001 merged, VERSION by rule; 0002 applies exactly; 0003 skipped"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if saved := p.save(); saved.Patches != 2 || len(p.series()) != 2 {
		t.Errorf("saved %+v", saved)
	}
}

func TestRebaseAbort(t *testing.T) {
	p := conflict(t)
	if err := worktree.Abort(t.Context(), p.dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(p.dir)); len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if p.pin() != "1.99.1" || len(p.series()) != 3 || !p.edit() {
		t.Error("not as before")
	}
	if err := worktree.Abort(t.Context(), p.dir); err == nil || !strings.Contains(err.Error(), "no unfinished rebase") {
		t.Errorf("abort of nothing: %v", err)
	}
}

// TestRebaseKilled takes a patch again that was being taken when the process
// died: it must not count as skipped.
func TestRebaseKilled(t *testing.T) {
	p := conflict(t)
	state := p.read(".git/weir.json")
	stocktest.WriteFiles(t, p.dir, map[string]string{".git/weir.json": strings.Replace(state, `"Stuck": true`, `"Stuck": false`, 1)})
	if _, err := worktree.Skip(t.Context(), p.dir); err == nil || !strings.Contains(err.Error(), "no patch waits") {
		t.Errorf("skip: %v", err)
	}
	_, err := worktree.Continue(t.Context(), p.dir)
	var stop *worktree.ConflictError
	if !errors.As(err, &stop) || stop.Patch != "0003-runtime-hook-groups.patch" || len(stop.Places) != 2 {
		t.Errorf("%v", err)
	}
}

func TestRebaseCancelled(t *testing.T) {
	p := newRebase(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.rebase(ctx, "1.99.2"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(p.dir)); len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestRebaseUpstreamed drops a patch whose change the new version has already.
func TestRebaseUpstreamed(t *testing.T) {
	p := newRebase(t)
	to := worktree.Stock{Version: "1.99.2", Dir: stocktest.Module(t, "1.99.2")}
	stocktest.WriteFiles(t, to.Dir, map[string]string{"src/runtime/ggroup.go": "package runtime\n\nfunc born(gp *g) {}\n"})
	r, err := worktree.Rebase(t.Context(), p.dir, p.stock, to, p.series(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcomes(r), "0001 merged, VERSION by rule; 0002 dropped: nothing of it is left to do; 0003 applies exactly"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
