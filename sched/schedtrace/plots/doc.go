// Package plots draws what package schedtrace reports.
//
//	report, err := schedtrace.Read(file, schedtrace.Config{})
//	...
//	err = plots.Draw("plots", report)
//
// # Model
//
// [Draw] writes three SVG files. park.svg and run.svg have a curve for each of the groups
// whose goroutines waited longest: how many of its latencies, in percent, are above a time,
// both on logarithmic axes, with a rule at the threshold. causes.svg has a bar for each of them: the
// mean park→scheduled, made of its causes.
//
// It is a package of its own so that who only reads traces does not link what draws.
//
// # Limits
//
// Curves end at the 99.99th percentile, and with the longest latency.
package plots
