package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	length := flags.Duration("for", 10*time.Minute, "how long, building not counted")
	seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "`seed` of the first run; the next one's is one more")
	command := flags.String("go", "", "go `command` to build with (default build/go/bin/go)")
	build := flags.String("build", "", "more `flags` for go build")
	debug := flags.String("godebug", "", "more `settings` of GODEBUG for each run")
	breaks := flags.Bool("broken", false, "break the runtime on purpose, a line at a time, and see that each is caught in time")
	jobs := flags.Int("jobs", runtime.NumCPU(), "runs at a time")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // told by Parse
	}
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	s := &soak{
		root: root, out: filepath.Join(root, "build", "soak"), log: os.Stdout,
		command: *command, build: strings.Fields(*build), debug: *debug,
	}
	if s.command == "" {
		s.command, s.environ = filepath.Join(root, "build", "go", "bin", "go"), []string{"GOTOOLCHAIN=local"}
	}
	if _, err := exec.LookPath(s.command); err != nil {
		return fmt.Errorf("find our toolchain: %w: run `make toolchain`", err)
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(s.work)
	fmt.Printf("soak: %v from seed %d\n", *length, *seed)
	if *breaks {
		return s.broken(ctx, *seed, *length)
	}
	end := time.Now().Add(*length)
	return s.series(ctx, *seed, *jobs, func() time.Duration { return time.Until(end) })
}
