//go:build !goexperiment.ggroup

package ggroup_test

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

// TestStockGoSaysWhatItLacks: each option that needs the scheduler is listed.
func TestStockGoSaysWhatItLacks(t *testing.T) {
	g := open(t, "lacking",
		ggroup.WithClass(ggroup.Latency), ggroup.WithWeight(300), ggroup.WithCPUQuota(0.25),
		ggroup.WithExclusive(1), ggroup.WithEagerHandoff(), ggroup.WithAssistExempt(), ggroup.WithGCDeferral(0.5),
		ggroup.WithCompute(2), ggroup.WithNoStackScan())
	s := g.Stats()
	want := []string{"WithClass(latency)", "WithWeight(300)", "WithCPUQuota(0.25)",
		"WithExclusive(1)", "WithEagerHandoff()", "WithAssistExempt()", "WithGCDeferral(0.5)", "WithCompute(2)", "WithNoStackScan()"}
	if len(s.NotInEffect) != len(want) {
		t.Fatalf("NotInEffect = %+v, want %v", s.NotInEffect, want)
	}
	for i, n := range s.NotInEffect {
		if n.Option != want[i] || !strings.Contains(n.Why, "GOEXPERIMENT ggroup") {
			t.Errorf("NotInEffect[%d] = %+v, want %s", i, n, want[i])
		}
	}
	if g.ID() != 0 {
		t.Errorf("ID = %d, the runtime knows of none", g.ID())
	}
	if s.Class != ggroup.Latency || s.Weight != 300 || s.Compute != (ggroup.Compute{}) {
		t.Errorf("Stats = %+v", s)
	}
}
