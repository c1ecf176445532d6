package c09

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c09",
	Title: "inference and monitoring in one process",
	Claim: "Group queues: goroutines of the inference group are preferred on Ms, the monitoring group is throttled, and " +
		"the start of a collection is suppressed while inference is busy. No figure.",
	Mistaken: "Preference must not be strict. A goroutine that starts or ends a collection comes back through the " +
		"ordinary queues, and so does one that holds a mutex which inference wants: starve it and the program stops. So " +
		"each class keeps a minimum share, and collections go on here (quota/collections). A throttled group that holds " +
		"a mutex holds up whoever wants it for as long as the quota says: a quota is for work that nobody waits for. " +
		"Putting off a collection belongs to the collector's own experiments; here it is at work in every cell.",
	Metric: "quota/inference_p99_us",
	Label:  "p99 delay of the inference group beside monitoring with a quota of 10 %",
	Unit:   "µs",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "idle machine: monitoring gets its quota", Metric: "idle/monitor_share", EachRound: true, Bound: experiment.AtLeast, Limit: 0.09},
		{Text: "idle machine: and no more", Metric: "idle/monitor_share", EachRound: true, Bound: experiment.AtMost, Limit: 0.11},
		{Text: "loaded machine: monitoring gets its quota", Metric: "loaded/monitor_share", EachRound: true, Bound: experiment.AtLeast, Limit: 0.09},
		{Text: "loaded machine: and no more", Metric: "loaded/monitor_share", EachRound: true, Bound: experiment.AtMost, Limit: 0.11},
		{Text: "inference beside monitoring with a quota is not later than on stock Go", Ratio: true, Bound: experiment.AtMost, Limit: 1},
		{Text: "the collector is at work", Metric: "quota/collections", Bound: experiment.AtLeast, Limit: 1},
	},
	Metrics: []experiment.Metric{
		{Name: "{alone,unlimited,quota}/inference_{mean_us,p50_us,p99_us,max_us,count}", Text: "how late the inference group's goroutines run"},
		{Name: "{alone,unlimited,quota}/monitor_lines_per_s", Text: "log lines that monitoring encodes"},
		{Name: "{alone,unlimited,quota}/collections", Text: "collections in the window"},
		{Name: "{alone,unlimited,quota}/pause_total_us", Text: "the collector's pauses together"},
		{Name: "{idle,loaded}/monitor_share", Text: "monitoring's share of the processors under its quota, by this program's count"},
		{Name: "{alone,unlimited,quota,idle,loaded}/monitor_accounted_share", Text: "the same by the runtime's account, 0 if it has none"},
	},
	Quick: []string{"-window=500ms", "-share-window=1s"},
}
