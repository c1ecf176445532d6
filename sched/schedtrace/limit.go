package schedtrace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Limit is what a latency of a report must not be above. It is written
//
//	KIND[.STATISTIC][@GROUP]=VALUE
//
// with a KIND of park or run; a STATISTIC of p50, p90, p95, p99, max, which is the default,
// or over; and a GROUP as the report names it, all but the runtime's own by default.
// VALUE is a time, such as 5ms; for over, which is how many latencies are above the
// threshold, it is a number, or a part of all, such as 1%.
type Limit struct {
	text      string
	kind      int
	statistic string
	group     string
	most      float64 // ns, a number, or a percentage
	share     bool    // most is a percentage
}

var (
	kindNames   = [kinds]string{"park", "run"}
	percentages = map[string]float64{"p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}
)

const over = "over"

// ParseLimit reads a limit.
func ParseLimit(text string) (Limit, error) {
	l, err := parseLimit(text)
	if err != nil {
		return Limit{}, fmt.Errorf("limit %q: %w", text, err)
	}
	return l, nil
}

func parseLimit(text string) (Limit, error) {
	l := Limit{text: text, statistic: "max"}
	// A group's name may have any character, and a value has no "=".
	at := strings.LastIndex(text, "=")
	if at < 0 {
		return l, errors.New("no value: write one like park=5ms, run.p99=100us or park.over@main.serve=1%")
	}
	name, value := text[:at], strings.TrimSpace(text[at+1:])
	name, l.group, _ = strings.Cut(name, "@")
	kind, statistic, given := strings.Cut(name, ".")
	if given {
		l.statistic = statistic
	}
	switch kind {
	case kindNames[kindPark]:
		l.kind = kindPark
	case kindNames[kindRun]:
		l.kind = kindRun
	default:
		return l, fmt.Errorf("%q is no kind of latency: it is park or run", kind)
	}
	if _, ok := percentages[l.statistic]; !ok && l.statistic != over {
		return l, fmt.Errorf("%q is no statistic: it is one of p50, p90, p95, p99, max, over", l.statistic)
	}
	return l, l.parseValue(value)
}

func (l *Limit) parseValue(value string) error {
	if l.statistic != over {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("%q is no time: write one like 80us or 5ms", value)
		}
		l.most = float64(d)
		return nil
	}
	number, share := strings.CutSuffix(value, "%")
	most, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(most >= 0) || share && most > 100 {
		return fmt.Errorf("%q is no number of latencies, and no part of them: write one like 10 or 0.5%%", value)
	}
	l.most, l.share = most, share
	return nil
}

// String returns the limit as it was written.
func (l Limit) String() string { return l.text }

// Check returns nil if a report is within a limit, an error that says what crossed it,
// or one that says that its group has no such latency: a check that looks at nothing is
// a mistake.
func (r *Report) Check(l Limit) error {
	of := &r.Park
	if l.kind == kindRun {
		of = &r.Run
	}
	if l.group != "" {
		of = nil
		for i := range r.Groups {
			if g := &r.Groups[i]; g.Name == l.group && g.latency(l.kind).Count > 0 {
				of = g.latency(l.kind)
				break
			}
		}
	}
	if of == nil || of.Count == 0 {
		return fmt.Errorf("limit %s: there is no such latency in the trace: the report without limits lists its groups", l)
	}
	switch {
	case l.statistic != over:
		got := of.MaxNs
		if percent := percentages[l.statistic]; percent < 100 {
			got = of.Quantile(percent)
		}
		if float64(got) > l.most {
			return fmt.Errorf("limit %s crossed: it is %s", l, show(got))
		}
	case l.share:
		if got := 100 * float64(of.Over) / float64(of.Count); got > l.most {
			return fmt.Errorf("limit %s crossed: %.3g %% of %d are over %s", l, got, of.Count, show(of.ThresholdNs))
		}
	case float64(of.Over) > l.most:
		return fmt.Errorf("limit %s crossed: %d of %d are over %s", l, of.Over, of.Count, show(of.ThresholdNs))
	}
	return nil
}
