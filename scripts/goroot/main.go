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
	"syscall"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/worktree"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

// Exit statuses, as documented.
const (
	exitFailed   = 1
	exitMisuse   = 2
	exitConflict = 3
)

// session is what every verb works with.
type session struct {
	out, log io.Writer // results, progress
	root     string    // of the checkout: where goroot-patches and build lie
	patches  string
}

// say tells a person what happens.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.log, "goroot: "+format+"\n", args...)
}

// verb is one subcommand. setup declares its flags and returns what runs
// after they are parsed; no verb takes operands.
type verb struct {
	name, line, long string
	setup            func(*flag.FlagSet, *session) func(context.Context) error
}

var verbs = []verb{fetchVerb, buildVerb, editVerb, saveVerb, checkVerb, rebaseVerb, cleanVerb}

// errMisuse is a wrong command line that has been explained already.
var errMisuse = errors.New("misuse")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status(err, os.Stderr))
}

// status prints what went wrong and returns the exit status for it.
func status(err error, log io.Writer) int {
	var conflict *worktree.ConflictError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errMisuse):
		return exitMisuse
	case errors.As(err, &conflict):
		fmt.Fprint(log, conflict.Report())
		return exitConflict
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(log, "goroot: interrupted")
		return exitFailed
	}
	fmt.Fprintf(log, "goroot: %v\n", err)
	if errors.Is(err, syscall.ENOSPC) {
		fmt.Fprintln(log, "goroot: the disk is full: free some space and run it again")
	}
	return exitFailed
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	if len(args) == 0 {
		usage(log)
		return errMisuse
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(out)
		return nil
	}
	for _, v := range verbs {
		if v.name == args[0] {
			return v.run(ctx, args[1:], out, log)
		}
	}
	fmt.Fprintf(log, "goroot: no verb %q\n\n", args[0])
	usage(log)
	return errMisuse
}

func (v verb) run(ctx context.Context, args []string, out, log io.Writer) error {
	s := &session{out: out, log: log}
	flags := flag.NewFlagSet(v.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong, and help, are printed below
	flags.StringVar(&s.patches, "patches", "", "`folder` of the series (default goroot-patches of the checkout)")
	action := v.setup(flags, s)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		v.help(flags, out)
		return nil
	} else if err != nil {
		fmt.Fprintf(log, "goroot: %v: see goroot %s --help\n", err, v.name)
		return errMisuse
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(log, "goroot: %s takes flags only, not %q: see goroot %s --help\n", v.name, flags.Arg(0), v.name)
		return errMisuse
	}
	if err := s.locate(); err != nil {
		return err
	}
	return action(ctx)
}

func (v verb) help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "goroot %s: %s\n\n%s\n\nFlags:\n", v.name, v.line, v.long)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// locate finds the checkout from the working directory, and the series.
func (s *session) locate() error {
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	s.root = root
	if s.patches == "" {
		s.patches = filepath.Join(s.root, "goroot-patches")
	}
	s.patches, err = filepath.Abs(s.patches)
	return err
}

// pinned reads the version that is pinned and the series that is made for it.
func (s *session) pinned() (source.Version, series.Series, error) {
	v, err := source.ReadPin(s.patches)
	if err != nil {
		return "", nil, err
	}
	all, err := series.Read(s.patches)
	return v, all, err
}

// under makes a name relative to the checkout, for messages.
func (s *session) under(path string) string {
	if rel, err := filepath.Rel(s.root, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// count writes a number with its noun.
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func patchCount(n int) string { return count(n, "patch", "patches") }

func usage(w io.Writer) {
	fmt.Fprint(w, `goroot keeps the patched Go: stock Go and the series in goroot-patches.

Usage: go run ./scripts/goroot VERB [flags]     (goroot VERB --help says more)

`)
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-8s %s\n", v.name, v.line)
	}
	fmt.Fprint(w, `
To change a patch: edit, commit in build/goroot-edit, save, check, build.
To carry the series to another Go: rebase --to go1.X.Y, resolve, rebase --continue, save.

Exit status: 0 done, 1 failed or something to mend, 2 misuse, 3 a rebase waits for a conflict's
resolution (go run makes 1 of each).
`)
}
