package hostile

import (
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "hostile",
	Title: "streams while another client sends the worst bodies of 8 MiB",
	Claim: "No figure of the article's. The bars are our own: other streams' p99 time between tokens grows by at most " +
		"half, memory by at most 256 MiB, and the work for a client that has gone ends within 50 ms.",
	Mistaken: "The attackers share the machine's cores with the server and with the clients that are measured; what " +
		"they take for sending, and the kernel for moving their bytes, is in the figures. sink/ has what is left without " +
		"the server: the same bodies, to somebody who throws them away.",
	Metric: "worst/inter_token_p99_ratio",
	Label:  "p99 between two tokens beside the worst attack, over that without",
	Unit:   "ratio",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "p99 between two tokens of other streams, beside the worst body against none", Bound: experiment.AtMost, Limit: 1.5},
		{Text: "the same against the sink", Metric: "worst/inter_token_p99_beyond_sink", Bound: experiment.AtMost, Limit: 1.5},
		{Text: "resident memory at its peak over that before", Metric: "worst/rss_growth_mib", Bound: experiment.AtMost, Limit: 256},
		{Text: "from a disconnect to the end of its work", Metric: "worst/stop_ms", Bound: experiment.AtMost, Limit: 50},
		{Text: "no stream fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: "alone/inter_token_{p50,p99}_us", Text: "between two tokens, nobody attacks"},
		{Name: "alone/tokens_per_s", Text: "tokens of all streams"},
		{Name: "{attacks}/inter_token_{p50,p99}_us", Text: "between two tokens, beside the attack"},
		{Name: "{attacks}/tokens_per_s", Text: "tokens of all streams, beside it"},
		{Name: "{attacks}/bodies", Text: "bodies that the attackers got an answer for"},
		{Name: "{attacks}/rss_growth_mib", Text: "the server's memory at its peak, over that before"},
		{Name: "{attacks}/stop_ms", Text: "CPU time goes on for so long after the attacker is gone, nobody else asking"},
		{Name: "errors", Text: "streams that failed"},
		{Name: "worst/inter_token_p99_ratio", Text: "of the attacks, against alone in the same round"},
		{Name: "worst/inter_token_p99_beyond_sink", Text: "of the attacks, against the sink in the same round"},
		{Name: "worst/{rss_growth_mib,stop_ms}", Text: "of the attacks"},
	},
	Arms: []experiment.Arm{
		{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
		{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
	},
	Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
	Derive:   derive,
	Rounds:   5,
	Quick:    []string{"-seconds=0.5"},
}

// derive finds the worst of the attacks.
func derive(round experiment.Round) error {
	for arm, m := range round {
		alone, sink := m["alone/inter_token_p99_us"], m["sink/inter_token_p99_us"]
		if alone <= 0 || sink <= 0 {
			return fmt.Errorf("derive the worst: arm %s has no time between tokens alone, or beside the sink", arm)
		}
		ratio, growth, stop := 0.0, math.Inf(-1), 0.0
		for name, value := range maps.Clone(m) {
			switch _, what, _ := strings.Cut(name, "/"); {
			case strings.HasPrefix(name, "alone/"), strings.HasPrefix(name, "sink/"):
			case what == "inter_token_p99_us":
				ratio = max(ratio, value/alone)
			case what == "rss_growth_mib":
				growth = max(growth, value)
			case what == "stop_ms":
				stop = max(stop, value)
			}
		}
		m["worst/inter_token_p99_ratio"], m["worst/inter_token_p99_beyond_sink"] = ratio, ratio*alone/sink
		m["worst/rss_growth_mib"], m["worst/stop_ms"] = growth, stop
	}
	return nil
}
