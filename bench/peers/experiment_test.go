package peers

import (
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// measured is what an arm measures at one number of streams.
func measured(cell string, rate, first, between float64) experiment.Measurements {
	return experiment.Measurements{
		cell + "/tokens_per_s": rate, cell + "/first_token_p99_us": first, cell + "/inter_token_p99_us": between,
	}
}

// TestTheWorstOfAllCellsDecides: over the peers that are there and have a rate.
func TestTheWorstOfAllCellsDecides(t *testing.T) {
	round := experiment.Round{
		"stock": measured("streams8", 100, 10, 10), "weir": measured("streams8", 200, 5, 5),
		"llamaserver": measured("streams8", 100, 20, 4),
	}
	for name, value := range measured("streams64", 300, 10, 10) {
		round["weir"][name] = value
	}
	for name, value := range measured("streams64", 0, 0, 0) { // it failed
		round["llamaserver"][name] = value
	}
	if err := deriveRatios(round); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"worst/rate_vs_peers": 2, "worst/first_token_p99_vs_peers": 0.25, "worst/inter_token_p99_vs_peers": 1.25,
	} {
		if got := round["weir"][name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	round["kronk"] = measured("streams64", 600, 1, 1)
	if err := deriveRatios(round); err != nil || round["weir"]["worst/rate_vs_peers"] != 0.5 {
		t.Errorf("with a faster peer: %v, %v", round["weir"], err)
	}
	delete(round, "kronk")
	delete(round, "llamaserver")
	if err := deriveRatios(round); err == nil {
		t.Error("no peer has a rate, and that is no error")
	}
}
