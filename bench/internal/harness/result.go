package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Result is what an experiment found; <id>.json holds it.
type Result struct {
	ID      string         `json:"id"`
	Metric  string         `json:"metric"`
	Unit    string         `json:"unit"`
	Stock   float64        `json:"stock"` // median
	Weir    float64        `json:"weir"`  // median
	Ratio   Ratio          `json:"ratio"` // weir/stock
	Claim   string         `json:"claim"`
	Holds   bool           `json:"holds"` // all bars hold
	Params  map[string]any `json:"params"`
	Machine Machine        `json:"machine"`
	Details Details        `json:"details"`
}

// Details is everything else a reader may ask for.
type Details struct {
	Title    string               `json:"title"`
	Mistaken string               `json:"mistaken,omitempty"`
	Metric   string               `json:"metric"` // the name of the one that decides
	Better   experiment.Direction `json:"better"`
	Bars     []BarResult          `json:"bars"`
	Arms     []ArmResult          `json:"arms"`
	Metrics  map[string]Measured  `json:"metrics"`
	Warnings []string             `json:"warnings,omitempty"`
}

// BarResult is a bar and what it was held against.
type BarResult struct {
	Text   string           `json:"text"`
	Metric string           `json:"metric"`
	Of     string           `json:"of"` // an arm, an arm's worst round, or "ratio"
	Value  float64          `json:"value"`
	Bound  experiment.Bound `json:"bound"`
	Limit  float64          `json:"limit"`
	Holds  bool             `json:"holds"`
	// Certain: the whole confidence interval lies on the same side.
	Certain bool `json:"certain"`
}

// ArmResult says what an arm ran.
type ArmResult struct {
	Name string   `json:"name"`
	Go   string   `json:"go"`
	Args []string `json:"args"`
}

// Measured is one measurement over all rounds.
type Measured struct {
	Arms map[string]Spread `json:"arms"`
	// Ratio and P compare weir with stock, or the new with the old, where both
	// measured it.
	Ratio *Ratio   `json:"ratio,omitempty"`
	P     *float64 `json:"p,omitempty"`
}

// conclude computes the result of an experiment from its rounds.
func conclude(e experiment.Declaration, rounds []experiment.Round) (Result, error) {
	r := Result{ID: e.ID, Metric: e.Label, Unit: e.Unit, Claim: e.Claim, Holds: true}
	r.Details = Details{Title: e.Title, Mistaken: e.Mistaken, Metric: e.Metric, Better: e.Better}
	var arms []string
	for _, arm := range e.Arms {
		arms = append(arms, arm.Name)
	}
	var err error
	if r.Details.Metrics, err = summarize(arms, "stock", "weir", rounds); err != nil {
		return r, fmt.Errorf("harness: conclude %s: %w", e.ID, err)
	}
	headline := r.Details.Metrics[e.Metric]
	if headline.Ratio == nil {
		return r, fmt.Errorf("harness: conclude %s: metric %s has no ratio of weir to stock", e.ID, e.Metric)
	}
	r.Stock, r.Weir = headline.Arms["stock"].Median, headline.Arms["weir"].Median
	r.Ratio = *headline.Ratio
	for _, bar := range e.Bars {
		judged, err := judge(bar, r.Details.Metrics)
		if err != nil {
			return r, fmt.Errorf("harness: conclude %s: %w", e.ID, err)
		}
		r.Details.Bars = append(r.Details.Bars, judged)
		r.Holds = r.Holds && judged.Holds
	}
	return r, nil
}

// summarize sums up each measurement of the arms, and compares two of them. An
// arm that measured something in one round must have measured it in all.
func summarize(arms []string, base, other string, rounds []experiment.Round) (map[string]Measured, error) {
	metrics := make(map[string]Measured)
	values := func(arm, metric string) []float64 {
		list := make([]float64, 0, len(rounds))
		for _, round := range rounds {
			if value, ok := round[arm][metric]; ok {
				list = append(list, value)
			}
		}
		return list
	}
	for _, arm := range arms {
		names := make(map[string]bool)
		for _, round := range rounds {
			for name := range round[arm] {
				names[name] = true
			}
		}
		for name := range names {
			list := values(arm, name)
			if len(list) != len(rounds) {
				return nil, fmt.Errorf("arm %s measured %s in %d of %d rounds", arm, name, len(list), len(rounds))
			}
			if _, ok := metrics[name]; !ok {
				metrics[name] = Measured{Arms: make(map[string]Spread)}
			}
			metrics[name].Arms[arm] = newSpread(list)
		}
	}
	for name, m := range metrics {
		before, after := values(base, name), values(other, name)
		if len(before) == 0 || len(after) == 0 {
			continue
		}
		if ratio, err := newRatio(before, after); err == nil {
			m.Ratio = &ratio
		}
		p := probability(before, after)
		m.P = &p
		metrics[name] = m
	}
	return metrics, nil
}

// judge holds the bar against the medians.
func judge(b experiment.Bar, metrics map[string]Measured) (BarResult, error) {
	m, ok := metrics[b.Metric]
	if !ok {
		return BarResult{}, fmt.Errorf("bar %q: metric %s was not measured", b.Text, b.Metric)
	}
	judged := BarResult{Text: b.Text, Metric: b.Metric, Of: b.Arm, Bound: b.Bound, Limit: b.Limit}
	var low, high float64
	if b.Ratio {
		if m.Ratio == nil {
			return BarResult{}, fmt.Errorf("bar %q: metric %s has no ratio", b.Text, b.Metric)
		}
		judged.Of = "ratio"
		judged.Value, low, high = m.Ratio.Median, m.Ratio.Low, m.Ratio.High
	} else {
		spread, ok := m.Arms[b.Arm]
		if !ok {
			return BarResult{}, fmt.Errorf("bar %q: arm %s did not measure %s", b.Text, b.Arm, b.Metric)
		}
		judged.Value, low, high = spread.Median, spread.Low, spread.High
		if b.EachRound {
			judged.Of += ", worst round"
			judged.Value = spread.Max
			if b.Bound == experiment.AtLeast {
				judged.Value = spread.Min
			}
			low, high = judged.Value, judged.Value
		}
	}
	judged.Holds = b.Admits(judged.Value) || b.BeyondNoise && (b.Admits(low) || b.Admits(high))
	judged.Certain = b.Admits(low) == judged.Holds && b.Admits(high) == judged.Holds
	return judged, nil
}

// Quick reports whether the text of a result or a comparison is of a smoke run.
func Quick(text []byte) (bool, error) {
	var r struct {
		Params struct {
			Quick bool `json:"quick"`
		} `json:"params"`
	}
	err := json.Unmarshal(text, &r)
	return r.Params.Quick, err
}

// mergeParams joins the flags that the arms ran with. What differs between
// arms is left out: the arms' arguments tell it.
func mergeParams(params map[string]map[string]string) map[string]any {
	merged := make(map[string]any)
	differs := make(map[string]bool)
	for _, arm := range slices.Sorted(maps.Keys(params)) {
		for name, value := range params[arm] {
			if before, ok := merged[name]; ok && before != value {
				differs[name] = true
			}
			merged[name] = value
		}
	}
	maps.DeleteFunc(merged, func(name string, _ any) bool { return differs[name] })
	return merged
}

// writeJSON replaces the file at once: a reader sees the old or the new one.
func writeJSON(file string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("harness: encode %s: %w", file, err)
	}
	return WriteFile(file, append(text, '\n'))
}

// writeLines is writeJSON for one value a line.
func writeLines[T any](file string, values []T) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			return fmt.Errorf("harness: encode %s: %w", file, err)
		}
	}
	return WriteFile(file, text.Bytes())
}

// WriteFile replaces a file at once.
func WriteFile(file string, content []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("harness: write result: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(temporary.Name())
			err = fmt.Errorf("harness: write result: %w", err)
		}
	}()
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
