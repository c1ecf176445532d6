package neighbour

import (
	"fmt"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

// rows are what goroutines of no group do.
var rows = []string{"echo1", "echo16", "echo256", "gosched", "channel", "mutex", "timers", "http16"}

// groups are those that exist beside them, and the share of the rate without any
// that a row must keep.
var groups = []struct {
	name, text string
	keeps      float64
}{
	{"empty", "a latency group without a goroutine", 0.97},
	{"parked", "a latency group whose one goroutine is parked", 0.97},
	{"quota", "a group with a quota, idle", 0.97},
	{"counting", "a group that only counts", 0.98},
	{"busy", "a latency group that is busy a tenth of the time", 0.85},
}

func declare() experiment.Declaration {
	inProcess := []string{"stock", "weir"}
	e := experiment.Declaration{
		ID:    "neighbour",
		Title: "goroutines of no group beside groups that exist",
		Claim: "No figure of the article's, which does not ask what its groups cost others. The bars are our own: beside an " +
			"idle group, plain goroutines keep 0.97 of their rate, and a server that has such groups answers short " +
			"requests as fast as the same source on stock Go.",
		Mistaken: "Each share is of the same process without a group, in slices of some ten milliseconds that take turns, so " +
			"what a group leaves behind when it is closed is not seen. On stock Go a group is the library's own, and no " +
			"scheduler knows of it: what its shares differ from 1 is what this machine's noise and the group's own " +
			"goroutine do. The rate of a row is a time and wanders when other programs load the machine; CPU time wanders " +
			"less, but does not see a goroutine that waits for an idle processor. A group that is busy takes a tenth of one " +
			"processor, which is a twentieth of two. The clients of weir serve share its processors, of which " +
			"it has as many on both: left to itself, on stock Go it takes one less for each thread of the engine.",
		Metric: "idle/least_rate_kept",
		Label:  "least share of its rate that a row keeps beside an idle latency group",
		Unit:   "ratio",
		Better: experiment.HigherIsBetter,
		Metrics: []experiment.Metric{
			{Name: "none/{rows}/per_s", Text: "operations a second without a group", Arms: inProcess},
			{Name: "none/{rows}/cpu_ns", Text: "CPU time of an operation without a group", Arms: inProcess},
			{Name: "none/cpu_ns", Text: "geometric mean over the rows", Arms: inProcess},
			{Name: "{groups}/{rows}/{rate_kept,cpu_cost}", Text: "beside the group over without it", Arms: inProcess},
			{Name: "{groups}/{rate_kept,cpu_cost}", Text: "geometric mean over the rows", Arms: inProcess},
			{Name: "idle/least_rate_kept", Text: "of all rows beside the latency groups that are idle", Arms: inProcess},
			{Name: "tokenize{connections}/{rate,cpu}_ratio", Text: "weir serve on our Go over the same source on stock Go", Arms: []string{"serve"}},
			{Name: "tokenize{connections}/{stock,weir}_per_s", Text: "requests a second", Arms: []string{"serve"}},
			{Name: "tokenize{connections}/{stock,weir}_cpu_us", Text: "the server's CPU time of a request", Arms: []string{"serve"}},
		},
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-part=process"}},
			{Name: "weir", Toolchain: experiment.Weir, Args: []string{"-part=process"}},
			{Name: "serve", Toolchain: experiment.Stock, Args: []string{
				"-part=serve", "-stock=${stock}/weir", "-weir=${weir}/weir", "-model=${root}/build/models/tiny.gguf",
			}},
		},
		Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
		Rounds:   5,
		Quick:    []string{"-times=1", "-slice=10ms", "-serve-times=2"},
	}
	e.Bars = bars()
	return e
}

func bars() (all []experiment.Bar) {
	for _, g := range groups {
		for _, row := range rows {
			all = append(all, experiment.Bar{
				Text: row + " beside " + g.text + ", beyond noise", Metric: g.name + "/" + row + "/rate_kept",
				BeyondNoise: true, Bound: experiment.AtLeast, Limit: g.keeps,
			})
		}
		all = append(all, experiment.Bar{
			Text: "all rows beside " + g.text + ", geometric mean", Metric: g.name + "/rate_kept",
			Bound: experiment.AtLeast, Limit: g.keeps,
		}, experiment.Bar{
			Text: "CPU time of an operation beside " + g.text + ", geometric mean of all rows", Metric: g.name + "/cpu_cost",
			Bound: experiment.AtMost, Limit: 1 / g.keeps,
		})
	}
	all = append(all, experiment.Bar{
		Text: "CPU time of an operation without a group, where groups have been closed, against stock, beyond noise", Metric: "none/cpu_ns",
		Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1 / 0.97,
	})
	for _, connections := range []int{1, 16, 256} {
		over := fmt.Sprintf(" to weir serve over %d connections against stock Go", connections)
		all = append(all, experiment.Bar{
			Text: "short requests" + over, Metric: fmt.Sprintf("tokenize%d/rate_ratio", connections), Arm: "serve",
			Bound: experiment.AtLeast, Limit: 1,
		}, experiment.Bar{
			Text: "CPU time of short requests" + over + ", beyond noise", Metric: fmt.Sprintf("tokenize%d/cpu_ratio", connections),
			Arm: "serve", BeyondNoise: true, Bound: experiment.AtMost, Limit: 1,
		})
	}
	return all
}
