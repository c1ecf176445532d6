package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/weirgo/weir/bench/internal/harness"
)

// ceilingShare is the part of the bare loop's rate that the server must keep.
const ceilingShare = 0.8

func init() {
	e := harness.Experiment{
		ID:    "ceiling",
		Title: "the server against a bare decode loop",
		Claim: "No figure of the article's. The bar is our own: streaming over HTTP costs at most a fifth of what a bare " +
			"decode loop over the same library, model, threads and sampler reaches.",
		Metric: "worst/share",
		Label:  "worst server/loop ratio over batch sizes",
		Unit:   "ratio",
		Better: harness.HigherIsBetter,
		Bars:   []harness.Bar{{Text: "no request fails", Metric: "errors", Bound: harness.AtMost, Limit: 0}},
		// One client and one loop for both sides: what differs is the server.
		Arms: []harness.Arm{
			{Name: "loop", Toolchain: harness.Stock, Args: []string{"-arm=loop"}},
			{Name: "stock", Toolchain: harness.Stock, Args: []string{"-arm=server", "-server=${stock}/weir"}},
			{Name: "weir", Toolchain: harness.Stock, Args: []string{"-arm=server", "-server=${weir}/weir"}},
		},
		Packages: []string{"./server/cmd/weir"},
		Derive:   deriveShares,
		Quick:    []string{"-seconds=0.5", "-tokens=128"},
	}
	for _, batch := range []int{1, 8, 64} {
		e.Bars = append(e.Bars, harness.Bar{
			Text:   fmt.Sprintf("with %d streams the server keeps the share of the loop", batch),
			Metric: fmt.Sprintf("batch%d/share", batch), Bound: harness.AtLeast, Limit: ceilingShare,
		})
	}
	declare(e)
}

// deriveShares divides the servers' rates by the loop's of the same round.
func deriveShares(round harness.Round) error {
	for _, arm := range []string{"stock", "weir"} {
		worst := math.Inf(1)
		for name, rate := range maps.Clone(round[arm]) {
			batch, ok := strings.CutSuffix(name, "/tokens_per_s")
			if !ok {
				continue
			}
			loop := round["loop"][name]
			if loop <= 0 {
				return fmt.Errorf("derive shares: the loop has no rate for %s", batch)
			}
			share := rate / loop
			round[arm][batch+"/share"] = share
			worst = min(worst, share)
		}
		if math.IsInf(worst, 1) {
			return errors.New("derive shares: the server has no rate")
		}
		round[arm]["worst/share"] = worst
	}
	return nil
}
