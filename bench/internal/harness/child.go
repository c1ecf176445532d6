package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

const (
	outputLimitBytes = 1 << 20 // a child's stdout: one JSON object
	errorTailBytes   = 8 << 10 // a child's stderr kept for the error's text
)

// Sample is what a child prints: the values of its flags, and what it measured.
type Sample struct {
	Params       map[string]string       `json:"params"`
	Measurements experiment.Measurements `json:"measurements"`
}

// runChild runs a command to its end and returns the sample it printed.
func runChild(ctx context.Context, dir string, timeout time.Duration, command []string) (Sample, error) {
	output, err := runCommand(ctx, dir, timeout, command)
	if err != nil {
		return Sample{}, err
	}
	sample, err := parseSample(output)
	if err != nil {
		return Sample{}, fmt.Errorf("harness: run %s: %w", strings.Join(command, " "), err)
	}
	return sample, nil
}

// runCommand runs a command to its end, within timeout, and returns what it
// printed. The command's process group does not outlive the call.
func runCommand(ctx context.Context, dir string, timeout time.Duration, command []string) ([]byte, error) {
	fail := func(stderr *tail, err error) ([]byte, error) {
		return nil, &commandError{command, strings.TrimSpace(stderr.String()), err}
	}
	// The death signal is tied to the thread that starts the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no result after %v", timeout))
	defer cancel()
	stdout, stderr := &limited{limit: outputLimitBytes}, &tail{limit: errorTailBytes}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, childEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Minute // for pipes held open by a grandchild
	err := cmd.Start()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fail(stderr, err)
	}
	err = cmd.Wait()
	// What the child left behind would disturb the next one.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	switch {
	case ctx.Err() != nil:
		return fail(stderr, context.Cause(ctx))
	case errors.Is(err, exec.ErrWaitDelay):
		return fail(stderr, errors.New("it left processes behind that hold its output"))
	case err != nil:
		return fail(stderr, err)
	case stdout.full:
		return fail(stderr, fmt.Errorf("it printed more than %d bytes", outputLimitBytes))
	}
	return stdout.kept, nil
}

// commandError is what became of a command that failed.
type commandError struct {
	command []string
	stderr  string // its end, without the last line's end
	err     error
}

func (e *commandError) Error() string {
	text := fmt.Sprintf("harness: run %s: %v", strings.Join(e.command, " "), e.err)
	if e.stderr != "" {
		text += "\n" + e.stderr
	}
	return text
}

func (e *commandError) Unwrap() error { return e.err }

// parseSample reads exactly one JSON object with at least one measurement.
func parseSample(output []byte) (Sample, error) {
	var s Sample
	decoder := json.NewDecoder(bytes.NewReader(output))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Sample{}, fmt.Errorf("its output is not a sample: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Sample{}, errors.New("it printed more than one sample")
	}
	if len(s.Measurements) == 0 {
		return Sample{}, errors.New("it measured nothing")
	}
	for name, value := range s.Measurements {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return Sample{}, fmt.Errorf("measurement %s is not a number", name)
		}
	}
	return s, nil
}

// runtimeVariables change how a Go program runs. An experiment sets what it
// wants to vary; nothing comes in from the caller's shell.
var runtimeVariables = []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK"}

func childEnvironment(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(runtimeVariables, name)
	})
}

// limited keeps the first bytes written to it, and knows if there were more.
type limited struct {
	kept  []byte
	limit int
	full  bool
}

func (l *limited) Write(p []byte) (int, error) {
	room := min(len(p), l.limit-len(l.kept))
	l.kept = append(l.kept, p[:room]...)
	l.full = l.full || room < len(p)
	return len(p), nil
}

// tail keeps the last bytes written to it.
type tail struct {
	kept  []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if excess := len(t.kept) - t.limit; excess > 0 {
		t.kept = slices.Delete(t.kept, 0, excess)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }
