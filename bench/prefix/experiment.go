package prefix

import "github.com/weirgo/weir/bench/internal/experiment"

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "prefix",
	Title: "prompts that begin like earlier ones",
	Claim: "No figure of the article's. The bars are our own: a prompt of 600 words that is sent again has its first token in a " +
		"tenth of the time, and of the prompts of 64 conversations of 10 turns, all under way at once, nine tenths are not computed again.",
	Metric: "repeated/share_of_first",
	Label:  "time to the first token of a prompt of 600 words sent again, over that of the first time",
	Unit:   "ratio",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "a repeated prompt's first token comes in a tenth of the time", Bound: experiment.AtMost, Limit: 0.1},
		{Text: "nine tenths of the conversations' prompts are reused", Metric: "conversations/cached_share", Bound: experiment.AtLeast, Limit: 0.9},
		{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0},
	},
	// One client for both: what differs is the server.
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Rounds:   3,
	Metrics: []experiment.Metric{
		{Name: "{first,repeated}/first_token_us", Text: "time to the first token of a prompt of 600 words, the median of several prompts"},
		{Name: "repeated/share_of_first", Text: "the second over the first"},
		{Name: "repeated/cached_share", Text: "tokens of repeated prompts that the server says it had, over all"},
		{Name: "conversations/cached_share", Text: "the same of all prompts of all turns"},
		{Name: "conversations/prompt_tokens", Text: "of all turns"},
		{Name: "conversations/seconds", Text: "from the first request to the last answer"},
		{Name: "errors", Text: "requests that failed"},
	},
	Quick: []string{"-prompts=2", "-conversations=8", "-turns=3"},
}
