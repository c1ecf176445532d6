package handoff

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "handoff",
	Title: "goroutines behind a C call, and the way back from one",
	Claim: "No figure of the article's, but its mistake 4: blocking calls hold a P. The bars are our own: the next " +
		"goroutine runs within 200 µs, and a goroutine that comes back from C beside 16 hogs within 1 ms.",
	Mistaken: "It blames reads from sockets, which never hold a P: the goroutine parks and the netpoller wakes it. C calls " +
		"do hold one, and so does file I/O, until the monitor thread takes it away: after 20 µs at best, after 10 to 20 ms " +
		"in a program that has been computing (busy/wait). Eager hand-off costs something on each call (call/eager_ns " +
		"against call/plain_ns): it is for calls of 100 µs and more. The p99 of a round's 50 calls is the longest of them.",
	Metric: "busy/wait_p99_us",
	Label:  "p99 wait of a ready goroutine behind a 50 ms C call, GOMAXPROCS=1, after 100 ms of computation",
	Unit:   "µs",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "after 100 ms of computation the next goroutine runs in time", Bound: experiment.AtMost, Limit: 200},
		{Text: "on an idle program the next goroutine runs in time", Metric: "idle/wait_p99_us", Bound: experiment.AtMost, Limit: 200},
		{Text: "back from C code that computes, beside 16 hogs, p99", Metric: "return_compute/late_p99_us", Bound: experiment.AtMost, Limit: 1000},
		{Text: "back from C code that sleeps, beside 16 hogs, p99, the kernel's wake-up included",
			Metric: "return_sleep/late_p99_us", Bound: experiment.AtMost, Limit: 1000},
	},
	Metrics: []experiment.Metric{
		{Name: "{idle,busy}/wait_{mean_us,p50_us,p99_us,max_us,count}", Text: "a ready goroutine's wait behind a C call"},
		{Name: "return_{compute,sleep}/late_{mean_us,p50_us,p99_us,max_us,count}", Text: "from the end of the C code to the goroutine's running, beside hogs"},
		{Name: "call/{plain,eager}_ns", Text: "a C call that does nothing, by a goroutine of no group and of the engine's"},
	},
	Quick: []string{"-calls=5", "-window=500ms", "-empty-calls=2000"},
}
