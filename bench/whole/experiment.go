package whole

import (
	"fmt"
	"maps"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

// cell stands for each number of streams.
const cell = "streams{streams}/"

// servers are the arms that are the whole server.
var servers = []string{"stock", "weir"}

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "whole",
		Title: "the whole server's CPU for a token, over an engine that computes nothing",
		Claim: "No figure of the article's. The bars are our own: with 1000 and 8000 streams a token costs the whole server at " +
			"most 1.35 of what the kernel takes for the bare sends through io_uring, and a stream between two tokens holds at " +
			"most 6 KiB.",
		Mistaken: "The engine is made up: its logits lie there, and its only work is to wait for the next step. The floor " +
			"shares one frame among all streams; the server makes each its own.",
		Metric: "streams1000/cpu_us_per_token",
		Label:  "the whole server's CPU for a token of 1000 streams",
		Unit:   "µs",
		Better: experiment.LowerIsBetter,
		Bars:   []experiment.Bar{{Text: "no request fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0}},
		Metrics: []experiment.Metric{
			{Name: cell + "cpu_us_per_token", Text: "CPU time of the server's process, user and system"},
			{Name: cell + "cpu_vs_floor", Text: "that over the floor's of the same round", Arms: servers},
			{Name: cell + "syscalls_per_token", Text: "counted by the kernel's tracepoint, in steps of their own"},
			{Name: cell + "switches_per_token", Text: "context switches of the server's threads"},
			{Name: cell + "allocs_per_token", Text: "objects the server puts on its heap"},
			{Name: cell + "{enters,sends}_per_token", Text: "io_uring_enter calls, and what they submitted"},
			{Name: cell + "late_steps", Text: "steps that began after the next was due"},
			{Name: cell + "inter_token_{p50,p99}_us", Text: "between two tokens of a stream at the client"},
			{Name: cell + "client_cpu_us_per_token", Text: "CPU time of the clients"},
			{Name: cell + "idle_bytes_per_stream", Text: "resident memory that a stream between two tokens holds, after a collection; of 100 streams and more"},
			{Name: "errors", Text: "streams that failed"},
		},
		// One client for all: what differs is the server.
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/server"}},
			{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/server"}},
			{Name: "floor", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/floor"}},
		},
		Packages: []experiment.Package{
			{Path: "./bench/whole/server"},
			// giouring's reference to a hidden symbol of syscall links only so.
			{Path: "./bench/c07/floor", Tags: "giouring", LDFlags: "-checklinkname=0"},
		},
		Derive: deriveFloor,
		Rounds: 10,
		Quick:  []string{"-seconds=0.5"},
	}
	for _, streams := range []int{1000, 8000} {
		e.Bars = append(e.Bars,
			experiment.Bar{
				Text:   fmt.Sprintf("a token of %d streams costs at most 1.35 of the bare sends", streams),
				Metric: fmt.Sprintf("streams%d/cpu_vs_floor", streams), Bound: experiment.AtMost, Limit: 1.35,
			},
			experiment.Bar{
				Text:   fmt.Sprintf("one of %d idle streams holds at most 6 KiB", streams),
				Metric: fmt.Sprintf("streams%d/idle_bytes_per_stream", streams), Bound: experiment.AtMost, Limit: 6 << 10,
			})
	}
	return e
}

// deriveFloor relates the servers' CPU time to the floor's of the same round.
func deriveFloor(round experiment.Round) error {
	for _, arm := range servers {
		for name, cpu := range maps.Clone(round[arm]) {
			of, ok := strings.CutSuffix(name, "/cpu_us_per_token")
			if !ok {
				continue
			}
			floor := round["floor"][name]
			if floor <= 0 {
				return fmt.Errorf("derive shares: the floor has no %s", name)
			}
			round[arm][of+"/cpu_vs_floor"] = cpu / floor
		}
	}
	return nil
}
