package sampling

import (
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "sampling",
	Title: "one client's sampling beside others', by the size of the vocabulary",
	Claim: "No figure of the article's. The bars are our own: a client whose tokens are drawn from the whole vocabulary " +
		"leaves three others 0.85 of their pace, log-probabilities cost a tenth, with five likeliest tokens three " +
		"tenths, and the server adds 15 µs to a token at every size.",
	Mistaken: "The models have next to no layers, so that a step is short and what sampling takes is a large part of " +
		"it; behind a real model the shares are smaller. The clients share the server's cores.",
	Metric: "least/kept_beside_all",
	Label:  "pace of three streams beside one that draws from all tokens, over that beside one like them, least of all sizes",
	Unit:   "ratio",
	Better: experiment.HigherIsBetter,
	Bars: []experiment.Bar{
		{Text: "three streams' pace beside one with top_k 0, over that beside one like them", Bound: experiment.AtLeast, Limit: 0.85},
		{Text: "time of a token with log-probabilities, over that without", Metric: "worst/logprobs_0_cost", Bound: experiment.AtMost, Limit: 1.1},
		{Text: "with the five likeliest", Metric: "worst/logprobs_5_cost", Bound: experiment.AtMost, Limit: 1.3},
		{Text: "what the server adds to the time of a token", Metric: "worst/overhead_us", Bound: experiment.AtMost, Limit: 15},
		{Text: "no stream fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "{vocabularies}/loop_{1,4}_us_per_token", Text: "a bare loop with the server's sampler: time over the tokens of so many streams"},
		{Name: "{vocabularies}/server_{1,4}_us_per_token", Text: "the server's, default sampling"},
		{Name: "{vocabularies}/overhead_{1,4}_us", Text: "the difference"},
		{Name: "{vocabularies}/cpu_us_per_token", Text: "CPU time of the server, four streams"},
		{Name: "{vocabularies}/logprobs_{0,5}_cost", Text: "four streams with log-probabilities: time of a token over that without"},
		{Name: "{vocabularies}/logprobs_{0,5}_cpu_cost", Text: "the same of the server's CPU time"},
		{Name: "{vocabularies}/kept_beside_all", Text: "pace of three streams beside one with top_k 0, over that beside a fourth like them"},
		{Name: "{vocabularies}/kept_of_alone", Text: "pace of three streams beside one with top_k 0, over that alone"},
		{Name: "{least/kept_beside_all,least/kept_of_alone}", Text: "of all sizes"},
		{Name: "worst/{logprobs_0_cost,logprobs_5_cost,overhead_us}", Text: "of all sizes"},
		{Name: "errors", Text: "streams that failed"},
	},
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Rounds:   5,
	Timeout:  6 * time.Minute,
	Quick:    []string{"-repeats=1", "-vocabularies=2048,65536"},
}
