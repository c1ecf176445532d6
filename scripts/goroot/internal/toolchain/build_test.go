package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

// newFile is a patch that creates a file with one line.
func newFile(t *testing.T, number int, name, line string) series.Patch {
	t.Helper()
	text := fmt.Sprintf("From 0 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.com>\nDate: Fri, 2 Jan 2026 03:04:05 +0100\n"+
		"Subject: add %s\n\nx\n\ndiff --git a/%s b/%s\nnew file mode 100644\n--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n",
		name, name, name, name, line)
	p, err := series.Parse(fmt.Sprintf("%04d-x.patch", number), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newBuild is a build of the stand-in for Go with a cache of its own.
func newBuild(t *testing.T, patches ...series.Patch) (*Build, *bytes.Buffer) {
	t.Helper()
	stocktest.NeedGit(t)
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	module := stocktest.Module(t, "1.99.1")
	if err := os.Chmod(filepath.Join(module, "bin", "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	find := func(context.Context, source.Version) (string, error) { return module, nil }
	return &Build{
		Version: "1.99.1", Series: patches, Cache: Cache{dir: filepath.Join(t.TempDir(), "goroot")},
		Out: out, Source: find, Bootstrap: find,
	}, out
}

func ensure(t *testing.T, b *Build) (goroot string, built bool) {
	t.Helper()
	goroot, built, err := b.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return goroot, built
}

// left lists what is in the cache.
func left(t *testing.T, c Cache) []string {
	t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestEnsure(t *testing.T) {
	for _, name := range []string{"GOFLAGS", "GOEXPERIMENT", "GOROOT"} {
		t.Setenv(name, "bad") // make.bash must not see it
	}
	b, out := newBuild(t, newFile(t, 1, "src/runtime/ggroup.go", "package runtime"))
	goroot, built := ensure(t, b)
	if !built || filepath.Base(goroot) != Key(b.Version, b.Series) {
		t.Errorf("%s, built %v", goroot, built)
	}
	version, err := exec.Command(filepath.Join(goroot, "bin", "go")).Output()
	if want := "go version go1.99.1-weir.0." + Key(b.Version, b.Series)[:8] + "\n"; string(version) != want || err != nil {
		t.Errorf("%q, %v; want %q", version, err, want)
	}
	for name, want := range map[string]bool{
		"src/runtime/ggroup.go": true, "src/go.mod": true, "pkg/tool": true, "pkg/obj": false, ".git": false, "src/_go.mod": false,
	} {
		if _, err := os.Stat(filepath.Join(goroot, name)); (err == nil) != want {
			t.Errorf("%s: %v, want there %v", name, err, want)
		}
	}
	if !strings.Contains(out.String(), "Building Go cmd/dist") {
		t.Errorf("no progress in %q", out.String())
	}
	out.Reset()
	if again, built := ensure(t, b); again != goroot || built || out.Len() > 0 {
		t.Errorf("again: %s, built %v, says %q", again, built, out.String())
	}
	if got := left(t, b.Cache); !slices.Equal(got, []string{".lock", filepath.Base(goroot)}) {
		t.Errorf("the cache holds %q", got)
	}
}

func TestStockKeepsItsName(t *testing.T) {
	b, _ := newBuild(t)
	goroot, _ := ensure(t, b)
	if content, err := os.ReadFile(filepath.Join(goroot, "VERSION")); !strings.HasPrefix(string(content), "go1.99.1\n") {
		t.Errorf("VERSION is %q, %v", content, err)
	}
}

func TestStamped(t *testing.T) {
	const key = "0123456789abcdef0123"
	for version, want := range map[string]string{
		"go1.27.4\ntime x\n":        "go1.27.4-weir.0.01234567\ntime x\n",
		"go1.27.4-weir.3\ntime x\n": "go1.27.4-weir.3.01234567\ntime x\n",
	} {
		if got := stamped(version, key); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		patch series.Patch
		want  []string
		log   bool
	}{
		{"make.bash fails", newFile(t, 1, "src/runtime/broken.go", "x"),
			[]string{"exit status 2", "runtime/broken.go:1: syntax error", ".log", "goroot edit"}, true},
		{"the patch does not fit", newFile(t, 1, "src/runtime/proc.go", "x"),
			[]string{"apply 0001-x.patch", "src/runtime/proc.go", "does not fit go1.99.1 exactly", "goroot rebase"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newBuild(t, c.patch)
			_, _, err := b.Ensure(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: no %q in it", err, want)
				}
			}
			want := []string{".lock"}
			if c.log {
				want = append(want, Key(b.Version, b.Series)+".log")
			}
			if got := left(t, b.Cache); !slices.Equal(got, want) {
				t.Errorf("the cache holds %q, want %q", got, want)
			}
		})
	}
}

// TestCancel ends make.bash with its children, and leaves nothing.
func TestCancel(t *testing.T) {
	b, _ := newBuild(t, newFile(t, 1, "src/runtime/slow.go", "x"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(filepath.Join(b.Cache.dir, ".build-*", "go", "started")); len(found) > 0 {
				cancel()
			}
			runtime.Gosched()
		}
	}()
	if _, _, err := b.Ensure(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := left(t, b.Cache); !slices.Equal(got, []string{".lock"}) {
		t.Errorf("the cache holds %q", got)
	}
}

// TestConcurrent has one of many builds do the work.
func TestConcurrent(t *testing.T) {
	first, _ := newBuild(t, newFile(t, 1, "src/a.go", "package a"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	built := 0
	for range 4 {
		b := *first
		b.Out = &bytes.Buffer{}
		wg.Go(func() {
			_, did, err := b.Ensure(t.Context())
			if err != nil {
				t.Error(err)
			}
			if did {
				mu.Lock()
				built++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if built != 1 {
		t.Errorf("built %d times", built)
	}
}

func TestLockCanBeGivenUp(t *testing.T) {
	b, out := newBuild(t)
	unlock, err := b.Cache.lock(t.Context(), b.say)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := b.Ensure(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(out.String(), "another build holds") {
		t.Errorf("%v, says %q", err, out.String())
	}
	unlock()
	ensure(t, b)
}

func TestEvictionAndClean(t *testing.T) {
	b, _ := newBuild(t)
	killed := filepath.Join(b.Cache.dir, ".build-killed")
	stocktest.WriteFiles(t, killed, map[string]string{"go/src/x": "x"})
	var keys []string
	for n := range Kept + 2 {
		b.Series = series.Series{newFile(t, 1, "src/a.go", fmt.Sprintf("package a%d", n))}
		goroot, _ := ensure(t, b)
		keys = append(keys, filepath.Base(goroot))
		used := time.Now().Add(time.Duration(n-100) * time.Hour) // in this order, whatever the clock's grain
		if err := os.Chtimes(goroot, used, used); err != nil {
			t.Fatal(err)
		}
		if n == Kept-1 { // the first is used again
			b.Cache.Find(keys[0])
		}
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("what a killed build left is still there")
	}
	for n, want := range []bool{true, false, false, true, true, true} {
		if _, ok := b.Cache.Find(keys[n]); ok != want {
			t.Errorf("toolchain %d: there %v, want %v", n, ok, want)
		}
	}
	stocktest.WriteFiles(t, b.Cache.dir, map[string]string{"0.log": "x", "mine.txt": "x"})
	if err := b.Cache.Clean(t.Context(), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if got := left(t, b.Cache); !slices.Equal(got, []string{".lock", "mine.txt"}) {
		t.Errorf("after clean the cache holds %q", got)
	}
}

func TestKey(t *testing.T) {
	a, b := newFile(t, 1, "a", "a"), newFile(t, 2, "b", "b")
	keys := []string{
		Key("1.27.4", nil), Key("1.27.3", nil), Key("1.27.4", series.Series{a}), Key("1.27.4", series.Series{a, b}), Key("1.27.4", series.Series{b, a}),
	}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 5 || !keyForm.MatchString(keys[0]) {
		t.Errorf("keys %q", keys)
	}
}

func TestOpenCache(t *testing.T) {
	t.Setenv(checkout.CacheVariable, "/somewhere")
	if c, err := OpenCache(); c.Dir() != "/somewhere/goroot" || err != nil {
		t.Errorf("%q, %v", c.Dir(), err)
	}
	t.Setenv(checkout.CacheVariable, "relative")
	if _, err := OpenCache(); err == nil {
		t.Error("a relative path was taken")
	}
}
