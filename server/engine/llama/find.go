package llama

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// module is the path in the go.mod of the tree that build/engine lies in.
const module = "github.com/weirgo/weir"

// remedy is what an operator does when there is no usable library.
const remedy = "run `make engine` in Weir's source tree, " +
	"or set LLAMA_LIB to a directory with libllama of llama.cpp release " + release

// FindLibrary returns the directory of the engine library: LLAMA_LIB if it is
// set; else the directory engine beside the executable's own, as build/engine
// is to build/bin/weir; else build/engine of the source tree around the
// working directory. The error says what to do; it wraps [fs.ErrNotExist], or
// what keeps a directory that is there from being read.
func FindLibrary() (dir string, err error) {
	if dir := os.Getenv("LLAMA_LIB"); dir != "" {
		if _, err := sys.Find(dir); err != nil {
			return "", fmt.Errorf("llama: find library in LLAMA_LIB: %w", unusable(err))
		}
		return filepath.Abs(dir)
	}
	var tried []string
	var unreadable error
	for _, candidate := range []func() (string, bool){besideExecutable, inSourceTree} {
		dir, ok := candidate()
		if !ok {
			continue
		}
		_, err := sys.Find(dir)
		if err == nil {
			return dir, nil
		}
		if _, read := errors.AsType[*fs.PathError](err); read && !errors.Is(err, fs.ErrNotExist) {
			unreadable = err
		}
		tried = append(tried, dir)
	}
	if unreadable != nil {
		return "", fmt.Errorf("llama: find library: %w", unusable(unreadable))
	}
	return "", fmt.Errorf("llama: find library: %w in %s; %s", fs.ErrNotExist, strings.Join(tried, " or "), remedy)
}

func besideExecutable() (string, bool) {
	path, err := os.Executable()
	if err != nil {
		return "", false
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return filepath.Join(filepath.Dir(filepath.Dir(path)), "engine"), true
}

func inSourceTree() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if moduleOf(dir) == module {
			return filepath.Join(dir, "build", "engine"), true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// moduleOf returns the module path of the go.mod in dir, "" if there is none.
func moduleOf(dir string) string {
	f, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if path, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(path)
		}
	}
	return ""
}

// neededFiles is more than the library opens at once to find its backends.
const neededFiles = 4

// needFiles is an error if the process may not open as many files in dir.
func needFiles(dir string) error {
	for range neededFiles {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	return nil
}

// unusable says what to do about what keeps a directory from being a library. A
// part that is missing is fs.ErrNotExist.
func unusable(err error) error {
	_, read := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let this user read it, or %s", err, remedy)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("%w; raise the limit of open files (ulimit -n)", err)
	case read:
		return fmt.Errorf("%w; %s", err, remedy)
	}
	return fmt.Errorf("%w: %w; %s", fs.ErrNotExist, err, remedy)
}
