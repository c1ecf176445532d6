package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// graceAfterTimeout is how long a process may take to end by its own
	// timeout before it is asked for its stacks.
	graceAfterTimeout = time.Minute
	// graceAfterQuit is how long it may take to print them.
	graceAfterQuit = 10 * time.Second
)

// rounds are all the rounds of one toolchain under one load.
type rounds struct {
	options
	toolchain *toolchain
	hogs      int
	tests     []*test
	out       io.Writer

	done     int
	mu       sync.Mutex // of what follows, and of out
	failures int
	spent    map[*test]*spent
}

// spent is how long a package's tests took.
type spent struct{ last, longest, sum time.Duration }

func (r *rounds) load() string {
	if r.hogs > 0 {
		return "hogs"
	}
	return "idle"
}

// run runs every round.
func (r *rounds) run(ctx context.Context) (err error) {
	r.spent = map[*test]*spent{}
	for _, t := range r.tests {
		r.spent[t] = &spent{}
	}
	stop, err := startHogs(r.hogs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for round := range r.rounds {
		begin, before := time.Now(), r.failures
		// The longest first, so that no core waits for the last package.
		order := slices.Clone(r.tests)
		slices.SortStableFunc(order, func(a, b *test) int { return cmp.Compare(r.spent[b].last, r.spent[a].last) })
		inParallel(r.parallel, len(order), func(i int) {
			if ctx.Err() == nil {
				r.one(ctx, order[i], round+1, r.seed+uint64(round))
			}
		})
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped in round %d: %w", round+1, err)
		}
		r.done++
		fmt.Fprintf(r.out, "%s %s round %d of %d: %d packages, %d failed, %.0f s\n", r.toolchain.name, r.load(), round+1, r.rounds,
			len(r.tests), r.failures-before, time.Since(begin).Seconds())
	}
	return nil
}

// one runs a package's tests once and tells of a failure.
func (r *rounds) one(ctx context.Context, t *test, round int, seed uint64) {
	name := fmt.Sprintf("%s-%s-%d-%s.log", r.toolchain.name, r.load(), round, flat(t.name))
	path := filepath.Join(r.options.out, name)
	args := []string{"-test.v", "-test.paniconexit0", fmt.Sprintf("-test.timeout=%v", r.timeout), fmt.Sprintf("-test.shuffle=%d", seed)}
	if r.short {
		args = append(args, "-test.short")
	}
	begin := time.Now()
	err := r.execute(ctx, t, args, path)
	took := time.Since(begin)

	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.spent[t]
	s.last, s.longest, s.sum = took, max(s.longest, took), s.sum+took
	if err == nil {
		if err := os.Remove(path); err != nil {
			fmt.Fprintln(r.out, "repeat:", err)
		}
		return
	}
	if ctx.Err() != nil {
		return // stopped by us
	}
	r.failures++
	fmt.Fprintf(r.out, "FAIL %s %s round %d: %s: %s (%v), seed %d, output in %s\n", r.toolchain.name, r.load(), round,
		t.name, failed(path), err, seed, path)
	r.appendCommand(t, seed, path)
}

// execute runs the tests in a process group of their own, in the package's
// folder, with all they print in a file.
func (r *rounds) execute(ctx context.Context, t *test, args []string, path string) error {
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, r.timeout+graceAfterTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.binary, args...)
	cmd.Dir, cmd.Env = t.dir, append(r.toolchain.environ(), "PWD="+t.dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // prints the stacks
	cmd.WaitDelay = graceAfterQuit
	if err := cmd.Start(); err != nil {
		return err
	}
	err = cmd.Wait()
	// Whatever the tests started and left behind goes with them.
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return err
}

// appendCommand ends a log with the command that repeats it.
func (r *rounds) appendCommand(t *test, seed uint64, path string) {
	log, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(r.out, "repeat:", err)
		return
	}
	defer log.Close()
	short := ""
	if r.short {
		short = " -short"
	}
	fmt.Fprintf(log, "\nAgain, in this order: GOTOOLCHAIN=%s %s test -count=1 -v%s -shuffle=%d ./%s\n",
		r.toolchain.version, r.toolchain.command, short, seed, t.name)
}

// sumUp prints a line for each toolchain and load, and writes the times.
func sumUp(series []*rounds, path string, w io.Writer) error {
	var times strings.Builder
	failures := 0
	fmt.Fprintf(&times, "%9s %9s  seconds a run of a package's tests\n", "mean", "longest")
	for _, r := range series {
		fmt.Fprintf(w, "%-5s %s: %d rounds, %d packages, %d failures\n", r.toolchain.name, r.load(), r.done, len(r.tests), r.failures)
		failures += r.failures
		order := slices.Clone(r.tests)
		slices.SortStableFunc(order, func(a, b *test) int { return cmp.Compare(r.spent[b].sum, r.spent[a].sum) })
		for _, t := range order {
			s := r.spent[t]
			fmt.Fprintf(&times, "%9.2f %9.2f  %s %s %s\n", s.sum.Seconds()/float64(r.done), s.longest.Seconds(),
				r.toolchain.name, r.load(), t.name)
		}
	}
	if err := os.WriteFile(path, []byte(times.String()), 0o644); err != nil {
		return err
	}
	if failures > 0 {
		return errFailed
	}
	return nil
}
