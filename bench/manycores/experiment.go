package manycores

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "manycores",
	Title: "wake-ups of a group's members on 2 to 16 processors",
	Claim: "No figure of the article's. The class queues have one lock, the scheduler's, which each wake-up of a member of the " +
		"latency class takes. The bar is our own: on as many processors as the machine has, up to 16, a processor still does " +
		"0.7 of the wake-ups that it does where there are two.",
	Mistaken: "Goroutines that do nothing but wake one another are the worst case: with 10 µs of work between two wake-ups the " +
		"lock is taken a tenth as often. On a machine of two cores the bar holds by definition.",
	Metric: "scaling/ring/latency",
	Label:  "hops a second and processor in a latency group, on all processors against two",
	Unit:   "of two processors'",
	Better: experiment.HigherIsBetter,
	Bars: []experiment.Bar{
		{Text: "tokens handed on along rings of a latency group's goroutines", Bound: experiment.AtLeast, Limit: 0.7},
		{Text: "pairs of them that wake each other", Metric: "scaling/pairs/latency", Bound: experiment.AtLeast, Limit: 0.7},
		{Text: "rings of a group that only counts", Metric: "scaling/ring/counts", Bound: experiment.AtLeast, Limit: 0.7},
	},
	Metrics: []experiment.Metric{
		{Name: "scaling/{pairs,ring}/{none,counts,latency}", Text: "hops a second and processor, on the most processors against the fewest"},
		{Name: "{procs}/{pairs,ring}/{none,counts,latency}/{hops_per_s_per_proc,lock_wait_ns_per_hop}",
			Text: "a hop is a wake-up; waits are for any lock, the scheduler's among them"},
		{Name: "{procs}/{pairs,ring}/{counts,latency}/ready_ns_per_hop", Text: "from ready to running, by the group's account"},
		{Name: "{counted}/{procs}/{pairs,ring}/{none,counts,latency}/{holds_per_hop,contended_share,wait_ns,hold_ns}",
			Text: "sched.lock: how often it is taken, how often it was held by another, for how long it is waited for and held; " +
				"only in a runtime that counts them"},
	},
	Quick: []string{"-window=50ms"},
}
