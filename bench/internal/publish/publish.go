package publish

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/harness"
)

// Names of what is made from the results.
const (
	TableFile = "table.md"
	gainsFile = "gains.svg"
)

// Write takes over the results of the experiments from one directory into
// another and writes report, table and plots there. It says on log what it
// passes over.
func Write(from, to string, experiments []experiment.Declaration, log io.Writer) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("publish: make directory: %w", err)
	}
	for _, e := range experiments {
		if err := take(harness.ResultFile(from, e.ID), to, log); err != nil {
			return err
		}
	}
	comparisons, err := filepath.Glob(filepath.Join(from, "*"+harness.AgainstInfix+"*.json"))
	if err != nil {
		return fmt.Errorf("publish: find comparisons: %w", err)
	}
	for _, file := range comparisons {
		if err := take(file, to, log); err != nil {
			return err
		}
	}
	var results []harness.Result
	for _, e := range experiments {
		result, err := harness.ReadResult(harness.ResultFile(to, e.ID))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = drawResult(harness.PlotFile(to, e.ID), e, result)
		}
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	if len(results) == 0 {
		return fmt.Errorf("publish: %s has no result, and neither has %s: run `make bench` first", from, to)
	}
	if err := drawGains(filepath.Join(to, gainsFile), results); err != nil {
		return err
	}
	if err := harness.WriteReport(to, experiments, nil); err != nil {
		return err
	}
	return harness.WriteFile(filepath.Join(to, TableFile), []byte(table(results)))
}

// drawResult draws an experiment's figure, or its arms.
func drawResult(file string, e experiment.Declaration, r harness.Result) error {
	if e.Figure != nil {
		return drawFigure(file, r, e.Figure)
	}
	return drawArms(file, r)
}

// take copies a result, if it is there and a measurement.
func take(file, to string, log io.Writer) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("publish: take result: %w", err)
	}
	quick, err := harness.Quick(text)
	if err != nil {
		return fmt.Errorf("publish: take result %s: %w", file, err)
	}
	if quick {
		fmt.Fprintf(log, "passed over: %s is of a smoke run\n", file)
		return nil
	}
	return harness.WriteFile(filepath.Join(to, filepath.Base(file)), text)
}

// table is what the README shows, one line an experiment.
func table(results []harness.Result) string {
	var text strings.Builder
	text.WriteString("<!-- Written by `make results`; see bench/results/report.md. -->\n\n" +
		"| experiment | what decides | stock Go | ours | ours/stock | bars |\n|---|---|---|---|---|---|\n")
	for _, r := range results {
		hold := 0
		for _, bar := range r.Details.Bars {
			if bar.Holds {
				hold++
			}
		}
		bars := fmt.Sprintf("%d of %d hold", hold, len(r.Details.Bars))
		if hold < len(r.Details.Bars) {
			bars = "**" + bars + "**"
		}
		fmt.Fprintf(&text, "| `%s` | %s (%s, %s) | %s | %s | %s [%s, %s] | %s |\n", r.ID, harness.Cell(r.Metric), harness.Cell(r.Unit), r.Details.Better,
			harness.Number(r.Stock), harness.Number(r.Weir),
			harness.Number(r.Ratio.Median), harness.Number(r.Ratio.Low), harness.Number(r.Ratio.High), bars)
	}
	return text.String()
}
