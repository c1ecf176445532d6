package toolchain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

const (
	// tailLines is how much of a failed log is shown.
	tailLines = 25
	// killWait is how long make.bash's children have to end after a signal.
	killWait = 5 * time.Second
)

// make runs make.bash in tree and keeps what it says in log.
func (b *Build) make(ctx context.Context, tree, bootstrap, log string) error {
	out, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("toolchain: make: %w", err)
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, "bash", "make.bash")
	cmd.Dir = filepath.Join(tree, "src")
	cmd.Env = makeEnvironment(ctx, cmd.Dir, bootstrap)
	// make.bash and all that it starts are one process group, which ends together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killWait
	lines, writer := io.Pipe()
	cmd.Stdout = io.MultiWriter(out, writer)
	cmd.Stderr = cmd.Stdout
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.report(lines)
	}()
	err = cmd.Run()
	writer.Close()
	<-done
	switch {
	case ctx.Err() != nil:
		os.Remove(log) // it tells of no failure
		return fmt.Errorf("toolchain: make: %w", ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("toolchain: make: bash is not on the PATH: install bash")
	case err != nil:
		return failure(log, err)
	}
	return nil
}

// report turns make.bash's output into progress: its headings, or all of it.
func (b *Build) report(lines io.Reader) {
	start := time.Now()
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		if line := scanner.Text(); b.Verbose || strings.HasPrefix(line, "Building ") {
			b.say(fmt.Sprintf("%4.0f s  %s", time.Since(start).Seconds(), line))
		}
	}
	io.Copy(io.Discard, lines) // a line longer than the scanner takes must not block make.bash
}

// failure tells the end of the log, and what to do.
func failure(log string, err error) error {
	content, readErr := os.ReadFile(log)
	if readErr != nil {
		return fmt.Errorf("toolchain: make.bash: %w; its log: %w", err, readErr)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	tail := strings.Join(lines[max(0, len(lines)-tailLines):], "\n  ")
	remedy := "mend the patch with `goroot edit` and `goroot save`"
	if strings.Contains(tail, "no space left on device") {
		remedy = "free disk space, or set " + checkout.CacheVariable
	}
	return fmt.Errorf("toolchain: make.bash: %w\n  %s\nthe whole log is %s: %s", err, tail, log, remedy)
}

// makeEnvironment is the process's without what steers a Go build.
//
// CGO_ENABLED is not set, as for Go's releases, since make.bash bakes it into
// the go command as the default: the tools themselves are built without cgo,
// and without a C compiler cgo is off by itself. A compiler that is there and
// broken would fail the build; then, and only then, cgo is off by default.
func makeEnvironment(ctx context.Context, dir, bootstrap string) []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !steersGo(name) {
			env = append(env, entry)
		}
	}
	env = append(env, "GOROOT_BOOTSTRAP="+bootstrap, "GOTOOLCHAIN=local", "GOENV=off", "PWD="+dir, "LC_ALL=C")
	if compilerBroken(ctx) {
		env = append(env, "CGO_ENABLED=0")
	}
	return env
}

// steersGo tells which variables change what make.bash makes.
func steersGo(name string) bool {
	switch name {
	case "CC", "CXX", "FC", "AR", "PKG_CONFIG", "CC_FOR_TARGET", "CXX_FOR_TARGET", "BOOT_GO_GCFLAGS", "BOOT_GO_LDFLAGS":
		return true
	}
	return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_")
}

// compilerBroken reports a C compiler that cannot compile what runtime/cgo includes.
func compilerBroken(ctx context.Context) bool {
	for _, name := range []string{"gcc", "clang"} { // as cmd/dist and go/build look for them
		if _, err := exec.LookPath(name); err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, name, "-x", "c", "-fsyntax-only", "-")
		cmd.Stdin = strings.NewReader("#include <stdlib.h>\n#include <pthread.h>\n#include <grp.h>\n")
		return cmd.Run() != nil
	}
	return false
}
