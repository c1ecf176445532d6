package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirgo/weir/sched/probe"
)

// listed is how many threads, and goroutines, are shown at most.
const listed = 20

// table is text in columns; the first is aligned to the left, the others to the right.
type table struct {
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// lines gives the rows, each column as wide as it must be.
func (t *table) lines() []string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var lines []string
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}

// short is a duration in three digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Microsecond:
		return strconv.Itoa(int(d)) + "ns"
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + "µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + "ms"
	}
	return digits(d.Seconds()) + "s"
}

func digits(x float64) string {
	if x < 9.95 {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// rate is how often a second.
func rate(n uint64, span time.Duration) string {
	if n == 0 || span <= 0 {
		return "-"
	}
	return digits(float64(n) / span.Seconds())
}

// share is a part of the span in percent: above 100 where several processors work.
func share(d, span time.Duration) string {
	if d == 0 || span <= 0 {
		return "-"
	}
	return digits(100*d.Seconds()/span.Seconds()) + "%"
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// none is what those are called who are in no group.
const none = "(none)"

func groupName(s *probe.Snapshot, id int) string {
	if id == 0 {
		return none
	}
	for _, g := range s.Groups {
		if g.ID == id && g.Name != "" {
			return g.Name
		}
	}
	return "group " + strconv.Itoa(id)
}

// groupLines is a line for each group, and one above.
func groupLines(s *probe.Snapshot) []string {
	var t table
	t.row("GROUP", "RUN", "READY", "PARK", "CALL", "RUNS/s", "PREEMPT/s", "CALLS/s",
		"WAIT p50", "p99", "max", "RUNNING", "STOLEN", "p99", "ASLEEP")
	for _, g := range s.Groups {
		n := g.Goroutines
		t.row(groupName(s, g.ID),
			count(n[probe.Running]), count(n[probe.Runnable]), count(n[probe.Waiting]), count(n[probe.InCall]),
			rate(g.Runs, s.Span), rate(g.Preempted, s.Span), rate(g.Calls, s.Span),
			short(g.Wait.Quantile(0.5)), short(g.Wait.Quantile(0.99)), short(g.Wait.Quantile(1)),
			share(g.Running, s.Span), share(g.Off.Running.Stolen.Time, s.Span), short(g.Stolen.Quantile(0.99)),
			share(g.Off.Running.Asleep.Time, s.Span))
	}
	return t.lines()
}

// worldLine is what there is once.
func worldLine(s *probe.Snapshot) string {
	line := fmt.Sprintf("stops %s/s, p99 %s, max %s, %s of the time; collections %s, %s of the time, assists %s/s",
		rate(s.Stops.Count(), s.Span), short(s.Stops.Quantile(0.99)), short(s.Stops.Quantile(1)), share(s.Stops.Sum, s.Span),
		count(int(s.Collector.Cycles)), share(s.Collector.Time, s.Span), rate(s.Collector.Assists, s.Span))
	if s.Lost > 0 {
		line += fmt.Sprintf("; no room for %d events: waits of their goroutines are missing", s.Lost)
	}
	return line
}

// threadLines is a line for each thread, those that ran most first.
func threadLines(s *probe.Snapshot) []string {
	threads := slices.Clone(s.Threads)
	slices.SortStableFunc(threads, func(a, b probe.Thread) int { return cmp.Compare(b.On, a.On) })
	var t table
	t.row("THREAD", "GOROUTINE", "GROUP", "ON", "STOLEN go", "call", "idle", "ASLEEP go", "call", "idle")
	for _, thread := range threads[:min(len(threads), listed)] {
		goroutine, group := "-", "-"
		if thread.Goroutine != 0 {
			goroutine, group = strconv.FormatUint(thread.Goroutine, 10), groupName(s, thread.Group)
		}
		off := thread.Off
		t.row(strconv.Itoa(thread.ID), goroutine, group, share(thread.On, s.Span),
			share(off.Running.Stolen.Time, s.Span), share(off.InCall.Stolen.Time, s.Span), share(off.Scheduler.Stolen.Time, s.Span),
			share(off.Running.Asleep.Time, s.Span), share(off.InCall.Asleep.Time, s.Span), share(off.Scheduler.Asleep.Time, s.Span))
	}
	return t.lines()
}

// order is in which states are listed: who is kept from running first.
var order = map[probe.State]int{probe.Runnable: 0, probe.Running: 1, probe.InCall: 2, probe.Waiting: 3, probe.Unknown: 4}

// goroutineLines is a line for each goroutine, those that are runnable for the longest
// time first. What they have run and waited is since they were seen first.
func goroutineLines(s *probe.Snapshot) []string {
	goroutines := slices.Clone(s.Goroutines)
	slices.SortStableFunc(goroutines, func(a, b probe.Goroutine) int { return cmp.Compare(order[a.State], order[b.State]) })
	var t table
	t.row("GOROUTINE", "GROUP", "STATE", "FOR", "RUNS", "RUNNABLE", "RUNNING", "STOLEN", "ASLEEP", "IN CALL")
	for _, g := range goroutines[:min(len(goroutines), listed)] {
		t.row(strconv.FormatUint(g.ID, 10), groupName(s, g.Group), g.State.String(), short(g.For), strconv.FormatUint(g.Runs, 10),
			short(g.Runnable), short(g.Running), short(g.Stolen), short(g.Asleep), short(g.InCall))
	}
	return t.lines()
}
