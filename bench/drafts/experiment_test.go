package drafts

import (
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

func TestDerive(t *testing.T) {
	m := experiment.Measurements{
		"demo/repeats/lookup/1/speed_of_none": 2, "made/repeats/model/8/speed_of_none": 0.98, "made/repeats/model/8/cpu_of_none": 0.1,
		"demo/plain/lookup/1/speed_of_none": 1.01, "made/misleads/model/1/speed_of_none": 0.9,
	}
	if err := Experiment.Derive(experiment.Round{"weir": m}); err != nil {
		t.Fatal(err)
	}
	if m["least/plain_speed"] != 0.9 || m["least/repeats_speed"] != 0.98 {
		t.Errorf("%v", m)
	}
	if err := Experiment.Derive(experiment.Round{"weir": {"parted": 0}}); err == nil {
		t.Error("the least of nothing was derived")
	}
}
