package harness

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// ReportFile is the name of the report in the directory of results.
const ReportFile = "report.md"

// WriteReport writes report.md from the results that lie in dir, in the order
// of experiments. failed says, by id, why an experiment of this run has none.
func WriteReport(dir string, experiments []experiment.Declaration, failed map[string]error) error {
	var text strings.Builder
	text.WriteString("# Experiments\n\n" +
		"The same source, built by stock Go and by ours, run in turns. A value is the median over rounds and, in\n" +
		"brackets, its 95 % confidence interval; the ratio is weir/stock. A bar is held against the median; where the\n" +
		"interval crosses it, the outcome is marked “close”.\n\n" +
		"| experiment | metric | stock | weir | ratio | bars |\n|---|---|---|---|---|---|\n")
	var sections strings.Builder
	for _, e := range experiments {
		result, err := ReadResult(ResultFile(dir, e.ID))
		if errors.Is(err, os.ErrNotExist) {
			reason := "not run"
			if failed[e.ID] != nil {
				reason = "failed"
				fmt.Fprintf(&sections, "\n## %s: %s\n\nFailed:\n\n```\n%v\n```\n", e.ID, e.Title, failed[e.ID])
			}
			fmt.Fprintf(&text, "| %s | %s | | | | %s |\n", e.ID, Cell(e.Label), reason)
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "| %s | %s, %s | %s | %s | %s | %s |\n", e.ID, Cell(result.Metric), Cell(result.Unit),
			Number(result.Stock), Number(result.Weir), ratioText(&result.Ratio), outcome(result.Holds))
		writeSection(&sections, result, dir)
	}
	text.WriteString(sections.String())
	if err := writeComparisons(&text, dir); err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, ReportFile), []byte(text.String()))
}

// PlotFile is where the plot of an experiment lies in a directory, if there is
// one.
func PlotFile(dir, id string) string { return filepath.Join(dir, id+".svg") }

// ReadResult reads the file of a result.
func ReadResult(file string) (Result, error) {
	var r Result
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("harness: read result: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("harness: read result %s: %w: remove it and run the experiment again", file, err)
	}
	return r, nil
}

// writeSection writes one experiment: claim, plot, bars, all measurements,
// machine.
func writeSection(w *strings.Builder, r Result, dir string) {
	fmt.Fprintf(w, "\n## %s: %s\n\nThe article: %s\n", r.ID, r.Details.Title, r.Claim)
	if r.Details.Mistaken != "" {
		fmt.Fprintf(w, "\nWhere it is mistaken: %s\n", r.Details.Mistaken)
	}
	fmt.Fprintf(w, "\nDecides: %s (%s, %s; `%s`)\n\n", r.Metric, r.Unit, r.Details.Better, r.Details.Metric)
	if plot := PlotFile(dir, r.ID); exists(plot) {
		fmt.Fprintf(w, "![%s](%s)\n\n", Cell(r.Metric), filepath.Base(plot))
	}
	w.WriteString("| bar | found | |\n|---|---|---|\n")
	for _, bar := range r.Details.Bars {
		note := outcome(bar.Holds)
		if !bar.Certain {
			note += ", close"
		}
		fmt.Fprintf(w, "| %s (`%s` of %s %s %s) | %s | %s |\n", Cell(bar.Text), bar.Metric, bar.Of, bar.Bound, Number(bar.Limit), Number(bar.Value), note)
	}
	w.WriteString("\n| measurement |")
	for _, arm := range r.Details.Arms {
		fmt.Fprintf(w, " %s |", arm.Name)
	}
	w.WriteString(" weir/stock | p |\n|---|" + strings.Repeat("---|", len(r.Details.Arms)+2) + "\n")
	for _, name := range slices.SortedFunc(maps.Keys(r.Details.Metrics), cmp.Compare[string]) {
		m := r.Details.Metrics[name]
		fmt.Fprintf(w, "| %s |", Cell(name))
		for _, arm := range r.Details.Arms {
			fmt.Fprintf(w, " %s |", spreadText(m, arm.Name))
		}
		fmt.Fprintf(w, " %s | %s |\n", ratioText(m.Ratio), probabilityText(m.P))
	}
	var params []string
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		params = append(params, fmt.Sprintf("%s=%v", name, r.Params[name]))
	}
	fmt.Fprintf(w, "\nParameters: %s\n", strings.Join(params, ", "))
	fmt.Fprintf(w, "\nMachine: %s\n", r.Machine)
	for _, warning := range r.Details.Warnings {
		fmt.Fprintf(w, "\nWarning: %s.\n", warning)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Number keeps four significant digits.
func Number(v float64) string {
	if v >= 1000 || v <= -1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func ratioText(r *Ratio) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%s [%s, %s]", Number(r.Median), Number(r.Low), Number(r.High))
}

func spreadText(m Measured, arm string) string {
	spread, ok := m.Arms[arm]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s [%s, %s]", Number(spread.Median), Number(spread.Low), Number(spread.High))
}

func probabilityText(p *float64) string {
	if p == nil {
		return ""
	}
	return strconv.FormatFloat(*p, 'f', 3, 64)
}

func outcome(holds bool) string {
	if holds {
		return "hold"
	}
	return "**missed**"
}

// Cell keeps a text from ending its table cell.
func Cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}
