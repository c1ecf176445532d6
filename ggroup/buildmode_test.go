package ggroup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// needCgo skips a test that needs a C compiler, and the go command.
func needCgo(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not in short mode: compiles much of the standard library")
	}
	for _, name := range []string{"go", "cc"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("not supported here: a C compiler (cc) and the go command are needed: %v", err)
		}
	}
}

// command runs one with cgo and returns what it prints.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// TestSharedLibrary: Go that a C program has loaded opens groups of all kinds,
// also when threads call it that Go did not make.
func TestSharedLibrary(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	library, host := filepath.Join(dir, "groups.so"), filepath.Join(dir, "host")
	command(t, "go", "build", "-buildmode=c-shared", "-o", library, "./testdata/buildmode/shared")
	command(t, "cc", "-o", host, "testdata/buildmode/host.c", "-ldl", "-lpthread")
	if out := command(t, host, library); out != "done\n" {
		t.Errorf("the program says %q", out)
	}
}

// TestPlugin: a program and its plugin share one table of groups. With
// -trimpath, for the two are one program only if their packages are the same
// to the byte of their export data, file names included. Without it those are
// $GOROOT/src/... or, if a go command that stood in GOROOT/src by way of a link
// has filled the cache, that link's path; and the cache does not tell the two.
func TestPlugin(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	plugin, host := filepath.Join(dir, "groups.so"), filepath.Join(dir, "host")
	command(t, "go", "build", "-trimpath", "-buildmode=plugin", "-o", plugin, "./testdata/buildmode/plugin")
	command(t, "go", "build", "-trimpath", "-o", host, "./testdata/buildmode/host")
	if out := command(t, host, plugin); out != "done\n" {
		t.Errorf("the program says %q", out)
	}
}
