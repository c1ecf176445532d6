package schedtrace

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// mostGroups is how many groups the text shows; JSON has them all.
const mostGroups = 20

// WriteText writes a report for people. The error is w's.
func (r *Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s of %s, %d events, GOMAXPROCS %d, %d goroutines\n",
		"trace", show(r.Trace.Ns), r.Trace.Events, r.Trace.GOMAXPROCS, r.Trace.Goroutines)
	r.writeLatency(out, kindPark, &r.Park, "park→scheduled: ready after a wait, until it runs")
	r.writeLatency(out, kindRun, &r.Run, "schedule→execute: of the time that a goroutine was ready, the end in which a P was free")
	r.writeOrigins(out)
	r.writePs(out)
	r.writeTotals(out)
	return out.Flush()
}

func (r *Report) writeLatency(out *bufio.Writer, kind int, l *Latency, title string) {
	fmt.Fprintf(out, "\n%s; over %s is abnormal\n\n", title, show(l.ThresholdNs))
	if l.Count == 0 {
		fmt.Fprint(out, "  none\n")
		return
	}
	table(out, func(t io.Writer) {
		fmt.Fprint(t, "  group\tcount\tp50\tp90\tp95\tp99\tmax\tover\n")
		latencyRow(t, "all but the runtime's own", l)
		shown, left := 0, 0
		for i := range r.Groups {
			g := &r.Groups[i]
			of := g.latency(kind)
			switch {
			case of.Count == 0:
			case shown == mostGroups:
				left++
			default:
				shown++
				latencyRow(t, g.title(), of)
			}
		}
		if left > 0 {
			fmt.Fprintf(t, "  … and %d more\t\t\t\t\t\t\t\n", left)
		}
	})
	fmt.Fprint(out, "\n")
	table(out, func(t io.Writer) {
		fmt.Fprint(t, "  cause\ttime\tshare\tmain\tover\n")
		for _, c := range l.Causes {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%d\n", c.Cause.About(), show(c.Ns), percent(c.Ns, l.SumNs), c.Count, c.Over)
		}
	})
	for i := range l.Worst {
		l.Worst[i].write(out, i+1)
	}
}

func latencyRow(t io.Writer, name string, l *Latency) {
	fmt.Fprintf(t, "  %s\t%d\t%s\t%s\t%s\t%s\t%s\t%d (%s)\n", name, l.Count, show(l.P50Ns), show(l.P90Ns),
		show(l.P95Ns), show(l.P99Ns), show(l.MaxNs), l.Over, percent(l.Over, l.Count))
}

// latency is the group's of one kind.
func (g *Group) latency(kind int) *Latency {
	if kind == kindPark {
		return &g.Park
	}
	return &g.Run
}

func (g *Group) title() string {
	if g.GGroup {
		return "ggroup " + g.Name
	}
	return g.Name
}

func (c *WorstCase) write(out *bufio.Writer, n int) {
	fmt.Fprintf(out, "\n  %d. %s at %s: goroutine %d of %s", n, show(c.Ns), show(c.FromNs), c.Goroutine, c.Start)
	if c.Group != c.Start {
		fmt.Fprintf(out, ", in %s", c.Group)
	}
	if c.At != c.Start {
		fmt.Fprintf(out, ", at %s", c.At)
	}
	fmt.Fprintf(out, "\n     %s", c.Origin.About())
	if c.WaitedFor != "" {
		fmt.Fprintf(out, " (%s)", c.WaitedFor)
	}
	if c.WokenBy != "" {
		fmt.Fprintf(out, ", woken by %s", c.WokenBy)
	}
	fmt.Fprint(out, "\n")
	for _, p := range c.Parts {
		fmt.Fprintf(out, "     %s: %s\n", show(p.Ns), p.Cause.About())
	}
	for _, s := range c.Stops {
		fmt.Fprintf(out, "     the world was stopped for %s: %s\n", show(s.Ns), s.Reason)
	}
	if c.KnownFromNs > c.FromNs {
		fmt.Fprintf(out, "     what ran is known of the last %s alone:\n", show(c.FromNs+c.Ns-c.KnownFromNs))
	}
	table(out, func(t io.Writer) {
		for _, ran := range c.Ran {
			fmt.Fprintf(t, "       P%d\t%s\t%s\n", ran.P, show(ran.Ns), ran.about())
		}
		if c.Others.Count > 0 {
			fmt.Fprintf(t, "       \t%s\t%d others\n", show(c.Others.Ns), c.Others.Count)
		}
	})
}

// about is what a P did, for people.
func (r *Ran) about() string {
	var b strings.Builder
	switch r.Use {
	case UseIdle:
		b.WriteString("idle")
	case UseScheduler:
		b.WriteString("in the scheduler")
	case UseUnseen:
		b.WriteString("not seen yet")
	case UseMark:
		b.WriteString("GC mark worker")
	default:
		fmt.Fprintf(&b, "goroutine %d of %s", r.Goroutine, r.Start)
		if r.Group != "" && r.Group != r.Start {
			fmt.Fprintf(&b, ", in %s", r.Group)
		}
		b.WriteString(map[Use]string{UseAssist: ", marking for the collector", UseSyscall: ", in a system call", UseCCall: ", in a C call"}[r.Use])
		if r.At != "" && r.At != r.Start {
			fmt.Fprintf(&b, ", at %s", r.At)
		}
	}
	if r.Count > 1 {
		fmt.Fprintf(&b, " (%d times)", r.Count)
	}
	return b.String()
}

func (r *Report) writeOrigins(out *bufio.Writer) {
	fmt.Fprint(out, "\nready to run, by how goroutines became so\n\n")
	table(out, func(t io.Writer) {
		fmt.Fprint(t, "  \tcount\ttime\tmean\tmax\n")
		for _, o := range r.Origins {
			fmt.Fprintf(t, "  %s\t%d\t%s\t%s\t%s\n", o.Origin.About(), o.Count, show(o.Ns), show(o.Ns/o.Count), show(o.MaxNs))
		}
	})
}

func (r *Report) writePs(out *bufio.Writer) {
	var all int64
	for _, p := range r.Ps {
		all += p.Ns
	}
	fmt.Fprint(out, "\nwhat Ps did\n\n")
	table(out, func(t io.Writer) {
		for _, p := range r.Ps {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", p.Use, show(p.Ns), percent(p.Ns, all))
		}
	})
}

func (r *Report) writeTotals(out *bufio.Writer) {
	fmt.Fprint(out, "\ntotals of all goroutines; the first four as go tool trace counts them\n\n")
	table(out, func(t io.Writer) {
		fmt.Fprint(t, "  \tcount\ttime\tmax\n")
		for _, row := range []struct {
			name string
			of   Total
		}{
			{"ready (sched)", r.Totals.Sched}, {"blocked (sync)", r.Totals.Sync}, {"network (net)", r.Totals.Network},
			{"system and C calls (syscall)", r.Totals.Syscall},
			{"world stopped", r.Totals.STW}, {"concurrent mark", r.Totals.Mark}, {"mark assists", r.Totals.Assist},
		} {
			fmt.Fprintf(t, "  %s\t%d\t%s\t%s\n", row.name, row.of.Count, show(row.of.Ns), show(row.of.MaxNs))
		}
	})
}

// table aligns what rows writes, with tabs behind its cells.
func table(out *bufio.Writer, rows func(io.Writer)) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows(t)
	_ = t.Flush() // out keeps its error
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(whole))
}

// show rounds a time to three digits.
func show(ns int64) string {
	d, step := time.Duration(ns), time.Duration(1)
	for d/step >= 1000 {
		step *= 10
	}
	return d.Round(step).String()
}
