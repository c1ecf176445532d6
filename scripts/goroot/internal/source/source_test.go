package source_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]source.Version{
		"1.27.4": "1.27.4", "go1.27.4": "1.27.4", " go1.28rc1\n": "1.28rc1", "1.27.0": "1.27.0", "1.26.11\n": "1.26.11",
		"": "", "1.27": "", "go": "", "2.0.1": "", "1.27.4-weir.1": "", "1.27.4 1.27.5": "", "../1.27.4": "", "1.027.4": "",
	} {
		got, err := source.ParseVersion(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestReadPin(t *testing.T) {
	dir := t.TempDir()
	if _, err := source.ReadPin(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--patches") {
		t.Errorf("without a pin: %v", err)
	}
	stocktest.WriteFiles(t, dir, map[string]string{source.VersionFile: "latest\n"})
	if _, err := source.ReadPin(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, source.VersionFile)) {
		t.Errorf("a bad pin: %v", err)
	}
	stocktest.WriteFiles(t, dir, map[string]string{source.VersionFile: "1.27.4\n"})
	if v, err := source.ReadPin(dir); v != "1.27.4" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

// tree reads a folder as name -> mode and content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = info.Mode().Perm().String() + " " + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCopy(t *testing.T) {
	module, to := stocktest.Module(t, "1.99.1"), t.TempDir()
	// The go command writes go.mod beside _go.mod when it runs a toolchain.
	stocktest.WriteFiles(t, module, map[string]string{"src/cmd/go.mod": "module cmd\n"})
	if err := source.Copy(t.Context(), module, to); err != nil {
		t.Fatal(err)
	}
	got := tree(t, to)
	want := stocktest.Files("1.99.1")
	for _, gone := range []string{"bin/go", "bin/gofmt", "pkg/tool/" + runtime.GOOS + "_" + runtime.GOARCH + "/compile", "src/internal/runtime/sys/zversion.go"} {
		delete(want, gone)
	}
	for _, folder := range []string{"src", "src/cmd"} {
		want[folder+"/go.mod"] = want[folder+"/_go.mod"]
		delete(want, folder+"/_go.mod")
	}
	for name, content := range want {
		mode := "-rw-r--r-- "
		if strings.HasPrefix(content, "#!") {
			mode = "-rwxr-xr-x "
		}
		if got[name] != mode+content {
			t.Errorf("%s is %q, want %q", name, got[name], mode+content)
		}
	}
	if len(got) != len(want) {
		t.Errorf("files %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestCopyStops(t *testing.T) {
	module := stocktest.Module(t, "1.99.1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := source.Copy(ctx, module, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.Symlink("VERSION", filepath.Join(module, "link")); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	if err := source.Copy(t.Context(), module, t.TempDir()); err == nil || !strings.Contains(err.Error(), "link is neither") {
		t.Errorf("a link in the module: %v", err)
	}
}

func TestCopyFiles(t *testing.T) {
	module, to := stocktest.Module(t, "1.99.1"), t.TempDir()
	found, err := source.CopyFiles(module, to, []string{"src/cmd/go.mod", "src/runtime/new.go", "VERSION", "src"})
	if err != nil || !slices.Equal(found, []string{"src/cmd/go.mod", "VERSION"}) {
		t.Errorf("%v, %v", found, err)
	}
	content, err := os.ReadFile(filepath.Join(to, "src/cmd/go.mod"))
	if err != nil || !bytes.HasPrefix(content, []byte("module cmd")) {
		t.Errorf("go.mod is %q, %v", content, err)
	}
}

func TestFetch(t *testing.T) {
	stocktest.Proxy(t, "1.99.1")
	t.Setenv("GOFLAGS", "-mod=vendor") // the caller's flags are not for us
	t.Setenv("GO111MODULE", "off")
	t.Chdir(t.TempDir())
	dir, err := source.Fetch(t.Context(), "1.99.1")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "VERSION"))
	if err != nil || !bytes.HasPrefix(content, []byte("go1.99.1\n")) {
		t.Errorf("VERSION is %q, %v", content, err)
	}
	goroot, err := source.Bootstrap(t.Context(), "1.99.1")
	if err != nil || goroot != dir {
		t.Errorf("bootstrap is %q, %v; want %q", goroot, err, dir)
	}
}

func TestFetchErrors(t *testing.T) {
	stocktest.Proxy(t, "1.99.1")
	for _, c := range []struct{ name, key, value, want string }{
		{"no such version", "", "", "check that this version was released"},
		{"no proxy", "GOPROXY", "off", "`go env GOPROXY`"},
		{"proxy away", "GOPROXY", "http://127.0.0.1:1", "`go env GOPROXY`"},
		{"no go", "PATH", "", "install Go 1.21"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.key != "" {
				t.Setenv(c.key, c.value)
			}
			for _, get := range []func(context.Context, source.Version) (string, error){source.Fetch, source.Bootstrap} {
				if dir, err := get(t.Context(), "1.99.9"); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q, %v; want %q", dir, err, c.want)
				}
			}
		})
	}
}
