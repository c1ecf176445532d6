package record

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// A Histogram counts durations in buckets that double, as a group's own does.
type Histogram = ggroup.Wait

// observe counts a duration.
func observe(h *Histogram, ns int64) {
	ns = max(ns, 0)
	h.Counts[min(bits.Len64(uint64(ns)), ggroup.WaitBuckets-1)]++
	h.Sum += time.Duration(ns)
}

// A GroupStats is what a group's goroutines did since the recorder began, or
// since the group did.
type GroupStats struct {
	ID   int32 // of the runtime; 0: no group
	Name string

	Ready     Histogram // waits from ready to running
	Preempted Histogram // .. of those that had been stopped, or had yielded
	Run       Histogram // stretches on a processor

	Started     uint64 // goroutines
	Preemptions uint64 // stops for another
	Yields      uint64

	Waiting int    // goroutines that are ready and do not run, now
	Starved uint64 // waits beyond the limit
	Untold  uint64 // .. of which Config.Starved was not told, as they came too fast
}

// A Snapshot is what a recorder has counted until an instant.
type Snapshot struct {
	At     int64        // of [Recorder.Now]
	Groups []GroupStats // by ID; those of which something was recorded

	// Process is the waits from ready to running of the whole process since it
	// began, as the runtime itself counts them. Its Sum is of the buckets' lower
	// bounds. It is there on stock Go, too.
	Process Histogram

	Records uint64 // followed
	Lost    uint64 // because they came too fast
	// Anew counts the times that all goroutines were followed anew, after records
	// were lost or because there were too many: waits begun before are not counted.
	Anew uint64
}

// Snapshot returns what has been counted until now.
func (r *Recorder) Snapshot() Snapshot {
	r.flush()
	s := Snapshot{At: r.Now()}
	processWaits(&s.Process)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.renameGroups()
	for _, g := range r.groups {
		s.Groups = append(s.Groups, g.stats)
	}
	slices.SortFunc(s.Groups, func(a, b GroupStats) int { return cmp.Compare(a.ID, b.ID) })
	s.Records, s.Lost, s.Anew = r.seen, r.lost, r.anew
	return s
}

// A group is what the recorder knows of one. waiting lists its goroutines that are
// ready and do not run, who waits longest first.
type group struct {
	stats       GroupStats
	limit       int64 // ns; 0: none
	first, last *goroutine
	told        int64 // when Starved was last told; 0: never
	untold      int   // since then
}

// A goroutine is followed from its first record on.
type goroutine struct {
	id      uint64
	course  course
	ran     int64  // since when it has a processor; 0: it has none, or it is not known
	waiting *group // on whose list it is, nil: on none
	alarmed bool   // of this wait
	next    *goroutine
	prev    *goroutine
}

func (r *Recorder) group(id int32) *group {
	g := r.groups[id]
	if g == nil {
		g = &group{stats: GroupStats{ID: id}}
		r.groups[id] = g
		r.name(g)
	}
	return g
}

func (r *Recorder) name(g *group) {
	if g.stats.ID != 0 {
		g.stats.Name = r.source.groups()[g.stats.ID]
	}
	if r.cfg.Starved != nil {
		g.limit = int64(r.cfg.limit(g.stats.Name))
	}
}

// renameGroups finds ids that another group has by now: it begins at 0.
func (r *Recorder) renameGroups() {
	names := r.source.groups()
	for id, g := range r.groups {
		// The name of a closed group is kept until another has its place.
		if name := names[id]; id != 0 && name != "" && name != g.stats.Name {
			waiting := g.stats.Waiting
			g.stats = GroupStats{ID: id, Waiting: waiting}
			g.told, g.untold = 0, 0
			r.name(g)
		}
	}
}

// follow takes a record of a goroutine into the histograms and the lists.
func (r *Recorder) follow(rec *Record) {
	g := r.gs[rec.G]
	if g == nil {
		if len(r.gs) >= maxGoroutines {
			r.forget()
		}
		g = &goroutine{id: rec.G, course: startOf(rec.Time)}
		r.gs[rec.G] = g
	}
	in := r.group(rec.Group)
	was := g.course.at
	g.course.step(rec, func(Span) {})
	switch rec.Event {
	case GoStart:
		in.stats.Started++
	case Preempt:
		if rec.Reason == Yielded {
			in.stats.Yields++
		} else {
			in.stats.Preemptions++
		}
	case Run:
		r.countWait(in, g, was, rec)
	}
	g.countRun(&in.stats.Run, rec)
	switch waits := g.course.waits(); {
	case waits && g.waiting == nil:
		in.append(g)
	case !waits && g.waiting != nil:
		g.waiting.remove(g)
	}
	if g.course.exited {
		delete(r.gs, rec.G)
	}
}

// countWait counts the wait that a Run ends. was is what g did before.
func (r *Recorder) countWait(in *group, g *goroutine, was Span, rec *Record) {
	h, since := &in.stats.Ready, was.From
	switch was.State {
	case Preempted:
		h = &in.stats.Preempted
	case ReadyWait:
	default: // its Ready was before our time, or lost
		if rec.Arg == 0 {
			return
		}
		since = rec.Time - int64(min(rec.Arg, 1<<62))
	}
	observe(h, rec.Time-since)
	if g.waiting != nil {
		in = g.waiting // whose limit was running
	}
	if in.limit > 0 && rec.Time-since > in.limit && !g.alarmed {
		r.starved(in, g.id, was.State == Preempted, since, rec.Time, true)
	}
}

// countRun counts the stretch on a processor that a record ends, and begins one.
func (g *goroutine) countRun(h *Histogram, rec *Record) {
	switch rec.Event {
	case Run, SyscallExit:
		g.ran = 0
		if rec.P >= 0 {
			g.ran = rec.Time
		}
	case Preempt, Park, Exit, SyscallEnter:
		if g.ran != 0 {
			observe(h, rec.Time-g.ran)
		}
		g.ran = 0
	}
}

func (g *group) append(to *goroutine) {
	to.waiting, to.alarmed = g, false
	to.prev, to.next = g.last, nil
	if g.last != nil {
		g.last.next = to
	} else {
		g.first = to
	}
	g.last = to
	g.stats.Waiting++
}

func (g *group) remove(it *goroutine) {
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		g.first = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		g.last = it.prev
	}
	it.waiting, it.prev, it.next = nil, nil, nil
	g.stats.Waiting--
}

// forget begins anew with all goroutines.
func (r *Recorder) forget() {
	r.anew++
	clear(r.gs)
	for _, g := range r.groups {
		g.first, g.last, g.stats.Waiting = nil, nil, 0
	}
}
