package slo

import (
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

func TestDerive(t *testing.T) {
	m := experiment.Measurements{
		"alone/gap_p50_us": 3, "x3/within": 0.98, "x10/within": 0.995, "x3/server_within": 0.99, "x10/server_within": 0.97,
		"x3/of_room": 0.9, "x10/of_room": 0.8, "x3/kept": 0.1,
	}
	if err := Experiment.Derive(experiment.Round{"weir": m}); err != nil {
		t.Fatal(err)
	}
	if m["least/within"] != 0.98 || m["least/server_within"] != 0.97 || m["least/of_room"] != 0.8 {
		t.Errorf("derived %v", m)
	}
	if err := Experiment.Derive(experiment.Round{"weir": {"alone/gap_p50_us": 3}}); err == nil {
		t.Error("no objective was measured, and something derived")
	}
}
