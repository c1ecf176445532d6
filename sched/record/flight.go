package record

import (
	"maps"
	"slices"
)

// A flight is the records of the last time, bounded in time and in bytes, and
// what was so before the first of them. It belongs to the recorder's lock.
//
//	records  a ring that grows by doubling, up to limit
//	before   the courses of goroutines at the first record; one that has ended
//	         by then is not there
//	procs    what the processors ran at the first record, by their number
type flight struct {
	records []Record
	first   int // index of the oldest
	n       int
	limit   int   // of n
	window  int64 // ns, from the oldest to the newest
	before  map[uint64]resident
	procs   processors
	world   world // at the first record
	began   int64 // since when all is known
}

// A resident is a goroutine as it was when the flight begins.
type resident struct {
	course course
	group  int32
}

const smallestFlight = 1024 // records

func newFlight(window int64, limit int, now int64) *flight {
	return &flight{window: window, limit: max(limit, 1), began: now, before: map[uint64]resident{}}
}

// add appends a record. The oldest give way to it.
func (f *flight) add(r *Record) {
	for f.n > 0 && (f.n == f.limit || f.records[f.first].Time < r.Time-f.window) {
		f.evict()
	}
	if f.n == len(f.records) {
		f.grow()
	}
	f.records[(f.first+f.n)%len(f.records)] = *r
	f.n++
}

// at returns the i-th record, the oldest first.
func (f *flight) at(i int) *Record { return &f.records[(f.first+i)%len(f.records)] }

// age drops what is older than the window at an instant.
func (f *flight) age(now int64) {
	for f.n > 0 && f.records[f.first].Time < now-f.window {
		f.evict()
	}
}

func (f *flight) grow() {
	size := min(max(2*len(f.records), min(smallestFlight, f.limit)), f.limit)
	records := make([]Record, size)
	f.copyTo(records)
	f.records, f.first = records, 0
}

func (f *flight) copyTo(dst []Record) {
	if f.n == 0 {
		return
	}
	copied := copy(dst, f.records[f.first:min(f.first+f.n, len(f.records))])
	copy(dst[copied:], f.records[:f.n-copied])
}

// evict takes the oldest record into what was before.
func (f *flight) evict() {
	r := &f.records[f.first]
	f.first = (f.first + 1) % len(f.records)
	f.n--
	f.began = max(f.began, r.Time)
	f.procs.step(r, -1, func(int, occupant) {})
	switch r.Event {
	case STWStart:
		f.world = world{stopped: true, by: r.G}
	case STWEnd:
		f.world = world{}
	}
	if !r.about() {
		return
	}
	g, known := f.before[r.G]
	if !known {
		if len(f.before) >= maxGoroutines {
			clear(f.before) // ends were lost: begin anew
		}
		g.course = startOf(r.Time)
	}
	g.course.step(r, func(Span) {})
	g.group = r.Group
	if g.course.exited {
		delete(f.before, r.G)
		return
	}
	f.before[r.G] = g
}

// processors is what each processor runs, by its number.
type processors []occupant

// An occupant is what a processor runs.
type occupant struct {
	g     uint64 // 0: nothing
	group int32
	run   int // index of the record that began it; -1: before the flight
	since int64
}

// step follows a record, the index-th, and hands those that lose their processor
// to left.
func (ps *processors) step(r *Record, index int, left func(p int, was occupant)) {
	switch r.Event {
	case Run, SyscallExit:
		ps.put(r, index, left)
	case AssistStart, AssistEnd:
		if !ps.has(r.P, r.G) { // it has run since before the first record
			ps.put(r, index, left)
		}
	case Preempt, Park, Exit, SyscallEnter:
		ps.leave(r.G, r.P, left)
	}
}

// has reports whether processor p runs g.
func (ps *processors) has(p int32, g uint64) bool {
	return p >= 0 && int(p) < len(*ps) && (*ps)[p].g == g
}

func (ps *processors) put(r *Record, index int, left func(p int, was occupant)) {
	ps.leave(r.G, r.P, left)
	if r.P < 0 || r.P >= maxProcs {
		return
	}
	for int(r.P) >= len(*ps) {
		*ps = append(*ps, occupant{})
	}
	at := &(*ps)[r.P]
	if at.g != 0 {
		left(int(r.P), *at)
	}
	*at = occupant{g: r.G, group: r.Group, run: index, since: r.Time}
}

// leave takes a goroutine off its processor, which is most likely p.
func (ps *processors) leave(g uint64, p int32, left func(p int, was occupant)) {
	if !ps.has(p, g) {
		p = int32(slices.IndexFunc(*ps, func(o occupant) bool { return o.g == g }))
	}
	if p >= 0 && g != 0 {
		left(int(p), (*ps)[p])
		(*ps)[p] = occupant{}
	}
}

// A stretch is a goroutine's stay on a processor.
type stretch struct {
	p        int32
	g        uint64
	group    int32
	from, to int64
	run      int // index of the record that began it; -1: before the flight
}

// stretches hands to emit the stays on processors that touch an interval, clipped
// to it, in the order of their ends.
func (f *flight) stretches(from, to int64, emit func(stretch)) {
	ps := slices.Clone(f.procs)
	at := from
	left := func(p int, was occupant) {
		if s := (stretch{int32(p), was.g, was.group, max(was.since, from), min(at, to), was.run}); s.to > s.from {
			emit(s)
		}
	}
	for i := range f.n {
		r := f.at(i)
		if r.Time >= to {
			break
		}
		at = r.Time
		ps.step(r, i, left)
	}
	at = to
	for p, was := range ps {
		if was.g != 0 {
			left(p, was)
		}
	}
}

// snapshot returns a copy that is the caller's.
func (f *flight) snapshot() *flight {
	c := *f
	c.records, c.first = make([]Record, f.n), 0
	f.copyTo(c.records)
	c.before = maps.Clone(f.before)
	c.procs = slices.Clone(f.procs)
	return &c
}

// timeline is [Timeline] with what was before the flight.
func (f *flight) timeline(g uint64, from, to int64) []Span {
	records := make([]Record, 0, 64)
	for i := range f.n {
		r := f.at(i)
		if r.G == g || r.Event == STWStart || r.Event == STWEnd {
			records = append(records, *r)
		}
	}
	at, known := f.before[g]
	if !known {
		at.course = startOf(min(f.began, to))
	}
	return timeline(at.course, f.world, records, g, from, to)
}
