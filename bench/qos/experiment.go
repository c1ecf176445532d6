package qos

import "github.com/weirgo/weir/bench/internal/experiment"

// Weight is the larger key's weight, the other's being 1.
const Weight = 3

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "qos",
	Title: "priority requests in a flood of background ones, and two keys of weights 3 and 1",
	Claim: "No figure of the article's. The bars are our own: with all sequences taken by background requests and more " +
		"waiting, p99 of the time to the first token and of that between two of priority requests is at most 1.3 of an " +
		"idle server's; background requests keep a twentieth of the tokens, and none is lost. Two keys of weights 3 and " +
		"1, of which one floods, get tokens 3 to 1 within 5 %.",
	Mistaken: "The clients share the machine's cores with the server. Those of the flood are more than those of the server " +
		"that idles, so part of what the flood costs is theirs.",
	Metric: "worst/p99_ratio",
	Label:  "p99 in the flood over that without, the worse of first token and between two",
	Unit:   "ratio",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "p99 to the first token in the flood against none", Metric: "first_token_p99_ratio", Bound: experiment.AtMost, Limit: 1.3},
		{Text: "p99 between two tokens in the flood against none", Metric: "inter_token_p99_ratio", Bound: experiment.AtMost, Limit: 1.3},
		{Text: "the flood's part of the tokens meanwhile", Metric: "flood/part", Bound: experiment.AtLeast, Limit: 0.05},
		{Text: "how far the tokens of two keys are from their weights", Metric: "weights/off", Bound: experiment.AtMost, Limit: 0.05},
		{Text: "no request fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "{alone,beside}/{first,inter}_token_{p50,p99}_us", Text: "of priority requests: an idle server, and beside the flood"},
		{Name: "{alone,beside}/requests", Text: "priority requests that were measured"},
		{Name: "{first,inter}_token_p99_ratio", Text: "beside the flood over alone"},
		{Name: "worst/p99_ratio", Text: "the worse of the two"},
		{Name: "flood/part", Text: "of the tokens of prompts and answers, while priority requests come, those of the flood"},
		{Name: "flood/tokens_per_s", Text: "tokens of its prompts and answers meanwhile"},
		{Name: "weights/{large,small}_tokens", Text: "tokens of the keys' prompts and answers"},
		{Name: "weights/ratio", Text: "the larger key's over the smaller one's"},
		{Name: "weights/off", Text: "how far that is from the weights, as a part of them"},
		{Name: "errors", Text: "requests that failed"},
	},
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Rounds:   5,
	Quick:    []string{"-seconds=1", "-warm=0.5"},
}
