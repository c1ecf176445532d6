// Package harness runs an experiment: the same source, built by stock Go and
// by ours, measured in turns, reported as a ratio with its spread.
//
// # Model
//
// An experiment is declared ([experiment.Declaration]): what the article claims,
// which measurement decides, and the bars that must hold. Its command,
// bench/<id>/measure, is built by both toolchains. One execution of a built
// command is a child process: it measures, prints one [Sample] as a JSON object
// on stdout, and exits. Before the first round each child says what it is going
// to measure; an experiment that decides by anything else is refused then.
//
// An arm ([experiment.Arm]) is one thing compared: a command of one toolchain
// with arguments. Most experiments have two, "stock" and "weir"; others add a
// reference, such as a loop without a server. A round runs every arm once.
// Rounds go forward and backward in turns (A B, B A, A B, ...), so that drift of
// the machine falls on all arms alike.
//
// [Runner.Against] compares revisions in place of toolchains: the arm weir from
// an earlier revision and from the work tree, both built by our toolchain.
//
// The medians, their 95 % confidence intervals and the U test are benchstat's
// (golang.org/x/perf/benchmath). The interval of a ratio is a bootstrap over
// rounds, which keeps the arms of a round together, with a fixed seed. A bar is
// held against the median, or, where something must never happen, against the
// worst round.
//
//	runner, err := harness.NewRunner(harness.Options{Out: "build/bench"})
//	result, err := runner.Run(ctx, experiment)
//	fmt.Println(result.Ratio.Median, result.Holds)
//
// # Limits
//
// A child has a bounded time, the declaration's Timeout, and bounded output; it
// and all it started are killed at its end. A child that fails fails the
// experiment: the result's file exists only if the last run succeeded. Whether
// the machine is quiet is the caller's business; the load average before the
// run and what others took of the processors beside each child are part of the
// result.
package harness
