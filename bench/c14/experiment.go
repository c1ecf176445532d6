package c14

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

const (
	growth     = 1.18 // of p99 at four times the load
	unserved   = 0.05 // of the requests that come, while the backlog counts as not growing
	cpuShare   = 0.68 // of a fixed batch's
	noDearer   = 1.05 // than a batch of the same size that is not filled up
	lastPolicy = "learned"

	// each policy under each load that it is put under.
	each = "{{policies}/{base,peak,low},made/{made-policies}/{base,peak}}/"
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c14",
	Title: "a batch that follows the load, against one of fixed size",
	Claim: "A controller of the batch size (throughput of the last 500 ms, each 100 ms; three times 90 % of a target: × 1.2, up " +
		"to 512; 60 % or less: ÷ 1.5, down to 8): at +300 % load latency grows by 18 % and the backlog does not, where a static " +
		"batch of 64 has a backlog of +420 %; in the trough it uses 32 % less CPU.",
	Mistaken: "The unit that matters is the tokens of a step. A policy cannot take work away: on a machine whose steps take " +
		"as long as they have rows, as a CPU's do, requests that share it wait for each other, and the time of a whole " +
		"request grows with the load under every policy; what one can hold is the time between two tokens, by letting " +
		"prompts wait. Both are measured, and growth favours who was slow before, so all times are there as well. What a policy adds " +
		"is seen on an engine of an accelerator's shape, which is made up (made/): a step takes 3.5 ms and 12.5 µs a row, as of one whose decode " +
		"takes 7 ms and which reads 40 000 tokens a second, at twice the speed. Its steps are waited for, and its tokens are a hash's. The article's rule is not put under that load: it goes down to 8 tokens a step " +
		"where steps of 64 cost no more, and of four times the load most is never answered (-made-policies=fixed,article,learned). " +
		"The load is of this machine: what a closed loop reaches is its capacity, base, peak and low are shares of it. The CPU " +
		"that a smaller batch saves is of engines that compute batches of one size, full or not (padded/: " +
		"as many rows a step as the batch is large, whatever is in it). This server's engine computes the rows that there are, " +
		"under every policy, so against a batch of the same size that is not filled up there is nothing to save " +
		"(low/learned_cpu_of_fixed); steps_per_request says what a policy has to do with it. Policies take turns at the low load: " +
		"measured one after the other, a second apart, the same steps differed by a third. Requests are submitted to the batch loop in the process that " +
		"measures, without HTTP. The article's rule has the best window seen as its target: it names no other. Only learned " +
		"has an objective, so many times the gap of a stream that is alone.",
	Metric: lastPolicy + "/p99_growth",
	Label:  "p99 of a request at four times the load, over that at the base load",
	Unit:   "ratio",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "p99 of a request at +300 % load", Bound: experiment.AtMost, Limit: growth},
		{Text: "the same on an accelerator", Metric: "made/learned/p99_growth", Bound: experiment.AtMost, Limit: growth},
		{Text: "p99 between two tokens at +300 % load", Metric: "learned/gap_p99_growth", Bound: experiment.AtMost, Limit: growth},
		{Text: "what the backlog grows by at +300 % load, of the requests that come", Metric: "learned/peak/backlog_growth", Bound: experiment.AtMost, Limit: unserved},
		{Text: "CPU at 10 % load, of a fixed batch that is always computed whole", Metric: "low/learned_cpu_of_padded", Bound: experiment.AtMost, Limit: cpuShare},
		{Text: "CPU at 10 % load, of a fixed batch that is computed as far as it is filled", Metric: "low/learned_cpu_of_fixed", Bound: experiment.AtMost, Limit: noDearer},
		{Text: "no request fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "{capacity_per_s,made/capacity_per_s}", Text: "requests that a closed loop ends, with the fixed batch"},
		{Name: "{alone_gap_p50_us,made/alone_gap_p50_us}", Text: "between two tokens of a stream that is alone"},
		{Name: "{objective_us,made/objective_us}", Text: "between two tokens, of the policy learned"},
		{Name: each + "{p50,p99}_ms", Text: "from when a request was due to its last token"},
		{Name: each + "gap_{p50,p99}_us", Text: "between two tokens of a request"},
		{Name: each + "processors", Text: "CPU time over time"},
		{Name: each + "requests", Text: "requests that were due"},
		{Name: each + "steps_per_request", Text: "steps, which requests share, over requests"},
		{Name: each + "tokens_per_step", Text: "of prompts and answers"},
		{Name: each + "backlog", Text: "requests due and not ended, mean over time"},
		{Name: each + "backlog_growth", Text: "by how many more they are in the last third of the time than in the middle one, over the requests of a third"},
		{Name: "padded/low/{p50_ms,p99_ms,gap_p50_us,gap_p99_us,processors,requests,steps_per_request,tokens_per_step,backlog,backlog_growth}", Text: "the same of the fixed batch, each step of which has as many rows as the batch is large"},
		{Name: "{{policies},made/{made-policies}}/{p99,gap_p99,backlog}_growth", Text: "at the peak over at the base load"},
		{Name: "low/{policies}_cpu_of_padded", Text: "processors at the low load over those of the padded batch"},
		{Name: "low/{policies}_cpu_of_fixed", Text: "over those of the fixed batch"},
		{Name: "errors", Text: "requests that failed, or had not ended some seconds after the last one was due"},
	},
	Derive: derive,
	Rounds: 3,
	Quick:  []string{"-base-seconds=1", "-peak-seconds=1", "-low-seconds=0.3", "-low-turns=2", "-capacity-seconds=0.5"},
}

// derive compares the loads of a policy, and the policies at the low load.
func derive(round experiment.Round) error {
	for arm, m := range round {
		padded, fixed := m["padded/low/processors"], m["fixed/low/processors"]
		if padded <= 0 || fixed <= 0 {
			return fmt.Errorf("derive ratios: arm %s has no CPU time of a fixed batch at the low load: give fixed among -policies", arm)
		}
		derived := make(experiment.Measurements)
		for name, at := range m {
			policy, ok := strings.CutSuffix(name, "/peak/requests")
			if !ok || at <= 0 {
				continue
			}
			for what, measured := range map[string]string{"p99_growth": "p99_ms", "gap_p99_growth": "gap_p99_us", "backlog_growth": "backlog"} {
				base := m[policy+"/base/"+measured]
				if base <= 0 {
					return fmt.Errorf("derive ratios: arm %s: %s has no %s at the base load: give more -base-seconds", arm, policy, measured)
				}
				derived[policy+"/"+what] = m[policy+"/peak/"+measured] / base
			}
			if strings.HasPrefix(policy, "made/") {
				continue
			}
			derived["low/"+policy+"_cpu_of_padded"] = m[policy+"/low/processors"] / padded
			derived["low/"+policy+"_cpu_of_fixed"] = m[policy+"/low/processors"] / fixed
		}
		for name, value := range derived {
			m[name] = value
		}
	}
	return nil
}
