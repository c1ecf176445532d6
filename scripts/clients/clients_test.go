package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

// installed returns the folder with the clients, which `make test-clients` says:
// downloads are not every run of the tests' affair.
func installed(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WEIR_CLIENTS")
	if dir == "" {
		t.Skip("WEIR_CLIENTS names no folder with clients: run `make test-clients`")
	}
	return dir
}

const oldestNode = 20

func checkNode(t *testing.T) {
	t.Helper()
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Fatalf("node --version: %v: install Node.js %d or newer", err, oldestNode)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		t.Fatalf("this is Node.js %s: install %d or newer", strings.TrimSpace(string(out)), oldestNode)
	}
}

// patience is for a machine that does something else as well.
const patience = 5 * time.Minute

// TestClients has each client drive both servers, over each transport.
func TestClients(t *testing.T) {
	dir := installed(t)
	checkNode(t)
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("drive")); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	if !filepath.IsAbs(modules) {
		modules = filepath.Join(root, modules)
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.test.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files to run, %v", len(files), err)
	}
	for _, backend := range []iouring.Backend{iouring.BackendURing, iouring.BackendNet} {
		t.Run(backend.String(), func(t *testing.T) {
			if features, err := iouring.Probe(); backend == iouring.BackendURing && (err != nil || features.Missing() != nil) {
				t.Skipf("not supported here: %v", errors.Join(err, features.Missing()))
			}
			env := append(os.Environ(), serveRandom(t, filepath.Join(root, "build", "bin", "weir"), backend), serveScripted(t, backend))
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".test.mjs"), func(t *testing.T) { drive(t, file, env) })
			}
		})
	}
}

// drive has node run a file of tests.
func drive(t *testing.T, file string, env []string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", filepath.Base(file))
	command.Dir, command.Env = filepath.Dir(file), env
	command.WaitDelay = time.Second
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if testing.Verbose() {
		t.Logf("%s", out)
	}
}

var exact = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// Each package is pinned, to a version and a hash, and no registry to anybody.
func TestLockFile(t *testing.T) {
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	var locked struct {
		Packages map[string]struct {
			Version      string            `json:"version"`
			Integrity    string            `json:"integrity"`
			Resolved     string            `json:"resolved"`
			Dependencies map[string]string `json:"dependencies"`
		} `json:"packages"`
	}
	for name, into := range map[string]any{"package.json": &wanted, "package-lock.json": &locked} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, version := range wanted.Dependencies {
		if !exact.MatchString(version) {
			t.Errorf("%s: %q is not one version", name, version)
		}
	}
	for path, p := range locked.Packages {
		switch {
		case path == "" && !maps.Equal(p.Dependencies, wanted.Dependencies):
			t.Errorf("locked is %v, wanted %v: run `npm install --package-lock-only` in scripts/clients", p.Dependencies, wanted.Dependencies)
		case path != "" && (p.Version == "" || !strings.HasPrefix(p.Integrity, "sha512-") || p.Resolved != ""):
			t.Errorf("%s: %+v", path, p)
		}
	}
}

// Each client that is locked is driven.
func TestEachClientIsDriven(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("drive", "*.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	driven := map[string]bool{}
	imported := regexp.MustCompile(`(?m)^import .* from '((?:@[\w-]+/)?[\w-]+)`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range imported.FindAllStringSubmatch(string(source), -1) {
			driven[m[1]] = true
		}
	}
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	content, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &wanted); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Dependencies)) {
		if !driven[name] {
			t.Errorf("no file in drive imports %s", name)
		}
	}
}
