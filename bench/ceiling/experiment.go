package ceiling

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Parts of the bare loop's rate that the server must keep: with streams of any
// text, and with each held to a JSON schema.
const (
	ceilingShare = 0.97
	schemaShare  = 0.90
)

// Experiment is the declaration.
var Experiment = declare()

// servers are the arms that are not the loop.
var servers = []string{"stock", "weir"}

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "ceiling",
		Title: "the server against a bare decode loop",
		Claim: "No figure of the article's. The bars are our own: streaming over HTTP costs at most 3 % of what a bare " +
			"decode loop over the same library, model, threads and sampler reaches, and 10 % with every answer held to a JSON " +
			"schema, which the loop's is not.",
		Metric: "worst/share",
		Label:  "worst server/loop ratio over batch sizes",
		Unit:   "ratio",
		Better: experiment.HigherIsBetter,
		Bars:   []experiment.Bar{{Text: "no request fails", Metric: "errors", Bound: experiment.AtMost, Limit: 0}},
		// One client and one loop for both sides: what differs is the server.
		Arms: []experiment.Arm{
			{Name: "loop", Toolchain: experiment.Stock, Args: []string{"-arm=loop"}},
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-arm=server", "-server=${stock}/weir"}},
			{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-arm=server", "-server=${weir}/weir"}},
		},
		Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
		Derive:   deriveShares,
		Metrics: []experiment.Metric{
			{Name: "batch{batches}/tokens_per_s", Text: "tokens of all streams while all decode"},
			{Name: "batch{batches}/cpu_us_per_token", Text: "CPU time of the process that holds the engine"},
			{Name: "schema{batches}/tokens_per_s", Text: "tokens of all streams, each held to a JSON schema", Arms: servers},
			{Name: "schema{batches}/cpu_us_per_token", Text: "CPU time of the server with them", Arms: servers},
			{Name: "{batch,schema}{batches}/client_cpu_us_per_token", Text: "CPU time of the clients", Arms: servers},
			{Name: "{batch,schema}{batches}/{first,inter}_token_{p50,p99}_us", Text: "time to the first token, and between two", Arms: servers},
			{Name: "errors", Text: "requests that failed", Arms: servers},
			{Name: "{batch,schema}{batches}/share", Text: "the server's rate over the loop's, of any text, of the same round", Arms: servers},
			{Name: "worst/share", Text: "the least of these for any text", Arms: servers},
			{Name: "worst/schema_share", Text: "the least of these with a schema", Arms: servers},
		},
		Quick:   []string{"-seconds=0.5", "-tokens=128"},
		Timeout: 5 * time.Minute,
	}
	for _, batch := range []int{1, 8, 64, 128} {
		e.Bars = append(e.Bars, experiment.Bar{
			Text:   fmt.Sprintf("with %d streams the server keeps the share of the loop", batch),
			Metric: fmt.Sprintf("batch%d/share", batch), Bound: experiment.AtLeast, Limit: ceilingShare,
		}, experiment.Bar{
			Text:   fmt.Sprintf("with %d streams, each held to a schema, it keeps its share", batch),
			Metric: fmt.Sprintf("schema%d/share", batch), Bound: experiment.AtLeast, Limit: schemaShare,
		})
	}
	return e
}

// deriveShares divides the servers' rates by the loop's of the same round.
func deriveShares(round experiment.Round) error {
	for _, arm := range servers {
		for prefix, least := range map[string]string{"batch": "worst/share", "schema": "worst/schema_share"} {
			worst := math.Inf(1)
			for name, rate := range maps.Clone(round[arm]) {
				cell, ok := strings.CutSuffix(name, "/tokens_per_s")
				size, ours := strings.CutPrefix(cell, prefix)
				if !ok || !ours {
					continue
				}
				loop := round["loop"]["batch"+size+"/tokens_per_s"]
				if loop <= 0 {
					return fmt.Errorf("derive shares: the loop has no rate for %s", cell)
				}
				round[arm][cell+"/share"] = rate / loop
				worst = min(worst, rate/loop)
			}
			if math.IsInf(worst, 1) {
				return errors.New("derive shares: the server has no rate")
			}
			round[arm][least] = worst
		}
	}
	return nil
}
