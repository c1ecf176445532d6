package experiment

import (
	"slices"
	"testing"
)

// declared returns a declaration that is sound but for the change.
func declared(change func(*Declaration)) Declaration {
	d := Declaration{
		ID: "c99", Title: "a thing", Claim: "twice as fast", Metric: "time_ns", Label: "time", Unit: "ns",
		Better: LowerIsBetter, Bars: []Bar{{Text: "no slower", Ratio: true, Bound: AtMost, Limit: 1}},
		Metrics: []Metric{{Name: "time_ns", Text: "time"}},
	}
	if change != nil {
		change(&d)
	}
	return d
}

func TestDeclarationsAreChecked(t *testing.T) {
	valid, err := declared(nil).Complete()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Declaration){
		"path in id":       func(d *Declaration) { d.ID = "../c99" },
		"no claim":         func(d *Declaration) { d.Claim = "" },
		"no direction":     func(d *Declaration) { d.Better = "" },
		"no bar":           func(d *Declaration) { d.Bars = nil },
		"no metric":        func(d *Declaration) { d.Metrics = nil },
		"bar of no arm":    func(d *Declaration) { d.Bars = []Bar{{Text: "x", Arm: "mars", Bound: AtMost}} },
		"bar of no bound":  func(d *Declaration) { d.Bars = []Bar{{Text: "x"}} },
		"ratio of a round": func(d *Declaration) { d.Bars[0].EachRound = true },
		"many rounds":      func(d *Declaration) { d.Rounds = MaxRounds + 1 },
		"arm twice":        func(d *Declaration) { d.Arms = append(d.Arms, d.Arms[0]) },
		"empty figure":     func(d *Declaration) { d.Figure = &Figure{Label: "ns"} },
		"no weir":          func(d *Declaration) { d.Arms = d.Arms[:1] },
		"arm of no source": func(d *Declaration) { d.Arms = append(d.Arms, Arm{Name: "loop"}) },
	} {
		d := valid
		d.Arms, d.Bars = slices.Clone(valid.Arms), slices.Clone(valid.Bars)
		change(&d)
		if _, err := d.Complete(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
