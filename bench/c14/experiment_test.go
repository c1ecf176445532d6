package c14

import (
	"math"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

func measured() experiment.Measurements {
	return experiment.Measurements{
		"padded/low/processors": 0.8, "fixed/low/processors": 0.1, "learned/low/processors": 0.11,
		"fixed/peak/requests": 9, "fixed/base/p99_ms": 10, "fixed/peak/p99_ms": 20, "fixed/base/gap_p99_us": 5, "fixed/peak/gap_p99_us": 5,
		"fixed/base/backlog": 1, "fixed/peak/backlog": 4,
		"learned/peak/requests": 9, "learned/base/p99_ms": 10, "learned/peak/p99_ms": 15, "learned/base/gap_p99_us": 4, "learned/peak/gap_p99_us": 5,
		"learned/base/backlog": 1, "learned/peak/backlog": 3,
		"made/learned/peak/requests": 9, "made/learned/base/p99_ms": 10, "made/learned/peak/p99_ms": 11,
		"made/learned/base/gap_p99_us": 4, "made/learned/peak/gap_p99_us": 4, "made/learned/base/backlog": 1, "made/learned/peak/backlog": 4,
	}
}

func TestDerive(t *testing.T) {
	m := measured()
	if err := Experiment.Derive(experiment.Round{"weir": m}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"fixed/p99_growth": 2, "learned/p99_growth": 1.5, "learned/gap_p99_growth": 1.25, "learned/backlog_growth": 3,
		"made/learned/p99_growth":   1.1,
		"low/learned_cpu_of_padded": 0.1375, "low/fixed_cpu_of_fixed": 1, "low/fixed_cpu_of_padded": 0.125,
	} {
		if got := m[name]; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, ok := m["low/made/learned_cpu_of_fixed"]; ok {
		t.Error("an engine that is made up has CPU time")
	}
	for _, missing := range []string{"padded/low/processors", "fixed/low/processors", "learned/base/p99_ms"} {
		m := measured()
		delete(m, missing)
		if err := Experiment.Derive(experiment.Round{"weir": m}); err == nil {
			t.Errorf("without %s something was derived", missing)
		}
	}
}
