package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts in testdata anew")

// transcript records what a person does and sees.
type transcript struct {
	t    *testing.T
	root string // of a checkout made for the test
	text bytes.Buffer
}

// newTranscript makes a checkout without patches for Go 1.99.1, with a module
// proxy that serves three versions, and enters it.
func newTranscript(t *testing.T) *transcript {
	stocktest.NeedGit(t)
	stocktest.Proxy(t, "1.99.1", "1.99.2", "1.98.3")
	t.Setenv("WEIR_CACHE", t.TempDir())
	root := t.TempDir()
	stocktest.WriteFiles(t, root, map[string]string{
		"go.mod": "module x\n", "goroot-patches/GO_VERSION": "1.99.1\n", "scripts/x": "",
	})
	t.Chdir(root)
	return &transcript{t: t, root: root}
}

// goroot runs the program as main does.
func (r *transcript) goroot(args ...string) {
	r.t.Helper()
	fmt.Fprintf(&r.text, "$ goroot %s\n", strings.Join(args, " "))
	var out, log bytes.Buffer
	code := status(run(context.Background(), args, &out, &log), &log)
	r.text.WriteString(out.String() + log.String())
	if code != 0 {
		fmt.Fprintf(&r.text, "exit status %d\n", code)
	}
	r.text.WriteString("\n")
}

// do records something that a person does in the work tree.
func (r *transcript) do(what string, action func(dir string)) {
	r.t.Helper()
	fmt.Fprintf(&r.text, "# %s\n\n", what)
	action(filepath.Join(r.root, "build", "goroot-edit"))
}

// replace changes a file of the work tree.
func (r *transcript) replace(dir, name, old, new string) {
	r.t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	content, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	stocktest.WriteFiles(r.t, dir, map[string]string{name: strings.Replace(string(content), old, new, 1)})
}

var (
	keyText   = regexp.MustCompile(`[0-9a-f]{20}`)
	durations = regexp.MustCompile(` *\d+ s  |in \d+ s`)
	lastUsed  = regexp.MustCompile(`last used .*`)
	platform  = regexp.MustCompile(`\.(linux|darwin|freebsd)-(amd64|arm64)`)
)

// check compares the record with the transcript in testdata.
func (r *transcript) check(name string) {
	r.t.Helper()
	text := r.text.String()
	for _, v := range []struct{ key, shown string }{
		{"GOPROXY", "$GOPROXY"}, {"GOMODCACHE", "$GOMODCACHE"}, {"WEIR_CACHE", "$WEIR_CACHE"},
	} {
		text = strings.ReplaceAll(text, os.Getenv(v.key), v.shown)
	}
	text = strings.ReplaceAll(text, r.root, "$ROOT")
	text = keyText.ReplaceAllString(text, "KEY")
	text = lastUsed.ReplaceAllString(text, "last used THEN")
	text = platform.ReplaceAllString(text, ".PLATFORM")
	text = strings.ReplaceAll(text, runtime.GOOS+"/"+runtime.GOARCH, "PLATFORM")
	text = durations.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "in") {
			return "in N s"
		}
		return " N s  "
	})
	file := filepath.Join(testdata, name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	if text != string(want) {
		r.t.Errorf("not as in %s (go test -rewrite writes it anew):\n%s", file, text)
	}
}

// testdata is absolute: the tests change the working directory.
var testdata = func() string {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		panic(err)
	}
	return dir
}()

const fields = "\n\nGroups need it, and nothing else can give it: so it is here.\n\nForwarded: no\nTouches: "

// series commits three patches: the version, a file, and hooks.
func (r *transcript) series(dir string) {
	r.replace(dir, "VERSION", "1.99.1", "1.99.1-weir.1")
	stocktest.Commit(r.t, dir, "weir: name the toolchain"+fields+"VERSION\nStock-Cost: none", nil)
	stocktest.Commit(r.t, dir, "runtime: add groups"+fields+"none\nStock-Cost: none",
		map[string]string{"src/runtime/ggroup.go": "package runtime\n\nfunc born(gp *g) {}\n"})
	r.replace(dir, "src/runtime/proc.go", "\treturn newg\n", "\tborn(newg) // ggroup: count\n\treturn newg\n")
	r.replace(dir, "src/runtime/proc.go", "\tgp.status = 4\n", "\tborn(gp)\n\tgp.status = 4\n")
	stocktest.Commit(r.t, dir, "runtime: hook groups"+fields+"runtime.newproc1\nStock-Cost: none", nil)
}

func TestTranscriptSeries(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	r := newTranscript(t)
	r.goroot("fetch")
	r.goroot("check")
	r.goroot("edit")
	r.do("commit three patches", r.series)
	r.goroot("edit")
	r.goroot("save")
	r.goroot("check")
	r.do("mend the third", func(dir string) {
		r.replace(dir, "src/runtime/proc.go", "born(gp)\n", "born(gp) // ggroup: time\n")
	})
	r.goroot("save")
	r.do("amend it, and its message", func(dir string) {
		message := "runtime: hook groups" + fields + "runtime.newproc1, runtime.reentersyscall\nStock-Cost: none"
		stocktest.Git(t, dir, "commit", "-qa", "--amend", "--message="+message)
	})
	r.goroot("save")
	r.goroot("save")
	r.goroot("edit")
	r.goroot("check")
	r.goroot("build")
	r.goroot("build")
	r.goroot("build", "--prefix", "1")
	r.goroot("build", "--prefix", "4")
	r.do("break the build", func(dir string) {
		stocktest.Commit(t, dir, "runtime: break"+fields+"none\nStock-Cost: none", map[string]string{"src/runtime/broken.go": "package runtime\n"})
	})
	r.goroot("save")
	r.goroot("build")
	r.goroot("clean")
	r.check("series.txt")
}

func TestTranscriptRebase(t *testing.T) {
	r := newTranscript(t)
	r.goroot("edit")
	r.do("commit three patches, and one that hooks what 1.98.3 has not", func(dir string) {
		r.series(dir)
		r.replace(dir, "src/runtime/proc.go", "\tborn(gp)\n", "\tborn(gp) // ggroup: time\n")
		r.replace(dir, "src/runtime/libinit.go", "initialized = true\n", "initialized = true\n\tborn(nil) // ggroup: first\n")
		stocktest.Commit(t, dir, "runtime: hook the start"+fields+"runtime.libInit, runtime.reentersyscall\nStock-Cost: none", nil)
	})
	r.goroot("save")
	r.goroot("rebase", "--to", "go1.99.2")
	r.goroot("rebase", "--to", "go1.98.3")
	r.goroot("rebase", "--to", "go1.98.3", "--force")
	r.goroot("save")
	r.goroot("rebase", "--continue")
	r.do("resolve the third", func(dir string) {
		text := stocktest.Files("1.98.3")["src/runtime/proc.go"]
		stocktest.WriteFiles(t, dir, map[string]string{
			"src/runtime/proc.go": strings.Replace(text, "\treturn newg\n", "\tborn(newg) // ggroup: count\n\treturn newg\n", 1),
		})
	})
	r.goroot("rebase", "--continue")
	r.goroot("rebase", "--skip")
	r.goroot("save")
	r.goroot("check")
	r.goroot("rebase", "--abort")
	r.check("rebase.txt")
}

func TestTranscriptMisuse(t *testing.T) {
	r := newTranscript(t)
	r.goroot()
	r.goroot("frob")
	r.goroot("--help")
	for _, v := range verbs {
		r.goroot(v.name, "--help")
	}
	r.goroot("build", "now")
	r.goroot("build", "--frob")
	r.goroot("fetch", "--version", "1.27")
	r.goroot("fetch", "--version", "1.97.0")
	r.goroot("rebase")
	r.goroot("rebase", "--to", "go1.99.2", "--continue")
	r.goroot("rebase", "--continue")
	r.goroot("save")
	r.goroot("check", "--patches", "none")
	r.check("misuse.txt")
}

func TestOutsideACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	err := run(t.Context(), []string{"check"}, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "run this in the checkout") {
		t.Errorf("%v", err)
	}
}

// TestStockLines: lines of stock tests count like those of code.
func TestStockLines(t *testing.T) {
	one := worktree.Inspected{}
	one.Report.Code.Changed, one.Report.Tests.Changed = 3, 2
	if got := printInspection(io.Discard, []worktree.Inspected{one, one}); got != 10 {
		t.Errorf("counts %d lines, want 10", got)
	}
}
