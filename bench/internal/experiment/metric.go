package experiment

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Metric is a measurement that the experiment's command sets, or that Derive
// adds.
//
// Its name is a path of words, units last. Braces stand for several names:
// {mean,p99} for each of the words, {streams} for each value of the command's
// flag -streams, which is a list separated by commas.
type Metric struct {
	Name string
	Text string   // what it is
	Arms []string // that measure it; nil: all
}

// of reports whether the arm measures it.
func (m Metric) of(arm string) bool { return m.Arms == nil || slices.Contains(m.Arms, arm) }

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./+-]*$`)

// Expand returns the names that a metric's stands for. flag returns the text of
// a flag's value, and whether there is such a flag.
func (m Metric) Expand(flag func(name string) (string, bool)) ([]string, error) {
	before, rest, braces := strings.Cut(m.Name, "{")
	if !braces {
		if !namePattern.MatchString(m.Name) {
			return nil, fmt.Errorf("experiment: metric %q: malformed name", m.Name)
		}
		return []string{m.Name}, nil
	}
	words, after, ok := splitWords(rest)
	if !ok {
		return nil, fmt.Errorf("experiment: metric %q: a brace is not closed", m.Name)
	}
	if len(words) == 1 {
		value, ok := flag(words[0])
		if !ok {
			return nil, fmt.Errorf("experiment: metric %q: the command has no flag -%s", m.Name, words[0])
		}
		words = strings.Split(value, ",")
		if value == "" {
			words = nil // an empty list: no such measurement
		}
	}
	var names []string
	for _, word := range words {
		more, err := Metric{Name: before + word + after}.Expand(flag)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// splitWords splits what is behind an opening brace into the words up to the
// closing one, which may have braces themselves, and what comes after it.
func splitWords(text string) (words []string, after string, closed bool) {
	depth, from := 0, 0
	for i, c := range text {
		switch {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return append(words, text[from:i]), text[i+1:], true
		case c == ',' && depth == 0:
			words, from = append(words, text[from:i]), i+1
		}
	}
	return nil, "", false
}

// StatusUnavailable is the exit status of a command that cannot measure here with
// the flags it has; its stderr says why (EX_UNAVAILABLE of sysexits.h).
const StatusUnavailable = 69

// Plan is what a command will measure with its flags: the names that each
// metric stands for, by the metric's own.
type Plan map[string][]string

// PlanOf expands all metrics.
func PlanOf(metrics []Metric, flag func(name string) (string, bool)) (Plan, error) {
	plan := make(Plan)
	for _, m := range metrics {
		names, err := m.Expand(flag)
		if err != nil {
			return nil, err
		}
		plan[m.Name] = names
	}
	return plan, nil
}

// Knows reports whether a name is in the plan.
func (p Plan) Knows(name string) bool {
	for _, names := range p {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// CheckPlans reports a deciding metric or a bar whose measurement no arm is
// going to make. The declaration is complete; plans are the commands' answers,
// by arm.
func (d Declaration) CheckPlans(plans map[string]Plan) error {
	measures := func(arm, name string) error {
		for _, m := range d.Metrics {
			if m.of(arm) && slices.Contains(plans[arm][m.Name], name) {
				return nil
			}
		}
		return fmt.Errorf("experiment: %s: arm %s does not measure %s with the flags it has", d.ID, arm, name)
	}
	for _, arm := range []string{"stock", "weir"} {
		if err := measures(arm, d.Metric); err != nil {
			return err
		}
		if d.Figure == nil {
			continue
		}
		for _, name := range d.Figure.Metrics {
			if err := measures(arm, name); err != nil {
				return fmt.Errorf("%w: its figure needs it", err)
			}
		}
	}
	for _, bar := range d.Bars {
		arms := []string{bar.Arm}
		if bar.Ratio {
			arms = []string{"stock", "weir"}
		}
		for _, arm := range arms {
			if err := measures(arm, bar.Metric); err != nil {
				return fmt.Errorf("%w: bar %q needs it", err, bar.Text)
			}
		}
	}
	return nil
}
