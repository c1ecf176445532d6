package record

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Starved tells of a goroutine that was ready for longer than its group's limit
// and did not run.
type Starved struct {
	Group     int32
	Name      string // of the group
	G         uint64
	Preempted bool          // it had been stopped, or had yielded; else something made it ready
	Since     int64         // when it became ready, of [Recorder.Now]
	Waited    time.Duration // until it ran, or until now
	Runs      bool          // it has run since; else it still waits

	// Instead is what the processors did while it waited, by their number: all of
	// which something is recorded.
	Instead []Processor
	// Untold is how many waits beyond the limit there were in the group since the
	// last call, besides this one.
	Untold int
}

// A Processor is what one did for a time.
type Processor struct {
	P      int32
	Ran    []Ran         // the goroutines that had most of it, who had most first
	Others time.Duration // what further goroutines had
	Idle   time.Duration // nothing ran, or it is not recorded what did
}

// Ran is a goroutine's part of a processor's time.
type Ran struct {
	G     uint64
	Group int32
	Name  string // of the group
	Time  time.Duration
}

// turn looks for goroutines that have waited too long by now, and tells of them
// and of those that were found before. One call at a time.
func (r *Recorder) turn() {
	// All that was before now is delivered then: who is on a list waited at now.
	now := r.Now()
	r.flush()
	r.mu.Lock()
	r.renameGroups()
	for _, id := range slices.Sorted(maps.Keys(r.groups)) {
		in := r.groups[id]
		if in.limit == 0 {
			continue
		}
		for g := in.first; g != nil && now-g.course.at.From > in.limit; g = g.next {
			if !g.alarmed {
				g.alarmed = true
				r.starved(in, g.id, g.course.at.State == Preempted, g.course.at.From, now, false)
			}
		}
	}
	told := r.pending
	r.pending = nil
	r.mu.Unlock()
	for i := range told {
		r.cfg.Starved(told[i])
	}
}

// starved notes that a goroutine of a group has waited too long, and that it is to
// be told, unless that was done a short time ago.
func (r *Recorder) starved(in *group, g uint64, preempted bool, since, until int64, runs bool) {
	in.stats.Starved++
	if in.told != 0 && until-in.told < int64(r.cfg.Every) || len(r.pending) == maxPending {
		in.untold++
		in.stats.Untold++
		return
	}
	r.pending = append(r.pending, Starved{
		Group: in.stats.ID, Name: in.stats.Name, G: g, Preempted: preempted,
		Since: since, Waited: time.Duration(until - since), Runs: runs,
		Instead: r.during(since, until), Untold: in.untold,
	})
	in.told, in.untold = until, 0
}

// during returns what the processors did between two instants.
func (r *Recorder) during(from, to int64) []Processor {
	type key struct {
		p int32
		g uint64
	}
	times := map[key]*Ran{}
	procs := 0
	r.flight.stretches(from, to, func(s stretch) {
		k := key{s.p, s.g}
		if times[k] == nil {
			times[k] = &Ran{G: s.g, Group: s.group, Name: r.group(s.group).stats.Name}
		}
		times[k].Time += time.Duration(s.to - s.from)
		procs = max(procs, int(s.p)+1)
	})
	all := make([]Processor, procs)
	for k, ran := range times {
		all[k.p].Ran = append(all[k.p].Ran, *ran)
	}
	for i := range all {
		p := &all[i]
		p.P, p.Idle = int32(i), time.Duration(to-from)
		slices.SortFunc(p.Ran, func(a, b Ran) int { return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.G, b.G)) })
		for j, ran := range p.Ran {
			p.Idle -= ran.Time
			if j >= maxRan {
				p.Others += ran.Time
			}
		}
		p.Ran = p.Ran[:min(len(p.Ran), maxRan)]
	}
	return all
}
