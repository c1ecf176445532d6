package ggroup

import (
	"math"
	"time"
)

// WaitBuckets is the number of buckets of a [Wait].
const WaitBuckets = 41

// Stats is a snapshot of a group. Its counters are read one after the other
// while the program runs, and only grow until the group is closed. With stock
// Go those marked with * stay 0.
type Stats struct {
	Name       string
	Class      Class
	Weight     int    // DefaultWeight if none was given
	Goroutines int    // goroutines in the group now
	Created    uint64 // goroutines created in the group

	Running     time.Duration // * time on processors, calls of C until they lose theirs included
	Wait        Wait          // * from ready to running
	Preemptions uint64        // * times a goroutine was stopped for another
	Throttled   time.Duration // * time out of quota, of all goroutines together
	Exclusive   int           // * processors that run this group alone now
	Compute     Compute       // * C calls of a group WithCompute

	// With WithNoStackScan. The list of a goroutine that has died, or left the
	// group, counts until the next cycle of the collector.
	StacksWalked    uint64 // * times the collector walked a stack
	StacksReplayed  uint64 // * times it marked from a stack's list instead
	StackListsBytes uint64 // * memory of lists now

	AssistExcused uint64        // * bytes allocated without marking for them (WithAssistExempt)
	AssistPaid    uint64        // * bytes allocated and marked for, during collections
	AssistTime    time.Duration // * time spent on that, waits for others' marking included
	Deferred      Deferred      // * collections that waited for the group (WithGCDeferral)

	// NotInEffect lists the options that were given and that this runtime
	// does not carry out.
	NotInEffect []NotInEffect
}

// Compute counts the C calls of a group that has [WithCompute].
type Compute struct {
	Calls uint64        // that began
	Time  time.Duration // that those that ended took
	Aside time.Duration // processors' time set aside for them, of all together
	Short uint64        // calls for which fewer processors were there than they wanted

	Rests  uint64 // times that a call rested first, for others' share
	Rested time.Duration

	// Times that what was set aside was given back before the end of the
	// call: its thread slept, or it was long and others waited.
	Asleep, Long uint64
	// Times that a call's own processor was taken, by a stop of the world, say:
	// another one was set aside in its place.
	Lost uint64
}

// NotInEffect names an option that was given but does nothing.
type NotInEffect struct {
	Option string // as called, WithClass(latency)
	Why    string // what is missing
}

func (s *Stats) unmet(option, why string) {
	s.NotInEffect = append(s.NotInEffect, NotInEffect{option, why})
}

// Deferred counts collections that waited for a group's critical stretches, by
// what ended the wait. One that waited for several groups counts in each.
type Deferred struct {
	Time time.Duration // that they waited, all together

	QuietPoint  uint64 // QuietPoint was called
	StretchEnd  uint64 // no critical stretch was open any more
	Extra       uint64 // the heap had grown by the group's extra
	MemoryLimit uint64 // the memory limit was near
	TooLong     uint64 // ten seconds were over
	Other       uint64 // runtime.GC, or settings that made the collection due later
}

// Count returns the number of collections that waited.
func (d Deferred) Count() (n uint64) {
	d.Each(func(_ string, v uint64) { n += v })
	return n
}

// Add returns the sum of d and more.
func (d Deferred) Add(more Deferred) Deferred {
	return Deferred{
		Time:        d.Time + more.Time,
		QuietPoint:  d.QuietPoint + more.QuietPoint,
		StretchEnd:  d.StretchEnd + more.StretchEnd,
		Extra:       d.Extra + more.Extra,
		MemoryLimit: d.MemoryLimit + more.MemoryLimit,
		TooLong:     d.TooLong + more.TooLong,
		Other:       d.Other + more.Other,
	}
}

// Each calls f with each reason, in words like "quiet point", and its count.
func (d Deferred) Each(f func(reason string, n uint64)) {
	f("quiet point", d.QuietPoint)
	f("stretch end", d.StretchEnd)
	f("extra", d.Extra)
	f("memory limit", d.MemoryLimit)
	f("too long", d.TooLong)
	f("other", d.Other)
}

// Wait is a histogram of the time between a goroutine's becoming ready and
// its running.
type Wait struct {
	Sum time.Duration
	// Counts[i] counts waits of less than 2^i ns, and not less than half of
	// that; the last bucket all longer ones too.
	Counts [WaitBuckets]uint64
}

// Count returns the number of waits.
func (w *Wait) Count() (n uint64) {
	for _, c := range w.Counts {
		n += c
	}
	return n
}

// Bound returns the upper bound of bucket i.
func (w *Wait) Bound(i int) time.Duration {
	if i >= WaitBuckets-1 {
		return math.MaxInt64
	}
	return 1 << i
}

// Quantile returns a bound below which at least the fraction q, 0 to 1, of
// all waits were. It is at most twice the true quantile; 0 without any wait.
func (w *Wait) Quantile(q float64) time.Duration {
	n := w.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(n)))
	seen := uint64(0)
	for i, c := range w.Counts {
		seen += c
		if c != 0 && seen >= rank {
			return w.Bound(i)
		}
	}
	return math.MaxInt64
}

// Sub returns the waits of w that before, an older snapshot, does not have.
func (w *Wait) Sub(before *Wait) Wait {
	d := Wait{Sum: w.Sum - before.Sum}
	for i := range d.Counts {
		d.Counts[i] = w.Counts[i] - before.Counts[i]
	}
	return d
}

// Stats returns the group's counters. A closed group has its name, class and
// weight, and nothing else.
func (g *Group) Stats() Stats {
	if !g.made() {
		return Stats{Weight: DefaultWeight}
	}
	s := Stats{Name: g.name, Class: g.settings.class, Weight: g.settings.weight}
	if s.Weight == 0 {
		s.Weight = DefaultWeight
	}
	closed := s
	g.backend.stats(g, &s)
	if g.closed.Load() { // afterwards: if it is open now, the counters were its own
		return closed
	}
	return s
}
