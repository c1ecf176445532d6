package schedtrace

import (
	"cmp"
	"slices"

	"golang.org/x/exp/trace"
)

// report ends the trace and tells what there was.
func (m *machine) report() *Report {
	for _, g := range m.goroutines {
		m.settle(g)
		m.totals.ended(g)
	}
	for _, p := range m.procs {
		m.closeUse(p)
	}
	r := &Report{
		Trace: Trace{Ns: m.now - m.start, Events: m.events, Goroutines: m.seen, GOMAXPROCS: m.gomaxprocs},
		Park:  m.groups.all[kindPark].latency(),
		Run:   m.groups.all[kindRun].latency(),
		Totals: Totals{
			Sched: m.totals[profileSched].total(), Sync: m.totals[profileSync].total(),
			Network: m.totals[profileNetwork].total(), Syscall: m.totals[profileSyscall].total(),
			STW: m.ranges.stw.total(), Mark: m.ranges.marking.total(), Assist: m.ranges.assists.total(),
		},
	}
	r.Park.Worst = m.cases(kindPark)
	r.Run.Worst = m.cases(kindRun)
	for o, s := range m.origins {
		if s.count > 0 {
			r.Origins = append(r.Origins, Origins{Origin(o), s.count, s.ns, s.maxNs})
		}
	}
	for _, g := range m.groups.byKey {
		r.Groups = append(r.Groups, Group{
			Name: g.key.name, GGroup: g.key.logged, Runtime: g.key.runtime,
			Park: g.tallies[kindPark].latency(), Run: g.tallies[kindRun].latency(),
		})
	}
	slices.SortFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(-compareBools(a.GGroup, b.GGroup), compareBools(a.Runtime, b.Runtime),
			cmp.Compare(b.Park.SumNs, a.Park.SumNs), cmp.Compare(b.Run.SumNs, a.Run.SumNs), cmp.Compare(a.Name, b.Name))
	})
	for u, ns := range m.used {
		if ns > 0 {
			r.Ps = append(r.Ps, PTime{Use(u), ns})
		}
	}
	return r
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (t *tally) latency() Latency {
	l := Latency{
		ThresholdNs: t.thresholdNs, Count: t.count, Over: t.over, SumNs: t.sumNs,
		P50Ns: t.quantile(50), P90Ns: t.quantile(90), P95Ns: t.quantile(95), P99Ns: t.quantile(99), MaxNs: t.maxNs,
		quantile: t.quantile,
	}
	for c, one := range t.causes {
		if one.ns > 0 {
			l.Causes = append(l.Causes, CauseRow{Cause(c), one.count, one.over, one.ns})
		}
	}
	sortCauses(l.Causes)
	return l
}

func sortCauses(rows []CauseRow) {
	slices.SortStableFunc(rows, func(a, b CauseRow) int { return cmp.Compare(b.Ns, a.Ns) })
}

func (m *machine) cases(kind int) []WorstCase {
	var list []WorstCase
	for _, c := range m.worst[kind].cases {
		one := WorstCase{
			Ns: c.ns, FromNs: c.from - m.start, KnownFromNs: c.known - m.start,
			Goroutine: int64(c.goroutine.id), Group: c.group.name, Start: c.goroutine.label(), At: c.at,
			Origin: c.origin, WaitedFor: c.reason, Cause: c.parts.main(), Stops: c.stopped,
			Others: Ran{P: -1, Ns: c.rest.ns, Count: c.rest.count},
		}
		if c.origin == Woken {
			one.WokenBy = wokenBy(c.waker, c.wokenAt)
		}
		for cause, ns := range c.parts {
			if ns > 0 {
				one.Parts = append(one.Parts, CauseRow{Cause: Cause(cause), Ns: ns})
			}
		}
		sortCauses(one.Parts)
		for _, s := range c.shares {
			ran := Ran{P: s.proc, Use: s.use, Ns: s.ns, Count: s.count, At: s.at}
			if g := s.holder; g != nil {
				ran.Goroutine, ran.Start, ran.Group = int64(g.id), g.label(), keyOf(g).name
			}
			one.Ran = append(one.Ran, ran)
		}
		list = append(list, one)
	}
	return list
}

// label is the function that a goroutine started in.
func (g *goroutine) label() string {
	if g.name == "" {
		return unknownName
	}
	return g.name
}

func wokenBy(g *goroutine, at string) string {
	if g == nil || g.id == trace.NoGoroutine {
		return "the scheduler: the network poller, or a timer"
	}
	if at == "" {
		return g.label()
	}
	return at + ", in " + g.label()
}
