package stacks

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "stacks",
		Title: "collections with many parked goroutines in a group WithNoStackScan",
		Claim: "No figure of the article's, whose WithNoStackScan is to take the stacks of a group out of the collector's " +
			"work. The bars are our own: 100 000 parked goroutines cost a third of stock's CPU time, 8 000 open streams of " +
			"a net/http server two thirds of it in all, and goroutines that do run within 2 %.",
		Mistaken: "A stack cannot be left out: what only it holds would be freed. What can be left out is walking it again " +
			"if its goroutine has not run since the last time. The figure is the CPU time of the process for one forced " +
			"collection, sweep included, less that of one without the goroutines (but with the connections that they wait " +
			"for), whatever the collector's own account says. " +
			"It is of goroutines whose frames name few objects; each object more costs the same on both sides. Those that " +
			"wait for the network are as many as the limit of open files allows (network/.../goroutines).",
		Metric: "channel/100000x12/scan_ns",
		Label:  "CPU time of a collection for each of 100 000 goroutines parked at a channel, 12 calls deep",
		Unit:   "ns",
		Better: experiment.LowerIsBetter,
		Metrics: []experiment.Metric{
			{Name: "none/cycle_us", Text: "CPU time of a collection without the goroutines"},
			{Name: "{kinds}/{counts}x{depths}/cycle_us", Text: "with them"},
			{Name: "{kinds}/{counts}x{depths}/scan_ns", Text: "the difference, for each of them"},
			{Name: "{kinds}/{counts}x{depths}/goroutines", Text: "how many there were"},
			{Name: "http/cycle_us", Text: "CPU time of a collection with open streams of a net/http server"},
			{Name: "http/goroutines", Text: "goroutines of that server"},
			{Name: "running/cycle_us", Text: "CPU time of a collection between whose predecessor and it each goroutine has run"},
			{Name: "running/cpu_cost", Text: "of that, over the same in a group without the option"},
		},
		Rounds: 3, Timeout: 5 * time.Minute,
		Quick: []string{"-counts=1000,100000", "-depths=12", "-kinds=channel,network,select,semaphore", "-cycles=1", "-running-times=1"},
	}
	for _, kind := range []string{"semaphore", "channel", "select", "network"} {
		e.Bars = append(e.Bars, experiment.Bar{
			Text:   fmt.Sprintf("100 000 parked goroutines (%s), 12 calls deep, against stock", kind),
			Metric: kind + "/100000x12/scan_ns", Ratio: true, Bound: experiment.AtMost, Limit: 1.0 / 3,
		})
	}
	e.Bars = append(e.Bars,
		experiment.Bar{Text: "8 000 open streams of net/http, all that a collection costs, against stock",
			Metric: "http/cycle_us", Ratio: true, Bound: experiment.AtMost, Limit: 1 / 1.5},
		experiment.Bar{Text: "goroutines that run between collections, against stock, beyond noise",
			Metric: "running/cycle_us", Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.02},
		experiment.Bar{Text: "the same against the same goroutines in a group without the option, beyond noise", Metric: "running/cpu_cost",
			BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.02},
	)
	return e
}
