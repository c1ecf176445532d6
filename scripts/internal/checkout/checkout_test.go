package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRoot(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	if _, err := Root(); err == nil || !strings.Contains(err.Error(), "run this in the checkout") {
		t.Errorf("without go.mod: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Root(); err != nil || got != root {
		t.Errorf("%q, %v; want %q", got, err, root)
	}
}

func TestCache(t *testing.T) {
	t.Setenv(CacheVariable, "/somewhere")
	if got, err := Cache("kind"); err != nil || got != "/somewhere/kind" {
		t.Errorf("%q, %v", got, err)
	}
	t.Setenv(CacheVariable, "relative")
	if _, err := Cache("kind"); err == nil || !strings.Contains(err.Error(), "absolute path") {
		t.Errorf("relative: %v", err)
	}
	t.Setenv(CacheVariable, "")
	t.Setenv("XDG_CACHE_HOME", "/user")
	if got, err := Cache("kind"); err != nil || got != "/user/weir/kind" {
		t.Errorf("%q, %v", got, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := Cache("kind"); err == nil || !strings.Contains(err.Error(), CacheVariable) {
		t.Errorf("no home: %v", err)
	}
}

func TestInstall(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	left := func(want ...string) {
		t.Helper()
		entries, err := os.ReadDir(cache)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, want) {
			t.Errorf("the cache holds %q, want %q", names, want)
		}
	}
	fill := func(work string) (string, error) {
		made := filepath.Join(work, "made")
		return made, os.Mkdir(made, 0o755)
	}
	broken := errors.New("broken")
	if _, err := Install(cache, "key", func(work string) (string, error) {
		made, _ := fill(work)
		return made, broken
	}); !errors.Is(err, broken) {
		t.Errorf("a failure: %v", err)
	}
	left()
	want := filepath.Join(cache, "key")
	dir, err := Install(cache, "key", func(work string) (string, error) {
		left(filepath.Base(work)) // nobody finds half of it
		return fill(work)
	})
	if err != nil || dir != want {
		t.Errorf("%q, %v", dir, err)
	}
	left("key")
	if err := os.WriteFile(filepath.Join(want, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if dir, err := Install(cache, "key", fill); err != nil || dir != want {
		t.Errorf("slower than another: %q, %v", dir, err)
	}
	if _, err := os.Stat(filepath.Join(want, "mine")); err != nil {
		t.Errorf("the faster one's is gone: %v", err)
	}
	left("key")
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Link(taken, "/target"); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("over a folder: %v", err)
	}
	link := filepath.Join(dir, "build", "link")
	for n, target := range []string{"/one", "/two", "/two"} {
		if moved, err := Link(link, target); err != nil || moved != (n < 2) {
			t.Fatalf("%s: moved %v, %v", target, moved, err)
		}
		if got, err := os.Readlink(link); err != nil || got != target {
			t.Errorf("%q, %v; want %q", got, err, target)
		}
	}
	if left, err := filepath.Glob(link + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
