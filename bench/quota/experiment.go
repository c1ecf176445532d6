package quota

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// keeps is the part of the proportional rate that the server must make, and followLimit
// how late it may follow a change, in ms.
const (
	keeps       = 0.8
	followLimit = 1000
)

// Experiment is the declaration.
var Experiment = declare()

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "quota",
		Title: "the server under a CPU quota, beside hogs",
		Claim: "No figure of the article's. The bars are our own: under a quota the server makes 0.8 of what the quota's part " +
			"of the time that it took without would make, beside a process for each processor that never rests; and it " +
			"knows of a change within a second.",
		Mistaken: "The proportional rate is that without a quota, beside the same hogs, in proportion to the processors' time " +
			"that the server took then: a quota above that bounds nothing. On a machine of two processors the engine has one " +
			"thread whatever the quota, so that what is seen there is throttling, not too many threads.",
		Metric: "worst/share",
		Label:  "least part of the proportional rate over the quotas",
		Unit:   "ratio",
		Better: experiment.HigherIsBetter,
		Bars: []experiment.Bar{
			{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0},
			{Text: "each change of the quota is followed in time, in each round", Metric: "worst/follow_ms", EachRound: true, Bound: experiment.AtMost, Limit: followLimit},
		},
		// One client for both sides: what differs is the server.
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
			{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
		},
		Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
		Metrics: []experiment.Metric{
			{Name: "none/tokens_per_s", Text: "tokens of all streams without a quota"},
			{Name: "none/processors", Text: "processors' time that the server took in a second, without a quota"},
			{Name: "quota{percents}/tokens_per_s", Text: "tokens of all streams under a quota, in percent of a processor"},
			{Name: "quota{percents}/processors", Text: "processors' time that the server took in a second then"},
			{Name: "quota{percents}/share", Text: "the rate over the proportional one"},
			{Name: "quota{percents}/follow_ms", Text: "from the change until the server says that it knows"},
			{Name: "worst/share", Text: "the least share"},
			{Name: "worst/follow_ms", Text: "the latest"},
			{Name: "errors", Text: "requests that failed"},
		},
		Quick:   []string{"-seconds=0.5", "-settle=200ms"},
		Rounds:  3,
		Timeout: 2 * time.Minute,
	}
	for _, percent := range []int{150, 100, 50} {
		e.Bars = append(e.Bars, experiment.Bar{
			Text:   fmt.Sprintf("under a quota of %d %% it makes its share", percent),
			Metric: fmt.Sprintf("quota%d/share", percent), Bound: experiment.AtLeast, Limit: keeps,
		})
	}
	return e
}
