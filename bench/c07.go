package main

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/harness"
)

func init() {
	const decisive = "streams1000/"
	e := harness.Experiment{
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
		Better: harness.LowerIsBetter,
		Bars: []harness.Bar{
			{Text: "a token of 1000 streams costs at most 0.55 of idiomatic net/http", Ratio: true, Bound: harness.AtMost, Limit: 0.55},
			{Text: "and at most 1.35 of the bare sends", Metric: decisive + "cpu_vs_floor", Bound: harness.AtMost, Limit: 1.35},
			{Text: "a token costs at most 0.02 enters", Metric: decisive + "enters_per_token", Bound: harness.AtMost, Limit: 0.02},
			// A collection or a timer in the seconds measured is not the path's.
			{Text: "a token allocates nothing", Metric: decisive + "allocs_per_token", Bound: harness.AtMost, Limit: 0.001},
			{Text: "95 % of tokens cost no context switch", Metric: decisive + "switches_per_token", Bound: harness.AtMost, Limit: 0.05},
			{Text: "an idle stream holds at most 1/4 of the memory", Metric: decisive + "idle_bytes_per_stream", Ratio: true, Bound: harness.AtMost, Limit: 0.25},
			{Text: "a client that does not read moves the others' p99 by at most 10 %", Metric: "stuck/p99_vs_without", Bound: harness.AtMost, Limit: 1.1},
			{Text: "a file is read at 0.9 of dd's rate at least", Metric: "files/rate_vs_dd", Bound: harness.AtLeast, Limit: 0.9},
			{Text: "a file read is called off within 50 ms", Metric: "files/cancel_ms", Bound: harness.AtMost, Limit: 50},
			{Text: "Close's end of file is at the peer within 10 ms", Metric: "ends/close_to_fin_ms", Bound: harness.AtMost, Limit: 10},
			{Text: "a blocked Read returns within 10 ms of Close or a past deadline", Metric: "ends/cancelled_read_ms", Bound: harness.AtMost, Limit: 10},
			{Text: "no request fails", Metric: "errors", Bound: harness.AtMost, Limit: 0},
		},
		Arms: []harness.Arm{
			{Name: "stock", Toolchain: harness.Stock, Args: []string{"-arm=idiomatic"}},
			{Name: "append", Toolchain: harness.Stock, Args: []string{"-arm=append"}},
			{Name: "fanout", Toolchain: harness.Stock, Args: []string{"-arm=fanout"}},
			{Name: "weir", Toolchain: harness.Weir, Args: []string{"-arm=fanout"}},
			{Name: "floor", Toolchain: harness.Stock, Args: []string{"-arm=floor"}},
		},
		Derive:  deriveStreaming,
		Quick:   []string{"-seconds=0.5", "-file-mib=128"},
		Timeout: 5 * time.Minute,
	}
	for _, connections := range []int{1, 64, 1000} {
		e.Bars = append(e.Bars, harness.Bar{
			Text:   fmt.Sprintf("small POSTs on %d connections are not slower than over package net", connections),
			Metric: fmt.Sprintf("posts%d/per_second", connections), Ratio: true, Bound: harness.AtLeast, Limit: 0.95,
		})
	}
	declare(e)
}

// deriveStreaming relates each arm's CPU time to the floor's of the same round,
// and the time between tokens beside a client that does not read to that
// without it.
func deriveStreaming(round harness.Round) error {
	for _, arm := range []string{"stock", "append", "fanout", "weir"} {
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
