package record

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// An episode is a time for which a goroutine did not park, in one group.
type episode struct {
	g        uint64
	from, to int64
	spans    []Span
}

// episodes cuts a goroutine's life into them, by group.
func (l *life) episodes(g uint64, into map[int32][]episode) {
	for i := 0; i < len(l.spans); {
		if !active(l.spans[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(l.spans) && active(l.spans[end]) && l.groups[end] == l.groups[i] {
			end++
		}
		into[l.groups[i]] = append(into[l.groups[i]], episode{g, l.spans[i].From, l.spans[end-1].To, l.spans[i:end]})
		i = end
	}
}

func active(s Span) bool { return s.State != Parked && s.State != Unknown }

// buildGroups shows the goroutines of each group that run or are ready, each
// from where it became ready to where it parks. Lanes that have the name of the
// track above them are one to Perfetto: it draws them below each other.
func (t *trace) buildGroups() {
	all := map[int32][]episode{}
	for _, g := range slices.Sorted(maps.Keys(t.lives)) {
		t.lives[g].episodes(g, all)
	}
	root := t.add(-1, "groups")
	for _, id := range slices.Sorted(maps.Keys(all)) {
		episodes := all[id]
		slices.SortStableFunc(episodes, func(a, b episode) int { return cmp.Compare(a.from, b.from) })
		var lanes []int   // their tracks
		var until []int64 // their ends
		world := stops(t.flight.world, t.flight.records[:t.flight.n], 0, t.from, t.to)
		for _, e := range episodes {
			lane := slices.IndexFunc(until, func(end int64) bool { return end <= e.from })
			if lane < 0 {
				lane = len(lanes)
				lanes, until = append(lanes, t.add(root, t.groupName(id))), append(until, 0)
			}
			until[lane] = e.to
			t.slice(lanes[lane], e.from, e.to, goroutineName(e.g), 0, func() {
				for _, s := range overlay(e.spans, world) {
					t.slice(lanes[lane], s.From, s.To, s.State.String(), 0, nil)
				}
			})
		}
	}
}

// buildRequests shows what each request's goroutine did in it, or its phases.
func (t *trace) buildRequests() {
	root := t.add(-1, "requests")
	for i := range t.requests {
		q := &t.requests[i]
		from, to := max(q.from, t.from), t.to
		if q.to != 0 {
			to = min(q.to, t.to)
		}
		if to <= from {
			continue
		}
		track := t.add(root, q.id)
		t.slice(track, from, to, q.id, 0, func() {
			if q.g == 0 {
				t.phases(track, from, to, q.phases)
				return
			}
			for _, s := range t.flight.timeline(q.g, from, to) {
				name := s.State.String()
				if reason := t.source.reason(s.Reason); s.State == Parked && reason != "" {
					name += ": " + reason
				}
				t.slice(track, s.From, s.To, name, 0, nil)
			}
		})
	}
}

// phases shows those that have some time, each from where the one before ends.
func (t *trace) phases(track int, from, to int64, all []Phase) {
	for _, p := range all {
		begin, end := max(p.From, from), min(p.To, to)
		if end > begin {
			t.slice(track, begin, end, p.Name, 0, nil)
			from = end
		}
	}
}

// buildCollector shows collections, stops of the world, and where records are
// missing.
func (t *trace) buildCollector() {
	root := t.add(-1, "runtime")
	collections, world, lost := t.add(root, "collections"), t.add(root, "stopped world"), t.add(root, "lost records")
	inCycle, inWorld := nest{t: t, track: collections}, nest{t: t, track: world}
	if t.flight.world.stopped {
		inWorld.begin(t.from, "stopped")
	}
	for i := range t.flight.n {
		r := t.flight.at(i)
		if r.Time >= t.to {
			break
		}
		switch r.Event {
		case GCStart:
			inCycle.endTo(0, r.Time)
			inCycle.begin(r.Time, fmt.Sprintf("collection %d", r.Arg))
			inCycle.begin(r.Time, "mark")
		case GCMarkDone:
			inCycle.endTo(1, r.Time)
		case GCEnd:
			inCycle.endTo(0, r.Time)
		case STWStart:
			inWorld.endTo(0, r.Time)
			inWorld.begin(r.Time, cmp.Or(t.source.stop(r.Arg), "stopped"))
		case STWEnd:
			inWorld.endTo(0, r.Time)
		case Lost:
			t.marks = append(t.marks, mark{lost, r.Time, fmt.Sprintf("%d lost", r.Arg), 0})
		}
	}
	inCycle.endTo(0, t.to)
	inWorld.endTo(0, t.to)
}

// A nest is the slices of a track that are open.
type nest struct {
	t     *trace
	track int
	depth int
}

func (n *nest) begin(at int64, name string) {
	n.t.edges = append(n.t.edges, edge{n.track, at, name, 0})
	n.depth++
}

// endTo ends slices until no more than depth are open.
func (n *nest) endTo(depth int, at int64) {
	for ; n.depth > depth; n.depth-- {
		n.t.edges = append(n.t.edges, edge{n.track, at, "", 0})
	}
}
