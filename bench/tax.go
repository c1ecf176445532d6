package main

import (
	"slices"
	"strings"

	"github.com/weirgo/weir/bench/internal/harness"
)

// taxBenchmarks are Go's own, by what they exercise. Those of runtime and time
// that hold a hook's place are all here; none was left out for its result.
var taxBenchmarks = [][]string{
	{"ChanNonblocking", "ChanUncontended", "ChanContended", "ChanSync", "ChanProdCons0", "ChanProdCons10",
		"ChanProdCons100", "ChanSem", "ChanPopular", "ChanCreation"},
	{"SelectUncontended", "SelectSyncContended", "SelectAsyncContended", "SelectNonblock", "SelectProdCons"},
	{"CreateGoroutines", "CreateGoroutinesParallel", "CreateGoroutinesCapture", "CreateGoroutinesSingle", "Matmult"},
	{"PingPongHog"},
	{"WakeupParallelSpinning", "WakeupParallelSyscall", "MutexContention", "MutexHandoff", "NetpollBreak"},
	{"AfterFunc1000", "After", "Stop", "StartStop1000", "Reset", "Sleep1000", "Ticker", "TickerReset"},
	{"Syscall", "SyscallWork", "SyscallExcess", "SyscallExcessWork"},
	{"GoroutineSelect", "GoroutineBlocking", "GoroutineForRange", "GoroutineIdle", "ScanStackNoLocals", "Allocation",
		"Malloc16", "WriteBarrier", "StackGrowth"},
}

func init() {
	names := slices.Concat(taxBenchmarks...)
	arm := func(t harness.Toolchain) harness.Arm {
		binaries := "${" + string(t) + "}"
		return harness.Arm{Name: string(t), Toolchain: t, Args: []string{
			"-tests=" + binaries + "/runtime.${layout}.test," + binaries + "/time.${layout}.test",
			"-benchmarks=" + strings.Join(names, ","),
		}}
	}
	e := harness.Experiment{
		ID:    "tax",
		Title: "what a program without groups pays",
		Claim: "No figure of the article's, which calls its scheduler changes free. The bars are our own: without a group, " +
			"Go's own runtime benchmarks stay within 1 % of stock in the mean, and none is worse by 3 % beyond noise.",
		Metric: "geomean_ns",
		Label:  "geometric mean of Go's runtime benchmarks, no group",
		Unit:   "ns/op",
		Better: harness.LowerIsBetter,
		Bars: []harness.Bar{{Text: "geometric mean of all benchmarks against stock", Ratio: true,
			Bound: harness.AtMost, Limit: 1.01}},
		Arms:  []harness.Arm{arm(harness.Stock), arm(harness.Weir)},
		Tests: []string{"runtime", "time"}, Layouts: 5, Rounds: 40, Paired: true,
		Quick: []string{"-bench-time=1ms"},
	}
	for _, name := range names {
		e.Bars = append(e.Bars, harness.Bar{
			Text: name + " against stock, beyond noise", Metric: strings.ToLower(name) + "/ns_per_op",
			Ratio: true, BeyondNoise: true, Bound: harness.AtMost, Limit: 1.03,
		})
	}
	declare(e)
}
