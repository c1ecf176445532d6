package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
	built "github.com/weirgo/weir/server/internal/binary"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(built.Run(m, func(dir, path string) error {
		binary = path
		// What was verified in a test is nobody else's business.
		return os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	}))
}

// patience is for a machine that does something else as well.
const patience = time.Minute

// weir runs the binary to its end. env adds to the environment, from which
// LLAMA_LIB has been taken.
func weir(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary, args...)
	command.Dir = t.TempDir() // no library beside it
	command.Env = environment(env)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || ctx.Err() != nil) {
		t.Fatalf("weir %v: %v, %v\n%s", args, err, exit, errs.String())
	}
	return command.ProcessState.ExitCode(), out.String(), errs.String()
}

func environment(env []string) []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LLAMA_LIB=") {
			all = append(all, v)
		}
	}
	return append(all, env...)
}

// withLibrary is the environment with the engine library.
func withLibrary(t *testing.T) []string {
	t.Helper()
	return []string{"LLAMA_LIB=" + llamatest.Library(t)}
}

// process is a running weir serve.
type process struct {
	t       *testing.T
	command *exec.Cmd
	url     string
	log     *bytes.Buffer // complete once exited
	logged  chan struct{}
}

// start runs weir serve on a free port and waits until it serves.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p, _ := startWatched(t, func(string) bool { return true }, args...)
	return p
}

// startWatched is start; the log is read as long as watch says so of a line,
// and closed by the caller.
func startWatched(t *testing.T, watch func(line string) bool, args ...string) (*process, io.Closer) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, append([]string{"serve", "-m", llamatest.Model(t), "--port", "0"}, args...)...)
	command.Env = environment(withLibrary(t))
	return watchStart(t, command, watch)
}

// watchStart is startWatched of a command that runs weir serve.
func watchStart(t *testing.T, command *exec.Cmd, watch func(line string) bool) (*process, io.Closer) {
	t.Helper()
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: command, log: new(bytes.Buffer), logged: make(chan struct{})}
	t.Cleanup(func() {
		command.Process.Kill()
		<-p.logged
		command.Wait()
	})
	ready := make(chan string, 1)
	go func() {
		defer close(p.logged)
		lines := bufio.NewReader(io.TeeReader(stderr, p.log))
		for {
			line, err := lines.ReadString('\n')
			if _, rest, ok := strings.Cut(line, "msg=serving url="); ok {
				url, _, _ := strings.Cut(rest, " ")
				ready <- url
			}
			if err != nil || !watch(line) {
				return
			}
		}
	}()
	select {
	case p.url = <-ready:
		return p, stderr
	case <-p.logged:
	case <-time.After(patience):
		t.Fatal("weir serve takes too long")
	}
	select {
	case p.url = <-ready: // both at once: the last line that was watched
	default:
		t.Fatalf("weir serve does not: %s", p.log)
	}
	return p, stderr
}

// wait returns the exit code and the log. A process that does not end says where its
// goroutines are.
func (p *process) wait() (code int, log string) {
	p.t.Helper()
	select {
	case <-p.logged:
	case <-time.After(patience):
		_ = p.command.Process.Signal(syscall.SIGQUIT)
		<-p.logged
		p.t.Fatalf("weir serve does not end: %s", p.log)
	}
	p.command.Wait()
	return p.command.ProcessState.ExitCode(), p.log.String()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
