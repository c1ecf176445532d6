package tax

import (
	"slices"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// benchmarks are Go's own, by what they exercise. None was left out for its
// result, but those whose count does not repeat: the ones that need two Ps or
// CPU-bound goroutines, and all of timers, which wait for time to pass or set up
// many times what they measure.
var benchmarks = [][]string{
	{"ChanNonblocking", "ChanUncontended", "ChanContended", "ChanSync", "ChanProdCons0", "ChanProdCons10",
		"ChanProdCons100", "ChanSem", "ChanPopular", "ChanCreation"},
	{"SelectUncontended", "SelectSyncContended", "SelectAsyncContended", "SelectNonblock", "SelectProdCons"},
	{"CreateGoroutines", "CreateGoroutinesParallel", "CreateGoroutinesCapture", "CreateGoroutinesSingle"},
	{"MutexContention", "Syscall", "SyscallWork", "SyscallExcess", "SyscallExcessWork"},
	{"GoroutineSelect", "GoroutineBlocking", "GoroutineForRange", "Allocation", "Malloc16", "StackGrowth"},
}

// Experiment is the declaration.
var Experiment = declare()

func declare() experiment.Declaration {
	names := slices.Concat(benchmarks...)
	arm := func(t experiment.Toolchain) experiment.Arm {
		binaries := "${" + string(t) + "}"
		return experiment.Arm{Name: string(t), Toolchain: t, Args: []string{
			"-tests=" + binaries + "/runtime.test",
			"-benchmarks=" + strings.Join(names, ","),
		}}
	}
	e := experiment.Declaration{
		ID:    "tax",
		Title: "what a program without groups pays",
		Claim: "No figure of the article's, which calls its scheduler changes free. The bars are our own: without a group, " +
			"Go's own runtime benchmarks take within 0.5 % of stock's instructions in the mean, and none takes 2 % more.",
		Mistaken: "Instructions are not time: what a hook costs in cache and branches is not in them, and neither is what " +
			"several Ps do to each other. But they repeat to a part in a thousand, where times wander by a fifth.",
		Metric: "geomean_instructions",
		Label:  "instructions of Go's runtime benchmarks, geometric mean, no group",
		Unit:   "instructions/op",
		Better: experiment.LowerIsBetter,
		Bars: []experiment.Bar{{Text: "geometric mean of all benchmarks against stock", Ratio: true,
			Bound: experiment.AtMost, Limit: 1.005}},
		Metrics: []experiment.Metric{
			{Name: "geomean_instructions", Text: "geometric mean of all benchmarks"},
			{Name: "{benchmarks}/instructions_per_op", Text: "instructions of one operation"},
		},
		Arms:  []experiment.Arm{arm(experiment.Stock), arm(experiment.Weir)},
		Tests: []string{"runtime"}, Rounds: 3, Timeout: 30 * time.Minute,
		Quick: []string{"-count=1"},
	}
	for _, name := range names {
		e.Bars = append(e.Bars, experiment.Bar{
			Text: name + " against stock", Metric: name + "/instructions_per_op",
			Ratio: true, BeyondNoise: true, Bound: experiment.AtMost, Limit: 1.02,
		})
	}
	return e
}
