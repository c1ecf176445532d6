package c11

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c11",
	Title: "the garbage collector beside a KV cache in the heap: Go's settings, the article's, ours",
	Claim: "GOGC 200 while HeapAlloc/HeapInuse > 0.9 and the cache's hit rate > 85 %, GOMEMLIMIT 1.2 or 1.05 times the " +
		"peak of resident memory by the cache's share: mean pause 12 → 3.1 ms, 99 % below 5 ms.",
	Mistaken: "os.Setenv(\"GOGC\") changes nothing in a running program; here the rules are applied by runtime/debug. " +
		"Go's collector has no young generation, and it does not stop the world to mark: its pauses are tenths of a " +
		"millisecond whatever GOGC is, so a factor of four is not there to be had, and 12 ms are not Go's. What GOGC " +
		"changes is how often a cycle comes; and a cycle costs processors (gc_cpu_share), and requests their assists. " +
		"1.2 times the peak is a limit that moves up with what it lets grow; here the tuner keeps it within the room.",
	Metric: "roomy/gc_cpu_share",
	Label:  "the collector's share of the processors: Go's settings on stock Go, the tuner on ours",
	Unit:   "of GOMAXPROCS",
	Better: experiment.LowerIsBetter,
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-policy=off"}},
		{Name: "stock-auto", Toolchain: experiment.Stock, Args: []string{"-policy=auto"}},
		{Name: "weir-off", Toolchain: experiment.Weir, Args: []string{"-policy=off"}},
		{Name: "weir-article", Toolchain: experiment.Weir, Args: []string{"-policy=article"}},
		{Name: "weir", Toolchain: experiment.Weir, Args: []string{"-policy=auto"}},
	},
	Bars: []experiment.Bar{
		{Text: "the claim's mean pause, ms", Metric: "roomy/pause_mean_ms", EachRound: true, Bound: experiment.AtMost, Limit: 3.1},
		{Text: "the claim's longest 1 % of pauses, ms", Metric: "roomy/pause_p99_ms", Bound: experiment.AtMost, Limit: 5},
		{Text: "the tuner halves the collector's share of the processors", Ratio: true, Bound: experiment.AtMost, Limit: 0.5},
		{Text: "collections a minute ÷ 2.2", Metric: "roomy/gc_per_min", Ratio: true, Bound: experiment.AtMost, Limit: 1 / 2.2},
		{Text: "requests are not later for it, p99", Metric: "roomy/request_p99_us", Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1},
		{Text: "with room, resident memory stays below the limit", Metric: "roomy/peak_share", EachRound: true, Bound: experiment.AtMost, Limit: 1},
		{Text: "without room, too", Metric: "tight/peak_share", EachRound: true, Bound: experiment.AtMost, Limit: 1},
		{Text: "where Go's own settings go beyond it", Metric: "tight/peak_share", Arm: "stock", Bound: experiment.AtLeast, Limit: 1},
	},
	Metrics: []experiment.Metric{
		{Name: "{roomy,tight}/gc_cpu_share", Text: "the collector's share of the processors, idle workers and assists included"},
		{Name: "{roomy,tight}/gc_per_min", Text: "collections that ended"},
		{Name: "{roomy,tight}/pause_{mean_ms,p99_ms,max_ms}", Text: "a collection's pauses together"},
		{Name: "{roomy,tight}/pause_total_us_per_s", Text: "pauses in a second"},
		{Name: "{roomy,tight}/peak_mib", Text: "most resident memory, what is not Go's included"},
		{Name: "{roomy,tight}/peak_share", Text: "the same, of the limit"},
		{Name: "{roomy,tight}/request_{mean_us,p50_us,p99_us,max_us,count}", Text: "from when a request is due to its end"},
		{Name: "{roomy,tight}/{gogc,memory_limit_mib}", Text: "the settings at the end, 0 for no limit"},
	},
	Rounds: 4,
	Quick:  []string{"-window=500ms", "-warm-up=300ms", "-live=32", "-tight-live=48", "-tight-beside=100", "-limit=220"},
}
