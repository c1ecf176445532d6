package ggroupprom_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/ggroup/ggroupprom"
)

func TestCollector(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(ggroupprom.NewCollector()); err != nil {
		t.Fatal(err)
	}
	// Two groups of one name are one series: Gather fails on a double one.
	stop := make(chan struct{})
	for range 2 {
		g := ggroup.New("scraped", ggroup.WithClass(ggroup.Background))
		ready := make(chan struct{})
		ggroup.BindTo(g, func() { close(ready); <-stop })
		<-ready
		defer func() {
			if err := g.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}()
	}
	defer close(stop)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{"go_group_goroutines": 2, "go_group_goroutines_created_total": 2} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	if len(families) != 16 {
		t.Errorf("%d metrics, want 16: %v", len(families), got)
	}
}

func Example() {
	prometheus.MustRegister(ggroupprom.NewCollector())
	fmt.Println("registered")
	// Output: registered
}
