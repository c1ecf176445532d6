package schedtrace

import (
	"strings"

	"golang.org/x/exp/trace"
)

// ranges are the stretches of time that the runtime marks in a trace.
type ranges struct {
	stw, marking, assists sum
	markingSince          int64 // never outside of it
	stopBy                string
	stopSince             int64
	stops                 [64]stop // the last ones, in a ring
	stopCount             int
}

// A stop is a stop of the world.
type stop struct {
	reason   string
	from, to int64
}

const (
	stopPrefix = "stop-the-world ("
	startTrace = "start trace"
)

func (m *machine) rangeEvent(ev *trace.Event) {
	r := ev.Range()
	from := m.now
	if ev.Kind() == trace.EventRangeActive {
		from = m.sync // since the generation began, or longer, which then is known
	}
	switch {
	case strings.HasPrefix(r.Name, stopPrefix):
		reason := strings.TrimSuffix(strings.TrimPrefix(r.Name, stopPrefix), ")")
		if ev.Kind() == trace.EventRangeEnd {
			m.stopEnds()
		} else {
			m.stopBegins(m.stacks.intern(reason))
		}
	case r.Name == "GC concurrent mark phase":
		m.markEvent(ev.Kind(), from)
	case r.Name == "GC mark assist" && r.Scope.Kind == trace.ResourceGoroutine:
		if g := m.goroutines[r.Scope.Goroutine()]; g != nil {
			m.assistEvent(g, ev.Kind(), from)
		}
	}
}

func (m *machine) stopBegins(reason string) {
	m.stopped++
	m.ranges.stopBy, m.ranges.stopSince = reason, m.now
	if reason == startTrace {
		m.traceStarted()
	}
	m.idleChanged()
}

func (m *machine) stopEnds() {
	if m.stopped == 0 {
		return // the trace began within it
	}
	m.stopped--
	r := &m.ranges
	if r.stopBy != startTrace { // which is the tracer's own doing
		r.stw.add(m.now - r.stopSince)
	}
	r.stops[r.stopCount%len(r.stops)] = stop{r.stopBy, r.stopSince, m.now}
	r.stopCount++
	if m.stopped == 0 {
		m.worldStarted()
	}
}

func (m *machine) markEvent(kind trace.EventKind, from int64) {
	r := &m.ranges
	open := r.markingSince != 0
	switch {
	case kind != trace.EventRangeEnd && !open:
		r.markingSince = from
	case kind == trace.EventRangeEnd && open:
		r.marking.add(m.now - r.markingSince)
		r.markingSince = 0
	}
}

func (m *machine) assistEvent(g *goroutine, kind trace.EventKind, from int64) {
	switch {
	case kind != trace.EventRangeEnd && !g.assisting:
		g.assisting, g.assistAt = true, from
	case kind == trace.EventRangeEnd && g.assisting:
		g.assisting = false
		m.ranges.assists.add(m.now - g.assistAt)
	}
	m.changed(g)
}

// stopsWithin returns the reasons for which the world was stopped from then until now,
// as far as they are kept, and how long for each.
func (m *machine) stopsWithin(from int64) []Stop {
	var list []Stop
	add := func(s stop) {
		if s.to > from && s.to > s.from {
			list = append(list, Stop{Reason: s.reason, Ns: s.to - max(s.from, from)})
		}
	}
	r := &m.ranges
	for i := max(0, r.stopCount-len(r.stops)); i < r.stopCount; i++ {
		add(r.stops[i%len(r.stops)])
	}
	if m.stopped > 0 {
		add(stop{r.stopBy, r.stopSince, m.now})
	}
	return list
}
