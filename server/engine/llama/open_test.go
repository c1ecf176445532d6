package llama_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

func TestOpen(t *testing.T) {
	lib := llamatest.Open(t)
	if !strings.HasPrefix(lib.Version(), "0.5.0") {
		t.Errorf("version %q", lib.Version())
	}
	if !strings.Contains(lib.SystemInfo(), "CPU") {
		t.Errorf("system info %q", lib.SystemInfo())
	}
	again, err := llama.Open(lib.Dir(), nil)
	if err != nil || again != lib {
		t.Errorf("opened again: %p, %v; want the same library %p", again, err, lib)
	}
	if _, err := llama.Open(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), lib.Dir()) {
		t.Errorf("another directory: %v; want an error that names %s", err, lib.Dir())
	}
}

func TestOpenFails(t *testing.T) {
	stub := t.TempDir()
	for _, name := range []string{"libggml-base.so", "libggml.so", "libllama.so"} {
		writeFile(t, filepath.Join(stub, name), "this is no shared object")
	}
	partial := t.TempDir()
	writeFile(t, filepath.Join(partial, "libggml-base.so"), "")
	tests := []struct {
		name, dir string
		notExist  bool
		want      string
	}{
		{"no directory", filepath.Join(stub, "absent"), true, "absent"},
		{"empty directory", t.TempDir(), true, "libggml-base"},
		{"part missing", partial, true, "no libggml*.so"},
		{"not a library", stub, false, "libggml-base.so"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := llama.OpenAnew(test.dir)
			if err == nil {
				t.Fatal("no error")
			}
			for _, words := range []string{test.want, "make engine", "LLAMA_LIB"} {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %q does not say %q", err, words)
				}
			}
			if errors.Is(err, fs.ErrNotExist) != test.notExist {
				t.Errorf("error %q: is fs.ErrNotExist should be %t", err, test.notExist)
			}
		})
	}
}

// TestABI opens libraries that are the real one but for what a few lines of C
// put in front of it.
func TestABI(t *testing.T) {
	installed := llamatest.Library(t)
	tests := []struct {
		name, source string
		alone        bool // nothing of the real library behind it
		want         []string
	}{
		{"another release", `const char *llama_version(void) { return "0.6.1"; }`, false,
			[]string{"version 0.6.1", "written for version 0.5.0"}},
		{"larger struct", `
			struct params { char bytes[168]; };
			struct params llama_context_default_params(void) { struct params p = {{1}}; return p; }`, false,
			[]string{"llama_context_params", "writes 168 bytes, Weir expects 160"}},
		{"smaller struct", `
			struct params { char bytes[72]; };
			struct params llama_model_default_params(void) { struct params p = {{0}}; return p; }`, false,
			[]string{"llama_model_params", "GPULayers at offset 16"}},
		{"field added in front", `
			struct params { int n, added, ftype, types[2]; char flags[6]; void *rest[4]; int last[2]; };
			struct params llama_model_quantize_default_params(void) {
				struct params p = {0, 0, 7, {43, 43}, {0, 1}}; return p; }`, false,
			[]string{"llama_model_quantize_params"}},
		{"another batch", `
			struct batch { int n; void *token, *pos, *counts, *ids, *logits, *embd, *more; };
			struct batch llama_batch_init(int n, int embd, int seq) {
				struct batch b = {0, &b, &b, &b, &b, &b, 0, &b}; return b; }`, false,
			[]string{"llama_batch"}},
		{"not llama.cpp at all", `int weir_test_nothing;`, true,
			[]string{"no function llama_version", "and "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := compileLibrary(t, installed, test.source, test.alone)
			_, err := llama.OpenAnew(dir)
			var abi *llama.ABIError
			if !errors.As(err, &abi) {
				t.Fatalf("error %v, want an ABIError", err)
			}
			for _, words := range append(test.want, "libllama.so", "make engine", "LLAMA_LIB") {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %q does not say %q", err, words)
				}
			}
			if len(abi.Problems) == 0 || len(err.Error()) > 4096 {
				t.Errorf("%d problems in %d bytes", len(abi.Problems), len(err.Error()))
			}
		})
	}
	// The real library still opens, and has not been mistaken for these.
	llamatest.Load(t)
}

// compileLibrary makes a directory with a libllama of C source in front of the
// real library's functions, or alone.
func compileLibrary(t *testing.T, installed, source string, alone bool) (dir string) {
	t.Helper()
	dir = t.TempDir()
	part := func(name string) string {
		files, err := filepath.Glob(filepath.Join(installed, name+".*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s in %s: %v", name, installed, err)
		}
		return files[0]
	}
	var behind []string
	if !alone {
		behind = []string{"-Wl,--no-as-needed", part("libllama"), "-Wl,-rpath," + installed}
	}
	compile(t, dir, "libllama.so", source, behind...)
	for _, name := range []string{"libggml-base", "libggml"} {
		if alone {
			compile(t, dir, name+".so", source)
		} else if err := os.Symlink(part(name), filepath.Join(dir, name+".so")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compile makes a shared object of C source in dir.
func compile(t *testing.T, dir, name, source string, args ...string) (path string) {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("not supported: no C compiler to build another library with")
	}
	path = filepath.Join(dir, name)
	code := path + ".c"
	writeFile(t, code, source)
	out, err := exec.Command(cc, append([]string{"-shared", "-fPIC", "-o", path, code}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return path
}

func TestFindLibrary(t *testing.T) {
	installed := llamatest.Library(t)
	t.Setenv("LLAMA_LIB", installed)
	if dir, err := llama.FindLibrary(); err != nil || dir != installed {
		t.Errorf("LLAMA_LIB: %q, %v; want %q", dir, err, installed)
	}
	empty := t.TempDir()
	t.Setenv("LLAMA_LIB", empty)
	_, err := llama.FindLibrary()
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(fmt.Sprint(err), empty) {
		t.Errorf("LLAMA_LIB without a library: %v", err)
	}

	// Without it, the source tree around the working directory is searched.
	t.Setenv("LLAMA_LIB", "")
	tree := t.TempDir()
	writeFile(t, filepath.Join(tree, "go.mod"), "module github.com/weirgo/weir\n")
	below := filepath.Join(tree, "server", "api")
	if err := os.MkdirAll(below, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	if _, err := llama.FindLibrary(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make engine") {
		t.Errorf("tree without a library: %v", err)
	}
	if err := os.Mkdir(filepath.Join(tree, "build"), 0o777); err != nil {
		t.Fatal(err)
	}
	engine := filepath.Join(tree, "build", "engine")
	if err := os.Symlink(installed, engine); err != nil {
		t.Fatal(err)
	}
	if dir, err := llama.FindLibrary(); err != nil || dir != engine {
		t.Errorf("tree: %q, %v; want %q", dir, err, engine)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
