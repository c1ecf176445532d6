package gang

import (
	"fmt"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "gang",
		Title: "C calls that compute, beside goroutines that want every processor",
		Claim: "No figure of the article's, but its wish: inference undisturbed by what else the process does. The bars are " +
			"our own. A decode on n spinning threads beside CPU-bound goroutines keeps 0.75 of its speed alone; eight streams " +
			"beside a flood of /tokenize get 1.6 times the tokens that they get where a decode has no cores of its own (arm " +
			"\"free\"), and the flood keeps 0.8 of its rate there.",
		Mistaken: "Priority alone does not help a computing C call: it is its thread that has to have a core, and the library's " +
			"other threads are not even known. One too many, and each meeting of them waits for a time slice. So others have " +
			"to stand back for the time of a call. They cannot for ever: with as many threads as processors, they keep an eighth.",
		Metric: "worst/kept",
		Label:  "a decode's speed beside hogs, of its speed alone, the least over thread counts",
		Unit:   "ratio",
		Better: experiment.HigherIsBetter,
		Bars: []experiment.Bar{
			{Text: "a decode on one thread beside hogs", Metric: "threads1/kept", Bound: experiment.AtLeast, Limit: 0.75},
			{Text: "a decode on two threads beside hogs", Metric: "threads2/kept", Bound: experiment.AtLeast, Limit: 0.75},
			{Text: "the hogs keep their least share beside two threads", Metric: "threads2/hogs_share", Bound: experiment.AtLeast, Limit: 0.05},
			{Text: "eight streams beside a flood, against no cores of their own", Metric: "served/tokens_gain", Bound: experiment.AtLeast, Limit: 1.6},
			{Text: "the flood beside eight streams, against the same", Metric: "served/flood_gain", Bound: experiment.AtLeast, Limit: 0.8},
			{Text: "no request fails", Metric: "served/errors", Bound: experiment.AtMost, Limit: 0},
		},
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
			{Name: "free", Toolchain: experiment.Weir, Args: []string{"-server=${weir}/weir", "-cores=free"}},
			{Name: "weir", Toolchain: experiment.Weir, Args: []string{"-server=${weir}/weir"}},
		},
		Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
		Derive:   deriveGains,
		Metrics: []experiment.Metric{
			{Name: "threads{threads}/{alone,beside}_tokens_per_s", Text: "tokens of a bare decode loop, without the hogs and beside them"},
			{Name: "threads{threads}/kept", Text: "the second over the first"},
			{Name: "threads{threads}/hogs_share", Text: "the hogs' turns beside the loop, of those they make alone"},
			{Name: "worst/kept", Text: "the least that is kept"},
			{Name: "served/tokens_per_s", Text: "tokens of all streams beside the flood"},
			{Name: "served/inter_token_{p50,p99}_us", Text: "time between two tokens of a stream"},
			{Name: "served/flood_per_s", Text: "requests to /tokenize that were answered"},
			{Name: "served/errors", Text: "requests that failed, of both kinds"},
			{Name: "served/{tokens,flood}_gain", Text: "the rate over that of the arm \"free\" in the same round", Arms: []string{"weir"}},
		},
		Quick: []string{"-window=300ms", "-flood=4"},
	}
	return e
}

// deriveGains divides the server's rates by those of the arm in which a decode
// has no cores of its own.
func deriveGains(round experiment.Round) error {
	for gain, rate := range map[string]string{"served/tokens_gain": "served/tokens_per_s", "served/flood_gain": "served/flood_per_s"} {
		free := round["free"][rate]
		if free <= 0 {
			return fmt.Errorf("derive gains: the arm free has no %s", rate)
		}
		round["weir"][gain] = round["weir"][rate] / free
	}
	return nil
}
