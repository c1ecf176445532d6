package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/soak/source"
)

const (
	runLength      = 10 * time.Second
	graceAfterRun  = 3 * time.Minute // beyond its length, until a run counts as one that hangs
	graceAfterQuit = 20 * time.Second
)

// soak is a series of runs with one toolchain.
type soak struct {
	root    string
	out     string    // what is kept of runs that failed
	log     io.Writer // told what happens
	command string    // the go command
	environ []string  // added to its environment, and to the programs'
	build   []string  // flags
	debug   string    // added to GODEBUG

	work string // folder of what is built, gone afterwards
	play string // the program with the frames of package stage
	cgo  bool   // there is a C compiler
}

// setting is what a seed says about a run.
type setting struct {
	seed    uint64
	debug   string // GODEBUG
	percent int    // GOGC
	procs   int    // GOMAXPROCS
	players int    // most of a scene; 0: volleys only
	written bool   // the program's source is written for it
	cgo     bool
}

// settingOf draws the setting of a run.
func settingOf(seed uint64) setting {
	dice := rand.New(rand.NewPCG(seed, 1))
	s := setting{
		seed:    seed,
		players: 120,
		percent: []int{1, 2, 5, 10, 30, 100}[dice.IntN(6)],
		procs:   1 + dice.IntN(4),
		written: dice.IntN(4) == 0,
		cgo:     dice.IntN(2) == 0,
	}
	switch {
	case s.written:
		s.players = 20 // each does more
	case dice.IntN(4) == 0:
		s.players = 0 // volleys
	}
	var debug []string
	add := func(percent int, text string) {
		if dice.IntN(100) < percent {
			debug = append(debug, text)
		}
	}
	add(75, "ggroupreplay=1")
	add(60, "gccheckmark=1")
	add(40, "clobberfree=1")
	add(15, "asyncpreemptoff=1")
	add(10, "gcshrinkstackoff=1")
	add(10, "adaptivestackstart=1")
	add(5, "gcstoptheworld=1")
	s.debug = strings.Join(debug, ",")
	return s
}

// begin makes the folders and builds the program that is not written.
func (s *soak) begin(ctx context.Context) (err error) {
	if err = os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	if s.work, err = os.MkdirTemp("", "soak"); err != nil {
		return err
	}
	_, noCompiler := exec.LookPath("cc")
	s.cgo = noCompiler == nil
	s.play = filepath.Join(s.work, "play")
	return s.compile(ctx, false, s.play, "./scripts/soak/play")
}

// compile builds a program in the module, which files named one by one need
// not lie in.
func (s *soak) compile(ctx context.Context, cgo bool, program string, packages ...string) error {
	args := append(append([]string{"build", "-o", program}, s.build...), packages...)
	cmd := exec.CommandContext(ctx, s.command, args...)
	cmd.Dir = s.root
	cmd.Env = append(append(clean(os.Environ()), s.environ...), "CGO_ENABLED=0")
	if cgo || slices.Contains(s.build, "-race") {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// clean leaves out what `go run` and a test's caller have set for themselves.
func clean(environ []string) []string {
	return slices.DeleteFunc(environ, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"GOROOT", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT"}, name)
	})
}

// series makes one run after the other, some at a time, while time is left.
// The first that fails ends it.
func (s *soak) series(ctx context.Context, seed uint64, jobs int, left func() time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex // of what follows, and of the log
	var failure error
	runs := 0
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for left() > 0 && ctx.Err() == nil {
				mu.Lock()
				drawn := settingOf(seed + uint64(runs))
				runs++
				mu.Unlock()
				said, err := s.one(ctx, drawn, min(runLength, max(left(), time.Second)))
				mu.Lock()
				if ctx.Err() == nil {
					fmt.Fprint(s.log, said)
					if err != nil {
						failure = err
						cancel()
					}
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if failure == nil {
		failure = context.Cause(ctx)
	}
	if failure == nil {
		fmt.Fprintf(s.log, "soak: %d runs, none failed\n", runs)
	}
	return failure
}

// one makes a run and returns what it said.
func (s *soak) one(ctx context.Context, set setting, length time.Duration) (said string, err error) {
	program, again := s.play, "go run ./scripts/soak/play"
	if set.written {
		folder := filepath.Join(s.work, fmt.Sprint(set.seed))
		program = filepath.Join(folder, "program")
		if err := s.write(ctx, folder, set); err != nil {
			return "", err
		}
		// The go command takes no folder testdata for a package of the module.
		kept := filepath.Join(s.out, "testdata", fmt.Sprint(set.seed))
		again = filepath.Join(kept, "program")
		defer func() {
			if err != nil {
				err = errors.Join(err, os.CopyFS(kept, os.DirFS(folder)))
			}
			os.RemoveAll(folder)
		}()
	}
	debug := strings.Trim(set.debug+","+s.debug, ",")
	args := []string{fmt.Sprintf("-seed=%d", set.seed), fmt.Sprintf("-for=%v", length), fmt.Sprintf("-players=%d", set.players)}
	ctx, cancel := context.WithTimeout(ctx, length+graceAfterRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	settings := []string{"GODEBUG=" + debug, fmt.Sprint("GOGC=", set.percent), fmt.Sprint("GOMAXPROCS=", set.procs)}
	cmd.Env = append(append(clean(os.Environ()), s.environ...), settings...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // prints the stacks
	cmd.WaitDelay = graceAfterQuit
	out, err := cmd.CombinedOutput()
	said = fmt.Sprintf("%s: %s", strings.Join(settings, " "), out)
	if err == nil {
		return said, nil
	}
	kept := filepath.Join(s.out, fmt.Sprintf("%d.txt", set.seed))
	again = fmt.Sprintf("%s %s %s", strings.Join(settings, " "), again, strings.Join(args, " "))
	if err := os.WriteFile(kept, append(out, "\n"+again+"\n"...), 0o644); err != nil {
		return "", err
	}
	return "", fmt.Errorf("seed %d: %w: %s\noutput in %s; again: %s", set.seed, err, first(out), kept, again)
}

// first is the head of what a program said.
func first(out []byte) string {
	lines := strings.SplitN(string(out), "\n", 13)
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}

// write writes the source of a seed's program and builds it.
func (s *soak) write(ctx context.Context, folder string, set setting) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	cgo := set.cgo && s.cgo
	var names []string
	for name, text := range source.Program(set.seed, cgo) {
		names = append(names, filepath.Join(folder, name))
		if err := os.WriteFile(names[len(names)-1], text, 0o644); err != nil {
			return err
		}
	}
	slices.Sort(names)
	return s.compile(ctx, cgo, filepath.Join(folder, "program"), names...)
}
