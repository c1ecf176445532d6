package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// WriteTrace writes the flight, until now, as a Perfetto trace, which
// ui.perfetto.dev opens. It has a track for each processor with what ran there, one
// for each group with its goroutines that run or are ready, as many lanes of it as
// were at once, one for each request with what its goroutine did, and those of
// collections and stops of the world. Arrows lead from what made a goroutine ready
// to where it ran. The same records make the same bytes.
//
// The recording goes on meanwhile. It takes memory for a copy of the flight, and some
// times that for what is to be drawn of it. w gets pieces of about 64 KiB.
func (r *Recorder) WriteTrace(w io.Writer) error {
	if ok, why := r.source.supported(); !ok {
		return fmt.Errorf("record: write trace: %w", errors.New(why))
	}
	r.flush()
	now := r.Now()
	r.mu.Lock()
	r.flight.age(now)
	t := &trace{flight: r.flight.snapshot(), to: now, source: r.source, groups: map[int32]string{}}
	for id, g := range r.groups {
		t.groups[id] = g.stats.Name
	}
	r.mu.Unlock()
	r.requests.Lock()
	for _, q := range r.requests.all {
		t.requests = append(t.requests, Request{id: q.id, g: q.g, phases: q.phases, from: q.from, to: q.to})
	}
	r.requests.Unlock()
	t.build()
	if err := t.encode(w); err != nil {
		return fmt.Errorf("record: write trace: %w", err)
	}
	return nil
}

// A trace is a flight on its way into a file.
type trace struct {
	flight   *flight // its own
	from, to int64
	source   source
	groups   map[int32]string // names
	requests []Request

	lives  map[uint64]*life
	marks  []mark  // first: they stand before slices of the same time
	edges  []edge  // beginnings and ends of slices, those of a track in order
	tracks []track // the track n has the uuid n+1
}

// A track is a line of the trace.
type track struct {
	parent int // -1: none
	name   string
	rank   int // among its siblings
}

// A mark is an instant on a track; flow, if not 0, leads from it.
type mark struct {
	track int
	at    int64
	name  string
	flow  uint64
}

// An edge is a slice's beginning, or its end; flow, if not 0, leads to it.
type edge struct {
	track int
	at    int64
	name  string // "" is an end
	flow  uint64
}

// A life is what is known of a goroutine.
type life struct {
	spans  []Span
	groups []int32 // of each span
}

func (t *trace) add(parent int, name string) int {
	rank := 0
	for _, other := range t.tracks {
		if other.parent == parent {
			rank++
		}
	}
	t.tracks = append(t.tracks, track{parent, name, rank})
	return len(t.tracks) - 1
}

func (t *trace) slice(track int, from, to int64, name string, flow uint64, inside func()) {
	t.edges = append(t.edges, edge{track, from, name, flow})
	if inside != nil {
		inside()
	}
	t.edges = append(t.edges, edge{track, to, "", 0})
}

// build makes the tracks.
func (t *trace) build() {
	t.from = min(t.flight.began, t.to)
	t.follow()
	t.buildProcessors()
	t.buildGroups()
	t.buildRequests()
	t.buildCollector()
}

// follow makes the lives.
func (t *trace) follow() {
	t.lives = map[uint64]*life{}
	courses := map[uint64]*resident{}
	find := func(g uint64) (*resident, *life) {
		c, l := courses[g], t.lives[g]
		if c == nil {
			at, known := t.flight.before[g]
			if !known {
				at.course = startOf(t.from)
			}
			c, l = &at, &life{}
			courses[g], t.lives[g] = c, l
		}
		return c, l
	}
	for g := range t.flight.before {
		find(g)
	}
	for i := range t.flight.n {
		r := t.flight.at(i)
		if !r.about() {
			continue
		}
		c, l := find(r.G)
		if !c.course.recorded {
			c.group = r.Group
		}
		c.course.step(r, func(s Span) { l.add(clip(s, t.from, t.to), c.group) })
		c.group = r.Group
	}
	for g, c := range courses {
		t.lives[g].add(clip(c.course.shown(t.to), t.from, t.to), c.group)
	}
}

func (l *life) add(s Span, group int32) {
	if s.To > s.From {
		l.spans, l.groups = append(l.spans, s), append(l.groups, group)
	}
}

func goroutineName(g uint64) string { return "g" + strconv.FormatUint(g, 10) }

func (t *trace) groupName(id int32) string {
	switch name := t.groups[id]; {
	case id == 0:
		return "no group"
	case name == "":
		return "group " + strconv.Itoa(int(id))
	default:
		return name
	}
}

// buildProcessors shows what each processor ran: a slice for each stay of a
// goroutine, with its assists in it.
func (t *trace) buildProcessors() {
	stays := map[int32][]stretch{}
	t.flight.stretches(t.from, t.to, func(s stretch) { stays[s.p] = append(stays[s.p], s) })
	flows, procs := t.flows()
	for p := range stays {
		procs[p] = true
	}
	root := t.add(-1, "processors")
	tracks := map[int32]int{}
	for _, p := range slices.Sorted(maps.Keys(procs)) {
		tracks[p] = t.add(root, fmt.Sprintf("P%d", p))
		for _, s := range stays[p] {
			name := goroutineName(s.g)
			if s.group != 0 {
				name += " " + t.groupName(s.group)
			}
			t.slice(tracks[p], s.from, s.to, name, flows[s.run], func() { t.inside(tracks[p], s) })
		}
	}
	for i := range t.flight.n {
		if r := t.flight.at(i); r.Time < t.to && readies(r) {
			t.marks = append(t.marks, mark{tracks[r.P], r.Time, r.Event.String() + " " + goroutineName(r.G), uint64(i) + 1})
		}
	}
}

// readies reports whether a record is of a goroutine that a processor made ready.
func readies(r *Record) bool {
	return (r.Event == Ready || r.Event == GoStart) && r.G != 0 && r.P >= 0 && r.P < maxProcs
}

// flows returns, by the indexes of Run records, the flows that end there, named
// by where they begin, and the processors on which they begin.
func (t *trace) flows() (ends map[int]uint64, procs map[int32]bool) {
	ends, procs = map[int]uint64{}, map[int32]bool{}
	ready := map[uint64]uint64{} // by goroutine
	for i := range t.flight.n {
		switch r := t.flight.at(i); {
		case r.Time >= t.to:
			return ends, procs
		case readies(r):
			procs[r.P] = true
			if ready[r.G] == 0 {
				ready[r.G] = uint64(i) + 1
			}
		case r.Event == Run && ready[r.G] != 0:
			ends[i] = ready[r.G]
			delete(ready, r.G)
		case r.Event == Exit || r.Event == Park:
			delete(ready, r.G)
		}
	}
	return ends, procs
}

// inside shows the assists in a stay on a processor.
func (t *trace) inside(track int, s stretch) {
	spans := t.lives[s.g].spans
	i, _ := slices.BinarySearchFunc(spans, s.from, func(a Span, at int64) int { return cmp.Compare(a.To, at+1) })
	for ; i < len(spans) && spans[i].From < s.to; i++ {
		if span := clip(spans[i], s.from, s.to); span.State == Assisting && span.To > span.From {
			t.slice(track, span.From, span.To, span.State.String(), 0, nil)
		}
	}
}
