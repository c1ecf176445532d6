package worktree_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

// place is a folder of a series and a work tree beside it.
type place struct {
	t            *testing.T
	dir, patches string
	stock        worktree.Stock
}

func newPlace(t *testing.T) *place {
	t.Helper()
	stocktest.NeedGit(t)
	root := t.TempDir()
	p := &place{t: t, dir: filepath.Join(root, "build", "edit"), patches: filepath.Join(root, "patches")}
	p.stock = worktree.Stock{Version: "1.99.1", Dir: stocktest.Module(t, "1.99.1")}
	stocktest.WriteFiles(t, p.patches, map[string]string{source.VersionFile: "1.99.1\n", "README.md": "read me\n"})
	return p
}

func (p *place) series() series.Series {
	p.t.Helper()
	s, err := series.Read(p.patches)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) edit() bool {
	p.t.Helper()
	made, err := worktree.Edit(p.t.Context(), p.dir, p.stock, p.series(), false)
	if err != nil {
		p.t.Fatal(err)
	}
	return made
}

func (p *place) save() worktree.Saved {
	p.t.Helper()
	saved, err := worktree.Save(p.t.Context(), p.dir, p.patches, false)
	if err != nil {
		p.t.Fatal(err)
	}
	return saved
}

// write changes the first old in a file of the work tree to new.
func (p *place) write(name, old, new string) {
	p.t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	content, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		p.t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(content), old, new, 1)), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) git(args ...string) string {
	p.t.Helper()
	return stocktest.Git(p.t, p.dir, args...)
}

const fields = "\n\nGroups need it, and nothing else can give it: so it is here.\n\nForwarded: no\nTouches: "

// commitSeries makes three patches: the version, a file, and hooks.
func (p *place) commitSeries() {
	p.t.Helper()
	p.write("VERSION", "1.99.1", "1.99.1-weir.1")
	p.git("commit", "-qam", "weir: name the toolchain"+fields+"VERSION\nStock-Cost: none")
	stocktest.Commit(p.t, p.dir, "runtime: add groups"+fields+"none\nStock-Cost: none",
		map[string]string{"src/runtime/ggroup.go": "package runtime\n\nfunc born(gp *g) {}\n"})
	p.write("src/runtime/proc.go", "\treturn newg\n", "\tborn(newg) // ggroup: count\n\treturn newg\n")
	p.write("src/runtime/proc.go", "\tgp.status = 4\n", "\tborn(gp) // ggroup: time\n\tgp.status = 4\n")
	p.write("src/runtime/libinit.go", "\tinitialized = true\n", "\tinitialized = true\n\tborn(nil) // ggroup: first\n")
	p.git("commit", "-qam", "runtime: hook groups"+fields+"runtime.newproc1, runtime.reentersyscall, runtime.libInit\nStock-Cost: none")
}

func TestEditAndSave(t *testing.T) {
	p := newPlace(t)
	if !p.edit() || p.edit() {
		t.Error("made must be true once")
	}
	p.commitSeries()
	saved := p.save()
	want := []string{"0001-weir-name-the-toolchain.patch", "0002-runtime-add-groups.patch", "0003-runtime-hook-groups.patch"}
	first := p.series()
	for n, patch := range first {
		if patch.Name != want[n] || saved.Differences[n] != (series.Difference{Name: want[n], Kind: "only after"}) {
			t.Errorf("patch %d is %s, reported as %v", n, patch.Name, saved.Differences[n])
		}
	}
	if saved := p.save(); len(saved.Differences) != 0 || saved.Patches != 3 {
		t.Errorf("saved again: %+v", saved)
	}
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	if !p.edit() {
		t.Error("not made anew")
	}
	if saved := p.save(); len(saved.Differences) != 0 || p.series().Digest() != first.Digest() {
		t.Errorf("edit and save without a change: %+v", saved)
	}
	p.git("reset", "-q", "--hard", "HEAD~1")
	if saved := p.save(); !slices.Equal(saved.Differences, []series.Difference{{Name: want[2], Kind: "only before"}}) {
		t.Errorf("a patch less: %+v", saved)
	}
	if content, err := os.ReadFile(filepath.Join(p.patches, "README.md")); string(content) != "read me\n" {
		t.Errorf("README is %q, %v", content, err)
	}
}

// TestBuildInTree lets a person run make.bash in the work tree.
func TestBuildInTree(t *testing.T) {
	p := newPlace(t)
	p.edit()
	stocktest.WriteFiles(t, p.dir, map[string]string{"bin/go": "x", "pkg/tool/x": "x", "src/internal/runtime/sys/zversion.go": "package sys\n"})
	if out := p.git("status", "--porcelain"); out != "" {
		t.Errorf("what a build makes is a change: %s", out)
	}
	p.save()
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(p *place)
		edit     string // what edit refuses with; empty if it does not
		save     string
		editMade bool
	}{
		{"nothing", func(*place) {}, "", "", false},
		{"uncommitted", func(p *place) { p.write("VERSION", "time", "date") }, "not committed (M VERSION)", "not committed", false},
		{"untracked", func(p *place) { stocktest.WriteFiles(p.t, p.dir, map[string]string{"src/new.go": "x"}) }, "?? src/new.go", "?? src/new.go", false},
		{"commit not saved", func(p *place) { stocktest.Commit(p.t, p.dir, "more", map[string]string{"src/new.go": "x"}) }, "commits that the series has not", "", false},
		{"fixup", func(p *place) { stocktest.Commit(p.t, p.dir, "fixup! more", map[string]string{"src/new.go": "x"}) }, "commits", "autosquash base", false},
		{"empty commit", func(p *place) { p.git("commit", "-q", "--allow-empty", "-m", "nothing") }, "commits", `"nothing" that changes nothing`, false},
		{"merge", func(p *place) {
			p.git("checkout", "-qb", "side")
			stocktest.Commit(p.t, p.dir, "side", map[string]string{"src/side.go": "x"})
			p.git("checkout", "-q", "weir")
			stocktest.Commit(p.t, p.dir, "main", map[string]string{"src/main.go": "x"})
			p.git("merge", "-q", "--no-edit", "side")
		}, "commits", "merge commits", false},
		{"other history", func(p *place) { p.git("checkout", "-q", "--orphan", "lost"); p.git("commit", "-qm", "lost") }, "commits", "not on top of its base", false},
		{"git waits", func(p *place) { stocktest.WriteFiles(p.t, p.dir, map[string]string{".git/rebase-merge/x": ""}) }, "middle of a git operation", "middle of", false},
		{"series changed", func(p *place) {
			s := p.series()
			if err := series.Write(p.patches, s[:2], nil); err != nil {
				p.t.Fatal(err)
			}
		}, "", "changed since the work tree was made", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.edit()
			p.commitSeries()
			p.save()
			c.change(p)
			judge := func(verb string, err error, want string) {
				t.Helper()
				if want == "" && err != nil || want != "" && (!worktree.IsUnsaved(err) || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s: %v, want %q", verb, err, want)
				}
			}
			before := p.series().Digest()
			_, err := worktree.Save(t.Context(), p.dir, p.patches, false)
			judge("save", err, c.save)
			if c.save != "" && p.series().Digest() != before {
				t.Error("save refused, and wrote")
			}
			if c.save == "" && c.edit != "" {
				return // saved, so edit has nothing to refuse
			}
			made, err := worktree.Edit(t.Context(), p.dir, p.stock, p.series(), false)
			judge("edit", err, c.edit)
			if made != c.editMade {
				t.Errorf("edit made %v, want %v", made, c.editMade)
			}
			if _, err := worktree.Edit(t.Context(), p.dir, p.stock, p.series(), true); err != nil {
				t.Errorf("forced edit: %v", err)
			}
		})
	}
}

func TestForeignFolder(t *testing.T) {
	p := newPlace(t)
	stocktest.WriteFiles(t, p.dir, map[string]string{"precious.txt": "x"})
	for _, force := range []bool{false, true} {
		if _, err := worktree.Edit(t.Context(), p.dir, p.stock, nil, force); err == nil || !strings.Contains(err.Error(), "not made by this tool") {
			t.Errorf("force %v: %v", force, err)
		}
	}
	if _, err := os.Stat(filepath.Join(p.dir, "precious.txt")); err != nil {
		t.Error(err)
	}
	if _, err := worktree.Save(t.Context(), filepath.Join(p.dir, "none"), p.patches, false); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "goroot edit") {
		t.Errorf("save without a tree: %v", err)
	}
}

func TestMisfit(t *testing.T) {
	p := newPlace(t)
	p.edit()
	p.commitSeries()
	p.save()
	other := worktree.Stock{Version: "1.98.3", Dir: stocktest.Module(t, "1.98.3")}
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	_, err := worktree.Edit(t.Context(), p.dir, other, p.series(), false)
	const want = "apply 0001-weir-name-the-toolchain.patch"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "goroot rebase") {
		t.Errorf("edit: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(p.dir)); len(left) != 0 {
		t.Errorf("edit left %v, %v", left, err)
	}
	inspected, err := worktree.Check(t.Context(), other, p.series())
	if err == nil || !strings.Contains(err.Error(), want) || len(inspected) != 0 {
		t.Errorf("check: %v, %d patches", err, len(inspected))
	}
}

func TestCheck(t *testing.T) {
	p := newPlace(t)
	p.edit()
	p.commitSeries()
	p.save()
	inspected, err := worktree.Check(t.Context(), p.stock, p.series())
	if err != nil || len(inspected) != 3 {
		t.Fatalf("%d patches, %v", len(inspected), err)
	}
	for _, one := range inspected {
		if len(one.Problems) > 0 {
			t.Errorf("%s: %q", one.Patch.Name, one.Problems)
		}
	}
	if got, want := inspected[2].Report.Symbols(), []string{"runtime.libInit", "runtime.newproc1", "runtime.reentersyscall"}; !slices.Equal(got, want) {
		t.Errorf("hooks %q, want %q", got, want)
	}
	// A series that applies, with line numbers that are not right.
	s := p.series()
	s[2].Text = []byte(strings.Replace(string(s[2].Text), "@@ -2,", "@@ -3,", 1))
	s[1].Name = "0002-groups.patch"
	inspected, err = worktree.Check(t.Context(), p.stock, s)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(inspected[1].Problems, "\n"); !strings.Contains(got, "`goroot save` calls it 0002-runtime-add-groups.patch") {
		t.Errorf("name: %q", got)
	}
	if got := strings.Join(inspected[2].Problems, "\n"); !strings.Contains(got, "not as `goroot save` writes it") {
		t.Errorf("text: %q", got)
	}
}
