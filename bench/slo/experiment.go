package slo

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

const (
	within = 0.99 // of the gaps, within the objective
	kept   = 0.85 // of the prompt tokens a second without an objective
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "slo",
	Title: "streams with an objective beside prompts of 4 000 tokens without end",
	Claim: "No figure of the article's, whose controller knows no latency. The bars are our own: 99 of 100 gaps between " +
		"two tokens are within the objective that the streams' clients ask for, and prompts keep 0.85 of the throughput that " +
		"they have beside streams without one, or, where the objective leaves less time, of what it leaves.",
	Mistaken: "The objective is set before anything is measured: so many times the median gap of the same streams without " +
		"prompts, as measured in the same process a moment before. With three times the gap, a third of the time at least is the " +
		"streams' own, and prompts cannot keep 0.85; of_room/ is what they keep of the rest. With ten times, nine tenths are left, " +
		"and both can be had. A gap is between two arrivals at the client, so it has in it what the client, the kernel and " +
		"other programs take of two cores; server_within is the same by the server's own count of what lies between the ends of " +
		"two steps. A stream that still waits at the end for longer than the objective counts as late. Prompt tokens are " +
		"those that the server has computed, ended prompts or not. The rate without an objective is of steps that " +
		"take as many tokens as a batch holds: gaps are then as long as it takes.",
	Metric: "least/within",
	Label:  "share of the gaps within the objective, least over objectives",
	Unit:   "ratio",
	Better: experiment.HigherIsBetter,
	Bars: []experiment.Bar{
		{Text: "gaps at the client within the objective", Bound: experiment.AtLeast, Limit: within},
		{Text: "prompt tokens a second of those without an objective, with ten times the gap", Metric: "x10/kept", Bound: experiment.AtLeast, Limit: kept},
		{Text: "with three times, of those that there is time for", Metric: "x3/of_room", Bound: experiment.AtLeast, Limit: kept},
		{Text: "no request fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "{alone,unlimited,x{factors}}/gap_{p50,p99,max}_us", Text: "between two tokens of a stream, at the client: without prompts, beside them without an objective, and with one of so many times the median gap alone"},
		{Name: "{alone,unlimited,x{factors}}/tokens_per_s", Text: "tokens of all streams"},
		{Name: "{unlimited,x{factors}}/prompt_tokens_per_s", Text: "tokens of prompts that the server computed"},
		{Name: "x{factors}/objective_us", Text: "the objective"},
		{Name: "x{factors}/within", Text: "share of the gaps at the client that are no longer"},
		{Name: "x{factors}/server_within", Text: "the same by the server's count"},
		{Name: "x{factors}/kept", Text: "prompt tokens a second, of those without an objective in the same process"},
		{Name: "x{factors}/of_room", Text: "the same over the share of the time that the objective leaves beside the streams"},
		{Name: "prompt_tokens", Text: "tokens of a prompt"},
		{Name: "errors", Text: "requests that failed"},
		{Name: "least/{within,server_within,of_room}", Text: "over the objectives"},
	},
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Derive:   derive,
	Rounds:   5,
	Quick:    []string{"-seconds=1", "-alone-seconds=0.5"},
}

// derive finds the least of the objectives.
func derive(round experiment.Round) error {
	for arm, m := range round {
		least := map[string]float64{"within": math.Inf(1), "server_within": math.Inf(1), "of_room": math.Inf(1)}
		for name, value := range m {
			phase, what, _ := strings.Cut(name, "/")
			if before, ok := least[what]; ok && strings.HasPrefix(phase, "x") {
				least[what] = min(before, value)
			}
		}
		for what, value := range least {
			if math.IsInf(value, 1) {
				return fmt.Errorf("derive the least: arm %s: %w", arm, errors.New("no objective was measured: give -factors"))
			}
			m["least/"+what] = value
		}
	}
	return nil
}
