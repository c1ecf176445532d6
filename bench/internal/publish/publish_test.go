package publish

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/harness"
)

// result is one of two arms, whose bar holds or not.
func result(id string, better experiment.Direction, stock, weir float64, holds bool) harness.Result {
	spread := func(v float64) harness.Spread { return harness.Spread{Median: v, Low: 0.9 * v, High: 1.1 * v, N: 10} }
	ratio := harness.Ratio{Median: weir / stock, Low: 0.9 * weir / stock, High: 1.1 * weir / stock}
	return harness.Result{
		ID: id, Metric: "time of " + id, Unit: "ns", Stock: stock, Weir: weir, Ratio: ratio, Claim: "none", Holds: holds,
		Params: map[string]any{"quick": false, "rounds": 10},
		Details: harness.Details{
			Title: "a thing", Metric: "time_ns", Better: better,
			Bars:    []harness.BarResult{{Text: "fast", Metric: "time_ns", Of: "weir", Holds: holds, Certain: true, Bound: experiment.AtMost}},
			Arms:    []harness.ArmResult{{Name: "stock"}, {Name: "weir"}},
			Metrics: map[string]harness.Measured{"time_ns": {Arms: map[string]harness.Spread{"stock": spread(stock), "weir": spread(weir)}, Ratio: &ratio}},
		},
	}
}

func write(t *testing.T, file string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkDrawing reports an SVG that is not well-formed or lacks a text.
func checkDrawing(t *testing.T, file string, texts ...string) {
	t.Helper()
	text := read(t, file)
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not show %q", file, want)
		}
	}
}

func TestWrite(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "results")
	var experiments []experiment.Declaration
	for _, id := range []string{"won", "lost", "rate", "smoke", "absent"} {
		experiments = append(experiments, experiment.Declaration{ID: id, Title: "a thing", Label: "time"})
	}
	experiments[0].Figure = &experiment.Figure{Metrics: []string{"time_ns"}, Label: "nanoseconds"}
	write(t, harness.ResultFile(from, "won"), result("won", experiment.LowerIsBetter, 150_000, 75, true))
	write(t, harness.ResultFile(from, "lost"), result("lost", experiment.LowerIsBetter, 10, 20, false))
	write(t, harness.ResultFile(from, "rate"), result("rate", experiment.HigherIsBetter, 1, 4, true))
	smoke := result("smoke", experiment.LowerIsBetter, 1, 1, true)
	smoke.Params["quick"] = true
	write(t, harness.ResultFile(from, "smoke"), smoke)
	write(t, filepath.Join(from, "won"+harness.AgainstInfix+"0123.json"), harness.Comparison{
		ID: "won", Title: "a thing", Old: "0123", Params: map[string]any{"rounds": 10},
		Metrics: map[string]harness.Measured{"time_ns": {Arms: map[string]harness.Spread{"old": {Median: 7}, "new": {Median: 8}}}},
	})
	var log bytes.Buffer
	if err := Write(from, to, experiments, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "smoke.json is of a smoke run") {
		t.Errorf("logged %q", log.String())
	}
	table := read(t, filepath.Join(to, TableFile))
	for _, want := range []string{
		"| `won` | time of won (ns, lower is better) | 150000 | 75 | 0.0005 [0.00045, 0.00055] | 1 of 1 hold |",
		"| `lost` | time of lost (ns, lower is better) | 10 | 20 | 2 [1.8, 2.2] | **0 of 1 hold** |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in the table:\n%s", want, table)
		}
	}
	if strings.Contains(table, "smoke") {
		t.Error("a smoke run is in the table")
	}
	report := read(t, filepath.Join(to, harness.ReportFile))
	for _, want := range []string{"![time of lost](lost.svg)", "**missed**", "| absent | time | | | | not run |", "a thing against 0123", "| time_ns | 7 [0, 0] | 8 [0, 0] |"} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is not in the report:\n%s", want, report)
		}
	}
	checkDrawing(t, filepath.Join(to, gainsFile), "won", "2000", "lost", "0.5", "rate", "4")
	checkDrawing(t, harness.PlotFile(to, "won"), "time_ns, stock Go", "time_ns, ours", "150000", "75", "nanoseconds")
	checkDrawing(t, harness.PlotFile(to, "lost"), "stock", "weir", "10", "20")

	// One experiment measured again leaves the others where they are.
	if err := os.Remove(harness.ResultFile(from, "lost")); err != nil {
		t.Fatal(err)
	}
	write(t, harness.ResultFile(from, "won"), result("won", experiment.LowerIsBetter, 100, 50, true))
	if err := Write(from, to, experiments, &log); err != nil {
		t.Fatal(err)
	}
	if table := read(t, filepath.Join(to, TableFile)); !strings.Contains(table, "| 100 | 50 |") || !strings.Contains(table, "| 10 | 20 |") {
		t.Errorf("the table after the second run:\n%s", table)
	}
}

func TestWriteNeedsResults(t *testing.T) {
	if err := Write(t.TempDir(), t.TempDir(), []experiment.Declaration{{ID: "c05"}}, io.Discard); err == nil {
		t.Error("nothing was published")
	}
	from := t.TempDir()
	if err := os.WriteFile(harness.ResultFile(from, "c05"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(from, t.TempDir(), []experiment.Declaration{{ID: "c05"}}, io.Discard); err == nil {
		t.Error("a broken result was taken")
	}
}

// TestGain: where an interval reaches below zero, the drawing does not.
func TestGain(t *testing.T) {
	r := result("c05", experiment.LowerIsBetter, 100, 1, true)
	r.Ratio.Low = -0.5
	if v, ok := gain(r); !ok || v.median != 100 || v.high != 100 || v.shade != won {
		t.Errorf("gain is %+v, %v", v, ok)
	}
	r.Ratio.Median = -0.1
	if v, ok := gain(r); ok {
		t.Errorf("a time below zero has the gain %+v", v)
	}
}
