package peers

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// The arms: those that are our server, and those that are another.
var (
	ours  = []string{"stock", "weir"}
	peers = []string{"llamaserver", "kronk"}
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "peers",
	Title: "other servers over the same engine library",
	Claim: "No figure of the article's. The bars are our own: against llama-server and Kronk over the same library, model and " +
		"engine threads, more tokens a second and a shorter time to the first at every number of streams.",
	Metric: "worst/rate_vs_peers",
	Label:  "tokens a second over a peer's, the least over peers and numbers of streams",
	Unit:   "ratio",
	Better: experiment.HigherIsBetter,
	Bars: []experiment.Bar{
		{Text: "no peer makes more tokens a second", Bound: experiment.AtLeast, Limit: 1},
		{Text: "nor is one's P99 to the first token shorter", Metric: "worst/first_token_p99_vs_peers", Bound: experiment.AtMost, Limit: 1},
		{Text: "nor its P99 between two tokens", Metric: "worst/inter_token_p99_vs_peers", Bound: experiment.AtMost, Limit: 1},
		{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0},
	},
	// One client for all: what differs is the server.
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-arm=server", "-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-arm=server", "-server=${weir}/weir"}},
		{Name: "llamaserver", Toolchain: experiment.Stock, Args: []string{"-arm=llama-server"}},
		{Name: "kronk", Toolchain: experiment.Stock, Args: []string{"-arm=kronk"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Derive:   deriveRatios,
	Metrics: []experiment.Metric{
		{Name: "streams{streams}/tokens_per_s", Text: "tokens of all streams, from the first request to the last token"},
		{Name: "streams{streams}/{first,inter}_token_{p50,p99}_us", Text: "time to the first token, and between two"},
		{Name: "streams{streams}/cpu_us_per_token", Text: "CPU time of the server's process, where it is known"},
		{Name: "streams{streams}/client_cpu_us_per_token", Text: "CPU time of the clients"},
		{Name: "errors", Text: "requests that failed"},
		{Name: "worst/rate_vs_peers", Text: "the least of our rates over a peer's of the same round", Arms: ours},
		{Name: "worst/first_token_p99_vs_peers", Text: "the greatest of our times over a peer's", Arms: ours},
		{Name: "worst/inter_token_p99_vs_peers", Text: "the greatest of our times over a peer's", Arms: ours},
	},
	Quick:   []string{"-seconds=0.5", "-tokens=64"},
	Timeout: 5 * time.Minute,
}

// deriveRatios relates our servers to the peers that there are. A cell in which a
// peer failed has no rate, and nothing is held against it.
func deriveRatios(round experiment.Round) error {
	for _, arm := range ours {
		rate, first, between := math.Inf(1), 0.0, 0.0
		for name, value := range round[arm] {
			cell, ok := strings.CutSuffix(name, "/tokens_per_s")
			if !ok {
				continue
			}
			for _, peer := range peers {
				theirs := round[peer]
				if theirs[name] <= 0 {
					continue
				}
				rate = min(rate, value/theirs[name])
				over := func(metric string) float64 { return round[arm][cell+metric] / theirs[cell+metric] }
				first = max(first, over("/first_token_p99_us"))
				between = max(between, over("/inter_token_p99_us"))
			}
		}
		if math.IsInf(rate, 1) {
			return errors.New("derive ratios: no peer has a rate")
		}
		round[arm]["worst/rate_vs_peers"] = rate
		round[arm]["worst/first_token_p99_vs_peers"] = first
		round[arm]["worst/inter_token_p99_vs_peers"] = between
	}
	return nil
}
