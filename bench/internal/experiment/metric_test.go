package experiment

import (
	"strings"
	"testing"
)

// flags are those of a command.
func flags(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestExpand(t *testing.T) {
	values := flags(map[string]string{"streams": "1,64", "none": ""})
	for name, want := range map[string]string{
		"errors":                     "errors",
		"wait_{p50,p99}_us":          "wait_p50_us wait_p99_us",
		"streams{streams}/cpu_us":    "streams1/cpu_us streams64/cpu_us",
		"{stuck,streams{streams}}/x": "stuck/x streams1/x streams64/x",
		"{stuck,of{none}}/{a,b}":     "stuck/a stuck/b",
		"of{none}/x":                 "",
	} {
		got, err := Metric{Name: name}.Expand(values)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s stands for %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "a b", "of{posts}/x", "of{a,b", "a}", "{streams{}}"} {
		if got, err := (Metric{Name: name}).Expand(values); err == nil {
			t.Errorf("%q was taken: %v", name, got)
		}
	}
}

// TestPlansAreChecked: a deciding metric or a bar of what no arm measures is
// refused, also where only the flags do not ask for it.
func TestPlansAreChecked(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(*Declaration)
	}{
		{"", func(d *Declaration) { d.Bars[0] = Bar{Text: "x", Metric: "of8/rate", Bound: AtMost} }},
		{"arm weir does not measure of9/rate", func(d *Declaration) { d.Bars[0] = Bar{Text: "x", Metric: "of9/rate", Bound: AtMost} }},
		{"arm stock does not measure of8/rate", func(d *Declaration) { d.Bars[0].Metric = "of8/rate" }},
		{"arm stock does not measure space_bytes", func(d *Declaration) { d.Metric = "space_bytes" }},
		{"its figure needs it", func(d *Declaration) { d.Figure = &Figure{Metrics: []string{"of8/rate"}, Label: "rate"} }},
	} {
		d, err := declared(func(d *Declaration) {
			d.Arms = []Arm{{Name: "loop", Toolchain: Stock}, {Name: "stock", Toolchain: Stock}, {Name: "weir", Toolchain: Weir}}
			d.Metrics = []Metric{{Name: "time_ns"}, {Name: "of{sizes}/rate", Arms: []string{"weir", "loop"}}}
			test.change(d)
		}).Complete()
		if err != nil {
			t.Fatal(err)
		}
		plan, err := PlanOf(d.Metrics, flags(map[string]string{"sizes": "1,8"}))
		if err != nil {
			t.Fatal(err)
		}
		err = d.CheckPlans(map[string]Plan{"loop": plan, "stock": plan, "weir": plan})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("error is %v, want %q", err, test.want)
		}
	}
}
