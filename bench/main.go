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
	"slices"
	"strings"
	"syscall"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/harness"
	"github.com/weirgo/weir/bench/internal/publish"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	list := flags.Bool("list", false, "list the experiments and stop")
	rounds := flags.Int("rounds", 0, fmt.Sprintf("`number` of rounds, each running every arm once (default %d, or the experiment's own)", harness.DefaultRounds))
	quick := flags.Bool("quick", false, "a short smoke run, not a measurement")
	out := flags.String("out", "build/bench", "`directory` of results")
	against := flags.String("against", "", "compare the arm weir with that of an earlier `revision` of this repository, in place of the toolchains")
	results := flags.String("results", "", "run nothing: publish the results in -out to this `directory`")
	childArgs := flags.String("args", "", "`flags` for each experiment's command, separated by spaces")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *list {
		for _, e := range experiments {
			fmt.Fprintf(stdout, "%-10s %s\n", e.ID, e.Title)
		}
		return nil
	}
	if *results != "" {
		return publish.Write(*out, *results, experiments, stderr)
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return err
	}
	runner, err := harness.NewRunner(ctx, harness.Options{
		Out: *out, Rounds: *rounds, Quick: *quick, Args: strings.Fields(*childArgs),
		WeirGo: os.Getenv("WEIR_GO"), Log: stderr,
	})
	if err != nil {
		return err
	}
	if *against != "" {
		return compare(ctx, runner, chosen, *against, stdout)
	}
	failed := make(map[string]error)
	for _, e := range chosen {
		result, err := runner.Run(ctx, e)
		if ctx.Err() != nil {
			return errors.New("bench: interrupted")
		}
		if missing, ok := errors.AsType[*harness.Unavailable](err); ok {
			fmt.Fprintf(stderr, "%s skipped: %s\n", e.ID, missing.Reason)
			continue
		}
		if err != nil {
			failed[e.ID] = err
			fmt.Fprintf(stderr, "%s failed: %v\n", e.ID, err)
			continue
		}
		printResult(stdout, *out, result)
	}
	if err := harness.WriteReport(*out, experiments, failed); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "report: %s\n", filepath.Join(*out, harness.ReportFile))
	if len(failed) > 0 {
		return fmt.Errorf("bench: %d of %d experiments failed", len(failed), len(chosen))
	}
	return nil
}

// compare runs each experiment's arm weir from two revisions.
func compare(ctx context.Context, runner *harness.Runner, chosen []experiment.Declaration, revision string, stdout io.Writer) error {
	for _, e := range chosen {
		comparison, err := runner.Against(ctx, e, revision)
		if err != nil {
			return err
		}
		comparison.WriteText(stdout)
	}
	return nil
}

// choose returns the named experiments, or all.
func choose(ids []string) ([]experiment.Declaration, error) {
	if len(ids) == 0 {
		return experiments, nil
	}
	var chosen []experiment.Declaration
	for _, id := range ids {
		i := slices.IndexFunc(experiments, func(e experiment.Declaration) bool { return e.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("bench: no experiment %q: -list names them", id)
		}
		chosen = append(chosen, experiments[i])
	}
	return chosen, nil
}

func printResult(w io.Writer, out string, r harness.Result) {
	fmt.Fprintf(w, "%s: %s\n  %s: stock %.4g, weir %.4g %s; weir/stock %.4g [%.4g, %.4g]\n", r.ID, r.Details.Title,
		r.Metric, r.Stock, r.Weir, r.Unit, r.Ratio.Median, r.Ratio.Low, r.Ratio.High)
	for _, bar := range r.Details.Bars {
		verdict := "holds"
		if !bar.Holds {
			verdict = "MISSED"
		}
		if !bar.Certain {
			verdict += " (close)" // the confidence interval crosses the limit
		}
		fmt.Fprintf(w, "  %s: %s (%.4g %s %.4g)\n", verdict, bar.Text, bar.Value, bar.Bound, bar.Limit)
	}
	for _, warning := range r.Details.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	fmt.Fprintf(w, "  %s\n", harness.ResultFile(out, r.ID))
}
