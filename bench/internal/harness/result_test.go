package harness

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// declared returns a complete experiment.
func declared(t *testing.T, change func(*experiment.Declaration)) experiment.Declaration {
	t.Helper()
	e := experiment.Declaration{
		ID: "c99", Title: "a thing", Claim: "twice as fast", Metric: "time_ns", Label: "time", Unit: "ns",
		Better: experiment.LowerIsBetter, Bars: []experiment.Bar{{Text: "no slower", Ratio: true, Bound: experiment.AtMost, Limit: 1}},
		Metrics: []experiment.Metric{{Name: "time_ns", Text: "time"}},
	}
	if change != nil {
		change(&e)
	}
	e, err := e.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func rounds(stock, weir []float64) []experiment.Round {
	list := make([]experiment.Round, len(stock))
	for i := range list {
		list[i] = experiment.Round{"stock": {"time_ns": stock[i]}, "weir": {"time_ns": weir[i]}}
	}
	return list
}

func TestOrderAlternates(t *testing.T) {
	var got []int
	for round := range 4 {
		got = append(got, order(3, round)...)
	}
	if want := []int{0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
}

func TestHoldsFollowsTheBars(t *testing.T) {
	stock, weir := []float64{10, 11, 12}, []float64{5, 5, 6}
	tests := []struct {
		name           string
		bars           []experiment.Bar
		holds, certain bool
	}{
		{"ratio", []experiment.Bar{{Ratio: true, Bound: experiment.AtMost, Limit: 0.6}}, true, true},
		{"ratio missed", []experiment.Bar{{Ratio: true, Bound: experiment.AtMost, Limit: 0.1}}, false, true},
		{"value", []experiment.Bar{{Bound: experiment.AtMost, Limit: 5.5}}, true, false},
		{"other arm", []experiment.Bar{{Arm: "stock", Bound: experiment.AtLeast, Limit: 10}}, true, true},
		{"missed within noise, which is no excuse", []experiment.Bar{{Arm: "stock", Bound: experiment.AtMost, Limit: 10.5}}, false, false},
		{"missed within noise", []experiment.Bar{{Arm: "stock", BeyondNoise: true, Bound: experiment.AtMost, Limit: 10.5}}, true, false},
		{"missed beyond noise", []experiment.Bar{{Arm: "stock", BeyondNoise: true, Bound: experiment.AtMost, Limit: 9}}, false, true},
		{"worst round", []experiment.Bar{{EachRound: true, Bound: experiment.AtMost, Limit: 6}}, true, true},
		{"worst round missed, though the median holds", []experiment.Bar{{EachRound: true, Bound: experiment.AtMost, Limit: 5.5}}, false, true},
		{"least of all rounds", []experiment.Bar{{Arm: "stock", EachRound: true, Bound: experiment.AtLeast, Limit: 10.5}}, false, true},
		{"one of two", []experiment.Bar{{Bound: experiment.AtMost, Limit: 1}, {Bound: experiment.AtMost, Limit: 9}}, false, true},
	}
	for _, test := range tests {
		e := declared(t, func(e *experiment.Declaration) {
			for i := range test.bars {
				test.bars[i].Text = "bar"
			}
			e.Bars = test.bars
		})
		result, err := conclude(e, rounds(stock, weir))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if result.Holds != test.holds || result.Details.Bars[0].Certain != test.certain {
			t.Errorf("%s: holds %v, bars %+v", test.name, result.Holds, result.Details.Bars)
		}
	}
}

func TestConcludeRefusesGaps(t *testing.T) {
	e := declared(t, nil)
	incomplete := rounds([]float64{1, 2}, []float64{1, 2})
	delete(incomplete[1]["weir"], "time_ns")
	incomplete[1]["weir"]["other"] = 1
	unmeasured := declared(t, func(e *experiment.Declaration) { e.Bars[0].Metric = "space_bytes" })
	for name, run := range map[string]func() (Result, error){
		"a round short":       func() (Result, error) { return conclude(e, incomplete) },
		"bar of no metric":    func() (Result, error) { return conclude(unmeasured, rounds([]float64{1}, []float64{1})) },
		"stock's median zero": func() (Result, error) { return conclude(e, rounds([]float64{0}, []float64{1})) },
	} {
		if _, err := run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestResultFileHasItsKeys(t *testing.T) {
	result, err := conclude(declared(t, nil), rounds([]float64{4, 4, 4}, []float64{2, 2, 2}))
	if err != nil {
		t.Fatal(err)
	}
	result.Params = map[string]any{"rounds": 3}
	file := ResultFile(t.TempDir(), "c99")
	if err := writeJSON(file, result); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"claim", "details", "holds", "id", "machine", "metric", "params", "ratio", "stock", "unit", "weir"}
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
		t.Errorf("keys are %v, want %v", keys, want)
	}
	if ratio := got["ratio"]; !reflect.DeepEqual(ratio, map[string]any{"median": 0.5, "low": 0.5, "high": 0.5}) {
		t.Errorf("ratio is %v", ratio)
	}
	if got["stock"] != 4.0 || got["weir"] != 2.0 || got["holds"] != true {
		t.Errorf("stock %v, weir %v, holds %v", got["stock"], got["weir"], got["holds"])
	}
	back, err := ReadResult(file)
	if err != nil || !reflect.DeepEqual(back.Details.Metrics, result.Details.Metrics) {
		t.Errorf("read back %+v, %v", back.Details.Metrics, err)
	}
}

func TestWriteFileReplacesAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "r.json")
	if err := WriteFile(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := WriteFile(file, []byte("new")); err != nil {
		t.Fatal(err)
	}
	held := make([]byte, 3)
	if _, err := reader.Read(held); err != nil || string(held) != "old" {
		t.Errorf("the open file reads %q, %v", held, err)
	}
	if text, _ := os.ReadFile(file); string(text) != "new" {
		t.Errorf("the path reads %q", text)
	}
	if err := writeJSON(file, func() {}); err == nil {
		t.Error("encoded a function")
	}
	if err := WriteFile(filepath.Join(dir, "missing", "r.json"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestMergeParams(t *testing.T) {
	got := mergeParams(map[string]map[string]string{
		"loop":  {"model": "tiny", "arm": "loop"},
		"stock": {"model": "tiny", "arm": "server", "io": "net"},
		"weir":  {"model": "tiny", "arm": "loop"},
	})
	if want := (map[string]any{"model": "tiny", "io": "net"}); !reflect.DeepEqual(got, want) {
		t.Errorf("merged to %v, want %v", got, want)
	}
}

func TestParamsNameNoPlace(t *testing.T) {
	r := &Runner{root: "/home/somebody/weir"}
	got := r.params([]rawSample{{Arm: "weir", Sample: Sample{Params: map[string]string{
		"model": "/home/somebody/weir/build/models/tiny.gguf", "cache": "/home/somebody/weirs", "n": "3",
	}}}}, 2)
	want := map[string]any{"model": "${root}/build/models/tiny.gguf", "cache": "/home/somebody/weirs", "n": "3", "rounds": 2, "quick": false}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	won, lost := declared(t, func(e *experiment.Declaration) { e.ID = "c97" }), declared(t, func(e *experiment.Declaration) { e.ID = "c98" })
	broken, idle := declared(t, nil), declared(t, func(e *experiment.Declaration) { e.ID = "idle" })
	for _, run := range []struct {
		e    experiment.Declaration
		weir float64
	}{{won, 1}, {lost, 3}} {
		result, err := conclude(run.e, rounds([]float64{2, 2}, []float64{run.weir, run.weir}))
		if err != nil {
			t.Fatal(err)
		}
		result.Details.Arms = []ArmResult{{Name: "stock"}, {Name: "weir"}}
		if err := writeJSON(ResultFile(dir, run.e.ID), result); err != nil {
			t.Fatal(err)
		}
	}
	failed := map[string]error{"c99": errors.New("no engine")}
	if err := WriteReport(dir, []experiment.Declaration{won, lost, broken, idle}, failed); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| c97 | time, ns | 2 | 1 | 0.5 [0.5, 0.5] | hold |",
		"| c98 | time, ns | 2 | 3 | 1.5 [1.5, 1.5] | **missed** |",
		"| c99 | time | | | | failed |", "no engine",
		"| idle | time | | | | not run |",
		"twice as fast",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the report:\n%s", want, text)
		}
	}
}
