package c08

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c08",
	Title: "an inference loop beside a logger and JSON, and the collector's share in its delays",
	Claim: "Mistake 5: goroutines of inference and of logging share Ps. In a group WithNoStackScan, apart from a monitoring " +
		"group, the worst stop for a collection goes from 6.2 to 1.8 ms, collections from 42 to 19 a minute, and P99 from " +
		"142 to 89 ms: by 3.4, 2.2 and 1.6.",
	Mistaken: "Since Go 1.8 stacks are scanned while the program runs, and a collection stops it for well under a " +
		"millisecond (stop/), on both sides. What inference sees of a collection is what it is made to pay for its own " +
		"garbage (assist), the moments in which its stack is walked, and, most of all, the wait for a processor that a " +
		"worker of the collector, or anybody's JSON, has. All of these are in the stall: the time that a step takes " +
		"outside of C, over that of the shortest. How many collections there are follows from the garbage and from the " +
		"heap's goal; a group that puts them off pays with memory (peak_mib). Both sides are given the same garbage to " +
		"make (garbage_mib_per_s).",
	Metric: "request_p99_ms",
	Label:  "P99 of a request of 100 tokens",
	Unit:   "ms",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "the worst stop that inference sees, by 3.4", Metric: "stall_max_us", Ratio: true, Bound: experiment.AtMost, Limit: 1.8 / 6.2},
		{Text: "collections a minute, by 2.2", Metric: "collections_per_min", Ratio: true, Bound: experiment.AtMost, Limit: 19.0 / 42},
		{Text: "the same for equal garbage", Metric: "collections_per_gib", Ratio: true, Bound: experiment.AtMost, Limit: 19.0 / 42},
		{Text: "P99 of a request, by 1.6", Ratio: true, Bound: experiment.AtMost, Limit: 89.0 / 142},
	},
	Metrics: []experiment.Metric{
		{Name: "request_{mean_ms,p50_ms,p99_ms,max_ms,count}", Text: "from a request's first step to its last token at the emitter"},
		{Name: "stall_{mean_us,p50_us,p99_us,max_us,count}", Text: "a step's time outside of C, over that of the shortest"},
		{Name: "lost/processor_us_per_s", Text: "of inference's time: from the end of C to a processor"},
		{Name: "lost/stopped_us_per_s", Text: "off the processor within Go code: for a stop, a scan, or another thread"},
		{Name: "lost/assist_us_per_s", Text: "CPU time of Go code over the usual, as for assist"},
		{Name: "collections_{per_min,per_gib}", Text: "collections, by time and by garbage"},
		{Name: "stop/{max_us,us_per_s}", Text: "stops of the program for collections"},
		{Name: "assist_cpu_us_per_s", Text: "CPU time of assists, all goroutines together"},
		{Name: "collector_cpu_share", Text: "the collector's part of the CPU time there is"},
		{Name: "{garbage_mib_per_s,peak_mib}", Text: "allocated; resident at most"},
		{Name: "{lines,documents}_per_s", Text: "what logging and JSON got done"},
	},
	Rounds: 8,
	Quick:  []string{"-window=1500ms"},
}
