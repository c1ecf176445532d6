package c07

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

// decisive is the cell that the experiment is about; cells are all of them, one
// for each number of streams and the one beside a client that does not read.
const (
	decisive = "streams1000/"
	cells    = "{streams{streams},stuck}/"
)

// The arms by what they are: those that stream by a server's means, over
// rings, by fan-out, and those whose listener is compared.
var (
	servers   = []string{"stock", "append", "fanout", "weir"}
	rings     = []string{"fanout", "weir", "floor"}
	fanned    = []string{"fanout", "weir"}
	listeners = []string{"stock", "fanout", "weir"}
)

// metrics are what the arms measure, and what is derived from several.
var metrics = []experiment.Metric{
	{Name: cells + "cpu_us_per_token", Text: "CPU time of the server's process, user and system"},
	{Name: cells + "cpu_vs_floor", Text: "that over the floor's of the same round", Arms: servers},
	{Name: cells + "syscalls_per_token", Text: "counted by the kernel's tracepoint, in steps of their own"},
	{Name: cells + "switches_per_token", Text: "context switches of the server's threads"},
	{Name: cells + "allocs_per_token", Text: "objects the server puts on its heap"},
	{Name: cells + "enters_per_token", Text: "io_uring_enter calls", Arms: rings},
	{Name: cells + "sends_per_token", Text: "requests submitted by them; below 1, tokens of a slow client or a late thread went out together", Arms: rings},
	{Name: cells + "late_steps", Text: "steps that began after the next was due"},
	{Name: cells + "inter_token_{p50,p99}_us", Text: "between two tokens of a stream at the client"},
	{Name: cells + "client_cpu_us_per_token", Text: "CPU time of the clients"},
	{Name: cells + "idle_bytes_per_stream", Text: "resident memory that a stream between two tokens holds, after a collection; of 100 streams and more"},
	{Name: "stuck/p99_vs_without", Text: "p99 between tokens beside a client that does not read, over that without", Arms: fanned},
	{Name: "posts{posts}/per_second", Text: "small POSTs, one at a time on each connection", Arms: listeners},
	{Name: "posts{posts}/cpu_us_per_request", Text: "CPU time of the server's process", Arms: listeners},
	{Name: "files/{mb_per_second,dd_mb_per_second}", Text: "a file read past the page cache, by ours and by dd iflag=direct", Arms: fanned},
	{Name: "files/rate_vs_dd", Text: "ours over dd's", Arms: fanned},
	{Name: "files/cancel_ms", Text: "longest time from calling a read off to its return", Arms: fanned},
	{Name: "ends/close_to_fin_ms", Text: "longest time from Close or Abort to the peer's end of file", Arms: fanned},
	{Name: "ends/cancelled_read_ms", Text: "longest time until a blocked Read returns after Close or a past deadline", Arms: fanned},
	{Name: "errors", Text: "streams that failed"},
}

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "c07",
		Title: "streaming tokens: net/http against fan-out over io_uring",
		Claim: "Mistake 4: blocking I/O in the pipeline. Submitting through io_uring and taking completions by callback " +
			"reuses Ps for more than 95 % of the operations.",
		Mistaken: "Go's netpoller does not block a thread on a socket that is read. What does cost is a goroutine switch, an " +
			"encoder, a chunk writer and a system call for each token, and that readiness is not polled while all Ps are " +
			"busy. The share of tokens without a context switch stands for the article's reuse of Ps.",
		Metric: decisive + "cpu_us_per_token",
		Label:  "server CPU for a token of 1000 streams: idiomatic net/http on stock Go, fan-out on ours",
		Unit:   "µs",
		Better: experiment.LowerIsBetter,
		Bars: []experiment.Bar{
			{Text: "a token of 1000 streams costs at most 0.55 of idiomatic net/http", Ratio: true, Bound: experiment.AtMost, Limit: 0.55},
			{Text: "and at most 1.35 of the bare sends", Metric: decisive + "cpu_vs_floor", Bound: experiment.AtMost, Limit: 1.35},
			{Text: "a token costs at most 0.02 enters", Metric: decisive + "enters_per_token", Bound: experiment.AtMost, Limit: 0.02},
			// A collection or a timer in the seconds measured is not the path's.
			{Text: "a token allocates nothing", Metric: decisive + "allocs_per_token", Bound: experiment.AtMost, Limit: 0.001},
			{Text: "95 % of tokens cost no context switch", Metric: decisive + "switches_per_token", Bound: experiment.AtMost, Limit: 0.05},
			{Text: "an idle stream holds at most 1/4 of the memory", Metric: decisive + "idle_bytes_per_stream", Ratio: true, Bound: experiment.AtMost, Limit: 0.25},
			{Text: "a client that does not read moves the others' p99 by at most 10 %", Metric: "stuck/p99_vs_without", Bound: experiment.AtMost, Limit: 1.1},
			{Text: "a file is read at 0.9 of dd's rate at least", Metric: "files/rate_vs_dd", Bound: experiment.AtLeast, Limit: 0.9},
			{Text: "a file read is called off within 50 ms", Metric: "files/cancel_ms", Bound: experiment.AtMost, Limit: 50},
			{Text: "Close's end of file is at the peer within 10 ms", Metric: "ends/close_to_fin_ms", Bound: experiment.AtMost, Limit: 10},
			{Text: "a blocked Read returns within 10 ms of Close or a past deadline", Metric: "ends/cancelled_read_ms", Bound: experiment.AtMost, Limit: 10},
			{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0},
		},
		Metrics: metrics,
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-arm=idiomatic"}},
			{Name: "append", Toolchain: experiment.Stock, Args: []string{"-arm=append"}},
			{Name: "fanout", Toolchain: experiment.Stock, Args: []string{"-arm=fanout"}},
			{Name: "weir", Toolchain: experiment.Weir, Args: []string{"-arm=fanout"}},
			{Name: "floor", Toolchain: experiment.Stock, Args: []string{"-arm=floor", "-floor=${stock}/floor"}},
		},
		// giouring's reference to a hidden symbol of syscall links only so.
		Packages: []experiment.Package{{Path: "./bench/c07/floor", Tags: "giouring", LDFlags: "-checklinkname=0"}},
		Derive:   deriveStreaming,
		Quick:    []string{"-seconds=0.5", "-file-mib=128"},
		Timeout:  5 * time.Minute,
	}
	for _, connections := range []int{1, 64, 1000} {
		e.Bars = append(e.Bars, experiment.Bar{
			Text:   fmt.Sprintf("small POSTs on %d connections are not slower than over package net", connections),
			Metric: fmt.Sprintf("posts%d/per_second", connections), Ratio: true, Bound: experiment.AtLeast, Limit: 0.95,
		})
	}
	return e
}

// deriveStreaming relates each arm's CPU time to the floor's of the same round,
// and the time between tokens beside a client that does not read to that
// without it.
func deriveStreaming(round experiment.Round) error {
	for _, arm := range servers {
		for name, cpu := range maps.Clone(round[arm]) {
			cell, ok := strings.CutSuffix(name, "/cpu_us_per_token")
			if floor := round["floor"][name]; ok && floor > 0 {
				round[arm][cell+"/cpu_vs_floor"] = cpu / floor
			}
		}
		stuck, without := round[arm]["stuck/inter_token_p99_us"], round[arm]["streams1000/inter_token_p99_us"]
		if stuck > 0 && without > 0 {
			round[arm]["stuck/p99_vs_without"] = stuck / without
		}
	}
	return nil
}
