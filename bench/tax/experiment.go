package tax

import (
	"slices"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
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

// Experiment is the declaration.
var Experiment = declare()

func declare() experiment.Declaration {
	names := slices.Concat(taxBenchmarks...)
	arm := func(t experiment.Toolchain) experiment.Arm {
		binaries := "${" + string(t) + "}"
		return experiment.Arm{Name: string(t), Toolchain: t, Args: []string{
			"-tests=" + binaries + "/runtime.test," + binaries + "/time.test",
			"-benchmarks=" + strings.Join(names, ","),
		}}
	}
	e := experiment.Declaration{
		ID:    "tax",
		Title: "what a program without groups pays",
		Claim: "No figure of the article's, which calls its scheduler changes free. The bars are our own: without a group, " +
			"Go's own runtime benchmarks stay within 1 % of stock in the mean, and none is worse by 3 % beyond noise.",
		Metric: "geomean_ns",
		Label:  "geometric mean of Go's runtime benchmarks, no group",
		Unit:   "ns/op",
		Better: experiment.LowerIsBetter,
		Bars: []experiment.Bar{{Text: "geometric mean of all benchmarks against stock", Ratio: true,
			Bound: experiment.AtMost, Limit: 1.01}},
		Arms:  []experiment.Arm{arm(experiment.Stock), arm(experiment.Weir)},
		Tests: []string{"runtime", "time"}, Rounds: 3, Metrics: []experiment.Metric{{Name: "geomean_ns", Text: "geometric mean of all"}, {Name: "{benchmarks}/ns_per_op", Text: "time of an operation"}},
		Quick: []string{"-bench-time=1ms"},
	}
	for _, name := range names {
		e.Bars = append(e.Bars, experiment.Bar{
			Text: name + " against stock, beyond noise", Metric: name + "/ns_per_op",
			Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.03,
		})
	}
	return e
}
