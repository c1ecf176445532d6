package c04

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c04",
	Title: "an inference group beside 10 000 goroutines, and an echo beside CPU-bound ones",
	Claim: "Mistake 1: 10 000 goroutines that sleep for 1 ms on 2 Ps, in place of 100, take the mean delay from 0.8 to " +
		"127 ms, and 38 % of them starve (wait for more than 100 ms).",
	Mistaken: "A sleeping goroutine does not compete for a P. Ten thousand of them cost what it takes to start them and " +
		"to run their timers, once (sleep10000/crowd_mean_ms; it grows if other programs load the machine). What starves is what waits behind goroutines that " +
		"compute (cpu10000): for a crowd of them that is arithmetic, 10 000 slices of 10 ms on 2 Ps are 50 s, and no " +
		"scheduler changes it. What a scheduler can do is not to let a group that answers people wait behind the crowd. " +
		"On stock Go the group is the same source with no class in effect; its delays end with the window of a second, and " +
		"beside 16 hogs it answers some 20 requests a round, so that its p99 is the longest of those. Timers round up to 1 ms on an idle machine " +
		"(epoll), on both sides.",
	Metric: "cpu10000/inference_mean_us",
	Label:  "mean delay of the inference group beside 10 000 CPU-bound goroutines",
	Unit:   "µs",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "beside 10 000 CPU-bound goroutines none of the inference group starves",
			Metric: "cpu10000/inference_starved_share", EachRound: true, Bound: experiment.AtMost, Limit: 0},
		{Text: "beside 16 hogs, ready → running as the runtime counts it, p99",
			Metric: "echo16/inference_ready_p99_us", Bound: experiment.AtMost, Limit: 500},
		{Text: "beside 16 hogs, client's send → running, the kernel's wake-up of the polling thread included, p99",
			Metric: "echo16/arrival_p99_us", Bound: experiment.AtMost, Limit: 500},
		{Text: "beside 16 hogs, median round trip at least 1000 × better than stock",
			Metric: "echo16/roundtrip_p50_us", Ratio: true, Bound: experiment.AtMost, Limit: 1.0 / 1000},
		{Text: "beside 16 hogs, p99 of the round trip at least 20 × better than stock",
			Metric: "echo16/roundtrip_p99_us", Ratio: true, Bound: experiment.AtMost, Limit: 1.0 / 20},
		{Text: "the same, of requests sent each millisecond whether an answer came or not",
			Metric: "echo16/roundtrip_open_p99_us", Ratio: true, Bound: experiment.AtMost, Limit: 1.0 / 20},
		{Text: "a saturated latency class leaves Normal its share",
			Metric: "saturated/normal_share", EachRound: true, Bound: experiment.AtLeast, Limit: 0.05},
		{Text: "a saturated latency class leaves Background its share",
			Metric: "saturated/background_share", EachRound: true, Bound: experiment.AtLeast, Limit: 0.05},
		{Text: "and neither waits for longer", Metric: "saturated/oldest_wait_ms", EachRound: true, Bound: experiment.AtMost, Limit: 200},
	},
	Metrics: []experiment.Metric{
		{Name: "{sleep,cpu}{goroutines}/crowd_mean_ms", Text: "mean delay of the crowd's own goroutines"},
		{Name: "{sleep,cpu}{goroutines}/crowd_starved_share", Text: "share of them that waits for longer than -starved"},
		{Name: "{sleep,cpu}{goroutines}/inference_{mean_us,p50_us,p99_us,max_us,count}", Text: "how late the inference group's goroutines run"},
		{Name: "{sleep,cpu}{goroutines}/inference_starved_share", Text: "share of them that ever waits for longer than -starved"},
		{Name: "{sleep,cpu}{goroutines}/inference_ready_{p99_us,count}", Text: "the runtime's own account of the group's waits, if it keeps one"},
		{Name: "echo{hogs}/roundtrip_{mean_us,p50_us,p99_us,max_us,count}", Text: "from a request to its answer, in the client's process"},
		{Name: "echo{hogs}/roundtrip_open_{mean_us,p50_us,p99_us,max_us,count}", Text: "the same for a client that keeps its pace whether an answer came or not"},
		{Name: "echo{hogs}/arrival_{mean_us,p50_us,p99_us,max_us,count}", Text: "from the client's sending to the goroutine's running"},
		{Name: "echo{hogs}/inference_ready_{p99_us,count}", Text: "the runtime's own account of the group's waits, if it keeps one"},
		{Name: "echo{hogs}/client_raised", Text: "1 if the client ran under SCHED_FIFO"},
		{Name: "saturated/{latency,normal,background}_share", Text: "share of all turns that a class makes while each could use every processor"},
		{Name: "saturated/{latency,normal,background}_longest_wait_ms", Text: "longest time between two turns of a goroutine"},
		{Name: "saturated/oldest_wait_ms", Text: "the longest of the classes below latency"},
	},
	Quick: []string{"-window=300ms", "-echo-window=300ms", "-echo-per-hog=20ms", "-saturated-window=500ms"},
}
