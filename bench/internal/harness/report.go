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
		result, err := readResult(ResultFile(dir, e.ID))
		if errors.Is(err, os.ErrNotExist) {
			reason := "not run"
			if failed[e.ID] != nil {
				reason = "failed"
				fmt.Fprintf(&sections, "\n## %s: %s\n\nFailed:\n\n```\n%v\n```\n", e.ID, e.Title, failed[e.ID])
			}
			fmt.Fprintf(&text, "| %s | %s | | | | %s |\n", e.ID, cell(e.Label), reason)
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "| %s | %s, %s | %s | %s | %s | %s |\n", e.ID, cell(result.Metric), cell(result.Unit),
			number(result.Stock), number(result.Weir), ratioText(&result.Ratio), outcome(result.Holds))
		writeSection(&sections, result)
	}
	text.WriteString(sections.String())
	return writeFile(filepath.Join(dir, ReportFile), []byte(text.String()))
}

func readResult(file string) (Result, error) {
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

// writeSection writes one experiment: claim, bars, all measurements, machine.
func writeSection(w *strings.Builder, r Result) {
	fmt.Fprintf(w, "\n## %s: %s\n\nThe article: %s\n", r.ID, r.Details.Title, r.Claim)
	if r.Details.Mistaken != "" {
		fmt.Fprintf(w, "\nWhere it is mistaken: %s\n", r.Details.Mistaken)
	}
	fmt.Fprintf(w, "\nDecides: %s (%s, %s; `%s`)\n\n", r.Metric, r.Unit, r.Details.Better, r.Details.Metric)
	w.WriteString("| bar | found | |\n|---|---|---|\n")
	for _, bar := range r.Details.Bars {
		note := outcome(bar.Holds)
		if !bar.Certain {
			note += ", close"
		}
		fmt.Fprintf(w, "| %s (`%s` of %s %s %s) | %s | %s |\n", cell(bar.Text), bar.Metric, bar.Of, bar.Bound, number(bar.Limit), number(bar.Value), note)
	}
	w.WriteString("\n| measurement |")
	for _, arm := range r.Details.Arms {
		fmt.Fprintf(w, " %s |", arm.Name)
	}
	w.WriteString(" weir/stock | p |\n|---|" + strings.Repeat("---|", len(r.Details.Arms)+2) + "\n")
	for _, name := range slices.SortedFunc(maps.Keys(r.Details.Metrics), cmp.Compare[string]) {
		m := r.Details.Metrics[name]
		fmt.Fprintf(w, "| %s |", cell(name))
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
	m := r.Machine
	virtual := ""
	if m.Virtual {
		virtual = ", virtual"
	}
	fmt.Fprintf(w, "\nMachine: %s, %d cores%s, %.1f GiB, %s, governor %s, load before %s, %s; stock %s, weir %s\n",
		m.CPU, m.Cores, virtual, float64(m.MemoryBytes)/(1<<30), m.Kernel, m.Governor, m.LoadBefore, m.StartedAt, m.StockGo, m.WeirGo)
	for _, warning := range r.Details.Warnings {
		fmt.Fprintf(w, "\nWarning: %s.\n", warning)
	}
}

// number keeps four significant digits.
func number(v float64) string {
	if v >= 1000 || v <= -1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func ratioText(r *Ratio) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%s [%s, %s]", number(r.Median), number(r.Low), number(r.High))
}

func spreadText(m Measured, arm string) string {
	spread, ok := m.Arms[arm]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s [%s, %s]", number(spread.Median), number(spread.Low), number(spread.High))
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

// cell keeps a text from ending its table cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}
