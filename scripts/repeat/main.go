package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// options are what the command line says.
type options struct {
	rounds     int
	short      bool
	parallel   int           // packages at a time
	timeout    time.Duration // of one package's tests
	seed       uint64        // of the first round; each round adds one
	patterns   []string      // of packages
	root       string        // of the module
	out        string        // folder for binaries and failing output, emptied first
	toolchains []toolchain
	loads      []int // busy loops beside the tests, a series of rounds each
}

// errFailed says that tests failed; it has been told already.
var errFailed = errors.New("tests failed")

func main() {
	if os.Getenv(hogVariable) != "" {
		hog()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.Is(err, errFailed):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "repeat:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("repeat", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "n", 20, "`rounds` for each toolchain and load")
	flags.BoolVar(&o.short, "short", false, "run the tests in short mode")
	flags.IntVar(&o.parallel, "p", runtime.NumCPU(), "`packages` at a time")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "`limit` of one run of a package's tests")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "`seed` of the first round's order; the next round's is one more")
	only := flags.String("toolchain", "", "`name` of the only toolchain to use: stock or ours")
	load := flags.String("load", "", "`name` of the only load: idle, or hogs on every core")
	if err := flags.Parse(args); err != nil {
		return o, flag.ErrHelp // told by Parse
	}
	if o.rounds < 1 || o.parallel < 1 {
		return o, errors.New("-n and -p must be at least 1")
	}
	if o.patterns = flags.Args(); len(o.patterns) == 0 {
		o.patterns = []string{"./..."}
	}
	if o.root, err = checkout.Root(); err != nil {
		return o, err
	}
	if o.loads, err = loads(*load); err != nil {
		return o, err
	}
	o.out = filepath.Join(o.root, "build", "repeat")
	o.toolchains, err = both(o.root, *only)
	return o, err
}

// both returns stock Go of the pinned version and ours, or the only one named.
func both(root, only string) ([]toolchain, error) {
	pin, err := os.ReadFile(filepath.Join(root, "goroot-patches", "GO_VERSION"))
	if err != nil {
		return nil, err
	}
	var chosen []toolchain
	ours := filepath.Join(root, "build", "go", "bin", "go")
	if _, err := os.Stat(ours); err != nil && only != "stock" {
		return nil, fmt.Errorf("find our toolchain: %w: run `make toolchain`", err)
	}
	for _, t := range []toolchain{
		{name: "ours", command: ours, version: "local"},
		{name: "stock", command: "go", version: "go" + strings.TrimSpace(string(pin))},
	} {
		if only == "" || only == t.name {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-toolchain %s: there are stock and ours", only)
	}
	return chosen, nil
}

// loads returns how many hogs run beside the tests, in each series of rounds.
func loads(only string) ([]int, error) {
	switch only {
	case "":
		return []int{0, runtime.NumCPU()}, nil
	case "idle":
		return []int{0}, nil
	case "hogs":
		return []int{runtime.NumCPU()}, nil
	}
	return nil, fmt.Errorf("-load %s: there are idle and hogs", only)
}

// run builds everything, then runs every round, then sums up.
func run(ctx context.Context, o options, w io.Writer) error {
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	binaries := filepath.Join(o.out, "binaries")
	if err := os.MkdirAll(binaries, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(binaries)
	var series []*rounds
	for i := range o.toolchains {
		tests, err := o.toolchains[i].compile(ctx, o, binaries, w)
		if err != nil {
			return err
		}
		for _, hogs := range o.loads {
			series = append(series, &rounds{options: o, toolchain: &o.toolchains[i], hogs: hogs, tests: tests, out: w})
		}
	}
	for _, s := range series {
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	return sumUp(series, filepath.Join(o.out, "times.txt"), w)
}
