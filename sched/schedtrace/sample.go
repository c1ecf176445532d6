package schedtrace

import (
	"cmp"
	"slices"

	"golang.org/x/exp/trace"
)

// Kinds of latency.
const (
	kindPark = iota
	kindRun
	kinds
)

// A sample is the time that a goroutine was ready, which has ended.
type sample struct {
	origin Origin
	ns     [kinds]int64
	parts  [kinds]parts
	cases  [kinds]*worstCase // nil if it is not among the worst
}

// counts reports whether a sample is one of that kind.
func (s *sample) counts(kind int) bool { return kind == kindRun || s.origin == Woken }

// started takes in that a ready goroutine begins to run on a P, which is free until the
// event is through.
func (m *machine) started(g *goroutine, p *proc) {
	if g.origin == Before || g.state != trace.GoRunnable {
		return // since when is not known
	}
	s := sample{origin: g.origin}
	s.ns[kindPark] = m.now - g.since
	free, looks := m.now, m.now // since when its P had no goroutine, and looked for one
	freeSpent, lookSpent := &m.spent, &m.spent
	if p != nil && p.freeSince < m.now {
		free, freeSpent = p.freeSince, &p.freeSpent
	}
	if p != nil && p.use == UseScheduler && p.lookSince < m.now {
		looks, lookSpent = p.lookSince, &p.lookSpent
	}
	if free < g.since {
		free, freeSpent = g.since, &g.spent
	}
	if looks < g.since {
		looks, lookSpent = g.since, &g.spent
	}
	looks = max(looks, free)
	var own parts // what the P's own part is made of
	own[STW] = m.spent[STW] - freeSpent[STW]
	own[Dispatch] = m.now - looks - (m.spent[STW] - lookSpent[STW])
	own[Wakeup] = m.now - free - own[Dispatch] - own[STW]

	s.parts[kindPark], s.parts[kindRun] = own, own
	for c := range own {
		s.parts[kindPark][c] += freeSpent[c] - g.spent[c]
	}
	run := free
	if idle := max(m.idleSince, g.since); idle < run {
		s.parts[kindRun][Idle] += run - idle
		run = idle
	}
	s.ns[kindRun] = m.now - run
	m.record(g, &s)
}

// record keeps a sample with its goroutine until that has a name.
func (m *machine) record(g *goroutine, s *sample) {
	for kind := range s.cases {
		if s.counts(kind) && m.worst[kind].wants(s.ns[kind]) {
			s.cases[kind] = m.newCase(g, s, kind)
		}
	}
	g.pending = append(g.pending, *s)
	if g.name != "" || g.group != "" || len(g.pending) == maxPending {
		m.settle(g)
	}
}

// settle counts the samples of a goroutine in the group that it has by now.
func (m *machine) settle(g *goroutine) {
	for i := range g.pending {
		s := &g.pending[i]
		group := m.groups.of(g)
		if !group.key.runtime {
			m.origins[s.origin].add(s.ns[kindPark])
		}
		for kind := range s.cases {
			if !s.counts(kind) {
				continue
			}
			group.tallies[kind].add(s.ns[kind], &s.parts[kind])
			if group.key.runtime {
				continue
			}
			m.groups.all[kind].add(s.ns[kind], &s.parts[kind])
			if c := s.cases[kind]; c != nil {
				c.group = group.key
				m.worst[kind].add(c)
			}
		}
	}
	g.pending = g.pending[:0]
}

// A worstCase is one of the longest latencies, with what ran instead.
type worstCase struct {
	goroutine *goroutine
	group     groupKey
	origin    Origin
	reason    string // what it had waited for
	at        string
	waker     *goroutine
	wokenAt   string

	ns      int64
	from    int64 // when it became ready
	to      int64 // when it ran
	proc    int
	parts   parts
	shares  []share
	rest    share
	known   int64
	stopped []Stop
}

func (m *machine) newCase(g *goroutine, s *sample, kind int) *worstCase {
	c := &worstCase{
		goroutine: g, origin: s.origin, at: g.at,
		ns: s.ns[kind], from: m.now - s.ns[kind], to: m.now, parts: s.parts[kind],
	}
	if s.origin == Woken {
		c.reason, c.waker, c.wokenAt = g.reason, g.waker, g.wokenAt
	}
	c.shares, c.rest, c.known = m.ranFrom(c.from)
	c.stopped = m.stopsWithin(c.from)
	return c
}

// A worstList keeps the longest cases, the longest first.
type worstList struct {
	most  int
	cases []*worstCase
}

// wants reports whether a latency is among the longest.
func (l *worstList) wants(ns int64) bool {
	return len(l.cases) < l.most || l.most > 0 && ns > l.cases[len(l.cases)-1].ns
}

func (l *worstList) add(c *worstCase) {
	at, _ := slices.BinarySearchFunc(l.cases, c, func(a, b *worstCase) int {
		return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.to, b.to), cmp.Compare(a.goroutine.id, b.goroutine.id))
	})
	l.cases = slices.Insert(l.cases, at, c)
	if len(l.cases) > l.most {
		l.cases = l.cases[:l.most]
	}
}
