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
	"slices"
	"syscall"

	"github.com/weirgo/weir/scripts/models/train/corpus"
)

// errUsage: the flags do not go together.
var errUsage = errors.New("bad flags")

// options are the command line's.
type options struct {
	run
	eval, model, against string
	show                 bool
}

func parse(arguments []string, messages io.Writer) (*options, error) {
	o := &options{run: run{recipe: demo(), out: os.Stdout, withEngine: true}}
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&o.corpusDir, "corpus", filepath.Join("scripts", "models", "corpus"), "`folder` of the texts to learn")
	flags.StringVar(&o.dir, "o", filepath.Join("build", "train"), "`folder` for checkpoint and models")
	flags.IntVar(&o.recipe.Steps, "steps", o.recipe.Steps, "`number` of steps")
	flags.IntVar(&o.recipe.Batch, "batch", o.recipe.Batch, "`number` of conversations a step")
	flags.Uint64Var(&o.recipe.Seed, "seed", o.recipe.Seed, "`number` that all chance comes from")
	flags.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "`number` of threads; the result is the same for any")
	flags.StringVar(&o.eval, "eval", "", "train nothing: ask the questions in this `file`, in the corpus' form")
	flags.StringVar(&o.model, "model", filepath.Join("build", "train", demoName), "with -eval: the model `file` to ask")
	flags.StringVar(&o.against, "against", "", "with -eval: another model `file` whose answers should be the same")
	flags.BoolVar(&o.show, "show", false, "with -eval: print the answers that are not exact")
	if err := flags.Parse(arguments); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("%w: %q is no flag; see -help", errUsage, flags.Arg(0))
	case o.eval == "" && (o.against != "" || o.show):
		return nil, fmt.Errorf("%w: -against and -show go with -eval", errUsage)
	case o.threads < 1 || o.threads > 1024:
		return nil, fmt.Errorf("%w: %d threads; give -threads from 1 to 1024", errUsage, o.threads)
	}
	if err := o.recipe.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return o, nil
}

// evaluate asks the questions of a file.
func (o *options) evaluate(ctx context.Context) error {
	text, err := os.ReadFile(o.eval)
	if err != nil {
		return fmt.Errorf("read questions: %w", err)
	}
	items, err := corpus.Read(o.eval, text)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return fmt.Errorf("%s has no questions", o.eval)
	}
	if slices.ContainsFunc(items, func(item corpus.Item) bool { return len(item.Turns) == 0 }) {
		set, err := corpus.Load(o.corpusDir)
		if err != nil {
			return err
		}
		if err := set.Answer(items); err != nil {
			return fmt.Errorf("%s: %w", o.eval, err)
		}
	}
	return compare(ctx, o.out, corpus.Questions(items), o.model, o.against, o.show)
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err == nil {
		info, statErr := os.Stdout.Stat()
		o.terminal = statErr == nil && info.Mode()&os.ModeCharDevice != 0
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		if o.eval != "" {
			err = o.evaluate(ctx)
		} else {
			err = o.do(ctx)
		}
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}
