package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// toolchain is one Go to build and test with.
type toolchain struct {
	name    string
	command string // the go command
	version string // GOTOOLCHAIN, so that no go.mod line swaps it for another
	goroot  string
}

// test is the compiled tests of one package.
type test struct {
	name   string // import path without the module's
	dir    string
	binary string
}

// environ is the environment in which the go command itself runs tests.
func (t *toolchain) environ() []string {
	// Whoever ran this program by "go run" has left us that toolchain's GOROOT.
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "GOROOT=") })
	env = append(env, "GOTOOLCHAIN="+t.version)
	if t.goroot != "" {
		env = append(env, "GOROOT="+t.goroot,
			"PATH="+filepath.Join(t.goroot, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	return env
}

// golang runs the go command in the module's root and returns what it prints.
func (t *toolchain) golang(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.command, args...)
	cmd.Dir, cmd.Env = root, t.environ()
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: go %s: %w\n%s", t.name, strings.Join(args, " "), err, strings.TrimSpace(failure.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// compile builds the tests of the packages that have some into folder.
func (t *toolchain) compile(ctx context.Context, o options, folder string, w io.Writer) ([]*test, error) {
	begin := time.Now()
	goroot, err := t.golang(ctx, o.root, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	t.goroot = goroot
	list, err := t.golang(ctx, o.root, append([]string{"list", "-f",
		`{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{"\t"}}{{.Dir}}{{"\t"}}{{.Module.Path}}{{end}}`}, o.patterns...)...)
	if err != nil {
		return nil, err
	}
	var tests []*test
	for line := range strings.Lines(list) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 3 {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(fields[0], fields[2]), "/")
		binary := filepath.Join(folder, t.name+"-"+flat(name)+".test")
		tests = append(tests, &test{name: name, dir: fields[1], binary: binary})
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("%s: no tests in %s", t.name, strings.Join(o.patterns, " "))
	}
	errs := make([]error, len(tests))
	inParallel(o.parallel, len(tests), func(i int) {
		// Without DWARF, as the go command builds tests that it only runs.
		_, errs[i] = t.golang(ctx, o.root, "test", "-c", "-ldflags=-w", "-o", tests[i].binary, tests[i].dir)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(w, "%s: built the tests of %d packages in %.0f s\n", t.name, len(tests), time.Since(begin).Seconds())
	return tests, nil
}

// flat makes a package's name one of a file.
func flat(name string) string {
	if name == "" {
		return "root"
	}
	return strings.ReplaceAll(name, "/", "_")
}

// inParallel calls f with 0 to n-1, at most width at a time, in order.
func inParallel(width, n int, f func(int)) {
	slots := make(chan struct{}, width)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	all.Wait()
}
