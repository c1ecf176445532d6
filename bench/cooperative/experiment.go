package cooperative

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "cooperative",
	Title: "a latency goroutine beside hogs that never yield, against hogs that call Gosched each 100 µs",
	Claim: "No figure of the article's. Programs that cannot change the scheduler have their CPU-bound goroutines give way " +
		"now and then, as CockroachDB's pacers do. The bars are our own: a latency group beside goroutines that never yield " +
		"is as prompt as that, and costs them less than 3 % of their work.",
	Mistaken: "The two sides differ in more than the toolchain: stock's is the cell gosched, ours the cell class, system/ is " +
		"what they come to. A pacer must be in each loop, that of a library and of the compiler's too; a class needs a word " +
		"where the goroutine starts. The hogs' throughput is held against the cell never of the same toolchain, in which " +
		"the goroutine has no class and does the same work, late. It is woken by a timer, which stock Go's Gosched looks at each " +
		"time; of what comes from the network c04 tells.",
	Metric: "system/latency_p99_us",
	Label:  "p99 delay of a latency goroutine, hogs that never yield on ours against hogs that call Gosched on stock Go",
	Unit:   "µs",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "p99 of a latency group beside hogs that never yield, against that beside hogs that yield on stock Go",
			Ratio: true, Bound: experiment.AtMost, Limit: 1},
		{Text: "the hogs' throughput, of that of hogs that never yield beside the same goroutine without a class, beyond noise",
			Metric: "system/hogs_kept", BeyondNoise: true, Bound: experiment.AtLeast, Limit: 0.97},
		{Text: "the same by CPU time of a turn, which other programs on the machine do not change",
			Metric: "system/cpu_cost", Bound: experiment.AtMost, Limit: 1 / 0.97},
	},
	Metrics: []experiment.Metric{
		{Name: "{never,gosched,class}/turns_per_s", Text: "turns of all hogs"},
		{Name: "{never,gosched,class}/hogs_kept", Text: "the hogs' turns over those in the cell never"},
		{Name: "{never,gosched,class}/cpu_cost", Text: "this process's CPU time of a turn, over that in the cell never"},
		{Name: "{never,gosched,class}/latency_{mean_us,p50_us,p99_us,max_us,count}", Text: "how late the latency goroutine runs"},
		{Name: "system/{latency_p99_us,hogs_kept,cpu_cost}", Text: "of gosched on stock Go, of class on ours"},
	},
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-system=gosched"}},
		{Name: "weir", Toolchain: experiment.Weir, Args: []string{"-system=class"}},
	},
	Rounds: 5,
	Quick:  []string{"-times=1", "-slice=100ms"},
}
