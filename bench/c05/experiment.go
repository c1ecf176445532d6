package c05

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c05",
	Title: "runtime.Gosched in the token loop",
	Claim: "Mistake 2: runtime.Gosched() after each token takes a turn of the token loop from 82 to 417 ns and from " +
		"0 to 9 998 goroutine switches in 10 000 turns. Its cure: time.Sleep(0) each 64 turns.",
	Mistaken: "time.Sleep(0) returns at once and lets nobody run, so the cure is to do nothing. Alone, Gosched comes " +
		"back to the same goroutine through the scheduler's global queue: its price is that lock and the attempt to wake " +
		"another P, not a switch. Beside CPU-bound goroutines it is far worse than the article says: each turn gives " +
		"the P away for as long as the others keep it, whole time slices (hogs4/gosched). ggroup.Yield asks first whether " +
		"anybody of the caller's class or a higher one waits, and else goes on; on stock Go it is Gosched.",
	Metric: "alone/yield/ns_added",
	Label:  "time that ggroup.Yield each turn adds to a turn, nothing else runnable",
	Unit:   "ns",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "a yield adds at most the article's 417 - 82 ns", Bound: experiment.AtMost, Limit: 335},
		{Text: "it costs at most 10 ns with nothing waiting", Bound: experiment.AtMost, Limit: 10},
		{Text: "a call of ggroup.Yield by itself, by a goroutine of no group", Metric: "call/yield_ns", Bound: experiment.AtMost, Limit: 10},
		{Text: "the same, of a latency group", Metric: "call/yield_in_group_ns", Bound: experiment.AtMost, Limit: 10},
		{Text: "a call of runtime.Gosched before any group exists is no dearer than stock's, beyond noise",
			Metric: "call/gosched_no_group_ns", Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.03},
		{Text: "nor is one while a latency group exists, by a goroutine of none, by more than a tenth, beyond noise",
			Metric: "call/gosched_ns", Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.1},
		{Text: "Gosched each turn enters the scheduler each turn, as the article counts",
			Metric: "alone/gosched/switches_per_10k", Bound: experiment.AtLeast, Limit: 9_900},
		{Text: "the article's cure never enters it",
			Metric: "alone/sleep0/switches_per_10k", Bound: experiment.AtMost, Limit: 50},
	},
	Metrics: []experiment.Metric{
		{Name: "{alone,hogs{hogs}}/{plain,gosched,sleep0,yield}/ns_per_turn", Text: "a turn: the median pass alone, the mean beside hogs"},
		{Name: "{alone,hogs{hogs}}/{gosched,sleep0,yield}/ns_added", Text: "what that is over a turn that never yields"},
		{Name: "alone/{plain,gosched,sleep0,yield}/switches_per_10k", Text: "passes through the scheduler in 10 000 turns"},
		{Name: "call/gosched_no_group_ns", Text: "a call of runtime.Gosched before any group exists"},
		{Name: "call/{gosched,yield,yield_in_group}_ns", Text: "a call while a latency group exists, by a goroutine of none or of the group"},
		{Name: "waiting/{plain,gosched,sleep0,yield}/wait_{mean_us,p50_us,p99_us,max_us,count}", Text: "until a latency goroutine runs that the loop has readied, one P"},
	},
	Quick: []string{"-passes=5", "-calls=10000", "-budget=100ms"},
}
