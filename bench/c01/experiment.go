package c01

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Timeout is what an arm may take: the article's load is 100 000 tokens, and a
// service that makes them one by one needs minutes for a model of any size.
const Timeout = 30 * time.Minute

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "c01",
	Title: "a Flask service and our server under the article's load",
	Claim: "A serving layer in Go in front of the engine answers with a P99 of 210 ms at 100 connections of 1 000 tokens each, " +
		"64 % below a Flask service.",
	Mistaken: "210 ms for 1 000 tokens would be 0.2 ms a token and stream, which no model takes: it can only be the time to the " +
		"first. The ratio is held against the time of whole requests, and the time to the first token is shown beside it. What " +
		"the ratio comes to depends on the model: a service that decodes one request at a time loses what batching gains, little " +
		"on a CPU that computes all it can for one row, and most of the device on a GPU.",
	Metric: "request_p99_ms",
	Label:  "P99 of a request: Flask + gunicorn over the same library, our server",
	Unit:   "ms",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "P99 is 64 % lower than an idiomatic Flask service's", Ratio: true, Bound: experiment.AtMost, Limit: 0.36},
		{Text: "and there are three times the tokens a second", Metric: "tokens_per_s", Ratio: true, Bound: experiment.AtLeast, Limit: 3},
		{Text: "P99 is lower than that of a Flask service that batches", Metric: "p99_vs_batched", Bound: experiment.AtMost, Limit: 1},
		{Text: "and so is the CPU time of a token", Metric: "cpu_vs_batched", Bound: experiment.AtMost, Limit: 1},
		{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0},
		{Text: "nor does one of the Flask service", Metric: "errors", Arm: "stock", Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "request_{p50,p99}_ms", Text: "from when a request was due to the end of its answer"},
		{Name: "first_token_{p50,p99}_ms", Text: "from when a request was due to its first text"},
		{Name: "inter_token_{p50,p99}_ms", Text: "between two frames with text of one stream"},
		{Name: "tokens_per_s", Text: "of all requests, over the whole run"},
		{Name: "cpu_us_per_token", Text: "CPU time of the service's processes, for each token"},
		{Name: "client_cpu_us_per_token", Text: "the same of the clients"},
		{Name: "resident_mib", Text: "memory of the service's processes behind the load"},
		{Name: "errors", Text: "requests that failed"},
		{Name: "{p99,rate,cpu}_vs_{workers,batched}", Text: "over those of that arm in the same round", Arms: []string{"weir"}},
	},
	// One client for all: what differs is the service.
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-arm=flask", "-generator=Locked"}},
		{Name: "workers", Toolchain: experiment.Stock, Args: []string{"-arm=flask", "-generator=Locked", "-workers=0"}},
		{Name: "batched", Toolchain: experiment.Stock, Args: []string{"-arm=flask", "-generator=Batched"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-arm=server", "-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Derive:   deriveShares,
	Quick:    []string{"-connections=8", "-tokens=64"},
	Rounds:   3,
	Timeout:  Timeout,
}

// deriveShares relates our server to the other ways of a Flask service.
func deriveShares(round experiment.Round) error {
	for _, arm := range []string{"workers", "batched"} {
		for share, metric := range map[string]string{"p99": "request_p99_ms", "rate": "tokens_per_s", "cpu": "cpu_us_per_token"} {
			other := round[arm][metric]
			if other <= 0 {
				return fmt.Errorf("derive shares: the arm %s has no %s", arm, metric)
			}
			round["weir"][share+"_vs_"+arm] = round["weir"][metric] / other
		}
	}
	return nil
}
