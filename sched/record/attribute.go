package record

import (
	"slices"
	"time"
)

// Parts says where a goroutine's time went. Its parts are never negative, and
// together they are the whole, to the nanosecond.
type Parts struct {
	Running   time.Duration // with a processor, in system calls too that let it keep it
	Ready     time.Duration // ready, behind others
	Preempted time.Duration // stopped for others, or by its own yield, until it ran again
	Assist    time.Duration // marking for the collector, or waiting for it to
	Stopped   time.Duration // ready while the world was stopped, or stopping it
	Syscall   time.Duration // in the kernel, or in C, without a processor
	Parked    time.Duration // waiting for something: all of Waits
	Unknown   time.Duration // of which nothing is recorded

	Waits []Wait // the parts of Parked, by ascending reason
}

// A Wait is the time that a goroutine was parked for one reason.
type Wait struct {
	Reason uint8
	Time   time.Duration
}

// Total returns the sum of the parts.
func (p *Parts) Total() time.Duration {
	return p.Running + p.Ready + p.Preempted + p.Assist + p.Stopped + p.Syscall + p.Parked + p.Unknown
}

// Of returns the part that was spent in a state.
func (p *Parts) Of(s State) time.Duration {
	if part := p.part(s); part != nil {
		return *part
	}
	return 0
}

func (p *Parts) part(s State) *time.Duration {
	switch s {
	case Running:
		return &p.Running
	case ReadyWait:
		return &p.Ready
	case Preempted:
		return &p.Preempted
	case Assisting:
		return &p.Assist
	case Stopped:
		return &p.Stopped
	case InSyscall:
		return &p.Syscall
	case Parked:
		return &p.Parked
	case Unknown:
		return &p.Unknown
	}
	return nil
}

// Add adds the parts of another interval, or of another goroutine.
func (p *Parts) Add(more *Parts) {
	for s := range states {
		*p.part(s) += more.Of(s)
	}
	for _, w := range more.Waits {
		p.addWait(w.Reason, w.Time)
	}
}

func (p *Parts) addWait(reason uint8, d time.Duration) {
	i, found := slices.BinarySearchFunc(p.Waits, reason, func(w Wait, r uint8) int { return int(w.Reason) - int(r) })
	if !found {
		p.Waits = slices.Insert(p.Waits, i, Wait{Reason: reason})
	}
	p.Waits[i].Time += d
}

// addSpan adds a span to its part.
func (p *Parts) addSpan(s Span) {
	d := time.Duration(s.To - s.From)
	*p.part(s.State) += d
	if s.State == Parked {
		p.addWait(s.Reason, d)
	}
}

// Attribute says where the time of goroutine g went between two instants, in ns.
// records are in the order of time, those of all goroutines or only g's and the
// stops of the world, and begin before from if what g was doing at from is to be
// known; otherwise that is told from the first that is recorded of it. Where
// records were lost, a goroutine is taken to have done what it was last seen to
// do. The parts sum to to - from, or to 0 if to is not after from.
//
// While the world is stopped, or being stopped, a goroutine that is ready waits
// for that and for nothing else, and the one that stops it does nothing else.
// One that is parked or in the kernel is not delayed by it.
func Attribute(records []Record, g uint64, from, to int64) Parts {
	return sum(Timeline(records, g, from, to))
}

func sum(spans []Span) (p Parts) {
	for _, s := range spans {
		p.addSpan(s)
	}
	return p
}

// Timeline returns what [Attribute] adds up: what goroutine g was doing, in
// spans that follow each other from from to to without a gap. Two that follow
// each other differ.
func Timeline(records []Record, g uint64, from, to int64) []Span {
	start := from
	if len(records) > 0 {
		start = min(from, records[0].Time)
	}
	return timeline(startOf(start), world{}, records, g, from, to)
}

// timeline goes on from a course, and a world, that were followed before the
// records.
func timeline(c course, w world, records []Record, g uint64, from, to int64) []Span {
	if to <= from {
		return nil
	}
	var spans []Span
	emit := func(s Span) { spans = appendSpan(spans, clip(s, from, to)) }
	emit(Span{From: from, To: c.at.From, P: -1}) // before the course begins
	for i := range records {
		r := &records[i]
		if r.G != g || !r.about() {
			continue
		}
		c.step(r, emit)
		if r.Time >= to {
			break // what follows tells nothing of the interval
		}
	}
	emit(c.shown(max(to, c.at.From)))
	return overlay(spans, stops(w, records, g, from, to))
}

// clip returns the part of s that is between two instants; it may be empty.
func clip(s Span, from, to int64) Span {
	s.From, s.To = max(s.From, from), min(s.To, to)
	return s
}

// appendSpan appends s unless it is empty, to the last one if it goes on with that.
func appendSpan(spans []Span, s Span) []Span {
	if s.To <= s.From {
		return spans
	}
	if n := len(spans) - 1; n >= 0 && spans[n].To == s.From && spans[n].State == s.State && spans[n].Reason == s.Reason && spans[n].P == s.P {
		spans[n].To = s.To
		return spans
	}
	return append(spans, s)
}

// A world is stopped, or not.
type world struct {
	stopped bool
	by      uint64 // the goroutine that stops it
}

// A stop is a time for which the world was stopped, or being stopped.
type stop struct {
	from, to int64
	own      bool // by the goroutine in question
}

// stops returns the stops of the world that touch an interval, in order. One
// whose beginning is not recorded began before it, one whose end is not goes on.
func stops(w world, records []Record, g uint64, from, to int64) []stop {
	var all []stop
	at, open, seen := stop{from: from, own: w.by == g && g != 0}, w.stopped, w.stopped
	for i := range records {
		switch r := &records[i]; {
		case r.Event == STWStart && !open:
			at, open, seen = stop{from: r.Time, own: r.G == g && g != 0}, true, true
		case r.Event == STWEnd && (open || !seen):
			at.to = r.Time
			all = appendStop(all, at, from, to)
			open, seen = false, true
		}
	}
	if open {
		at.to = to
		all = appendStop(all, at, from, to)
	}
	return all
}

func appendStop(all []stop, s stop, from, to int64) []stop {
	s.from, s.to = max(s.from, from), min(s.to, to)
	if s.to <= s.from {
		return all
	}
	return append(all, s)
}

// overlay gives to the stops of the world what they took of the spans. Both are
// in order, and neither overlaps itself.
func overlay(spans []Span, all []stop) []Span {
	if len(all) == 0 {
		return spans
	}
	out := make([]Span, 0, len(spans)+2*len(all))
	next := 0
	for _, s := range spans {
		for next < len(all) && all[next].to <= s.From {
			next++
		}
		for _, stop := range all[next:] {
			if stop.from >= s.To {
				break
			}
			if !takes(stop, s.State) {
				continue
			}
			out = appendSpan(out, clip(s, s.From, stop.from))
			taken := clip(s, stop.from, stop.to)
			out = appendSpan(out, Span{From: taken.From, To: taken.To, State: Stopped, P: -1})
			s.From = taken.To
		}
		out = appendSpan(out, s)
	}
	return out
}

// takes reports whether a goroutine in a state is delayed by a stop of the world.
func takes(s stop, state State) bool {
	switch state {
	case ReadyWait, Preempted:
		return true
	case Running, Assisting:
		return s.own
	}
	return false
}
