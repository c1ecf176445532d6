package record

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A schedule is made up: goroutines on processors that do at each step something
// that the runtime would let them do. It keeps the records of it, and what was
// true meanwhile.
type schedule struct {
	rnd     *rand.Rand
	now     int64
	gs      []*actor
	procs   []*actor // nil: idle
	stopper *actor   // nil: the world runs
	next    uint64
	records []Record
	truth   []moment
}

// An actor is a goroutine of a schedule.
type actor struct {
	id     uint64
	group  int32
	state  State // of its course: assists and stops are beside it
	reason uint8
	assist bool
	since  int64
	p      int32
	seen   bool // there is a record of it
}

// A moment is a time in which nothing changed.
type moment struct {
	from, to int64
	does     map[uint64]Span // what it is told to do
	runs     []uint64        // by processor, 0: idle
}

const parkReasons = 40

// newSchedule begins one in which goroutines are there already.
func newSchedule(seed uint64) *schedule {
	s := &schedule{rnd: rand.New(rand.NewPCG(seed, 1)), now: 1000, next: 1}
	s.procs = make([]*actor, 1+s.rnd.IntN(4))
	for range 1 + s.rnd.IntN(4) {
		a := s.add()
		a.state = Parked
	}
	for p := range s.procs {
		if s.rnd.IntN(2) == 0 {
			a := s.add()
			a.state, a.p = Running, int32(p)
			s.procs[p] = a
		}
	}
	return s
}

func (s *schedule) add() *actor {
	a := &actor{id: s.next, group: int32(s.rnd.IntN(3)), p: -1, since: s.now}
	s.next++
	s.gs = append(s.gs, a)
	return a
}

// run takes steps.
func (s *schedule) run(steps int) {
	for range steps {
		s.pass(1 + s.rnd.Int64N(1000))
		s.step()
	}
	s.pass(1 + s.rnd.Int64N(1000))
}

// pass lets time pass, and notes what is true of it.
func (s *schedule) pass(d int64) {
	m := moment{from: s.now, to: s.now + d, does: map[uint64]Span{}}
	for _, a := range s.gs {
		m.does[a.id] = s.does(a)
	}
	for _, a := range s.procs {
		id := uint64(0)
		if a != nil && a.seen {
			id = a.id
		}
		m.runs = append(m.runs, id)
	}
	s.truth = append(s.truth, m)
	s.now += d
}

// does says what a goroutine does, as it is to be told.
func (s *schedule) does(a *actor) Span {
	told := Span{State: a.state}
	switch {
	case a.state == ReadyWait && s.stopper != nil, a.state == Preempted && s.stopper != nil, s.stopper == a:
		told.State = Stopped
	case a.assist && (a.state == Running || a.state == Parked):
		told.State = Assisting
	case a.state == Parked:
		told.Reason = a.reason
	}
	return told
}

func (s *schedule) record(e Event, a *actor, p int32, arg uint64, reason uint8) {
	r := Record{Time: s.now, Event: e, P: p, Arg: arg, Reason: reason}
	if a != nil {
		r.G, r.Group = a.id, a.group
		if e != STWStart && e != STWEnd {
			a.seen = true
		}
	}
	s.records = append(s.records, r)
}

func (s *schedule) become(a *actor, state State) {
	if a.state == Running && state != Running {
		s.procs[a.p] = nil
		a.p = -1
	}
	a.state, a.since = state, s.now
}

// pick returns an actor in a state, nil if there is none.
func (s *schedule) pick(states ...State) *actor {
	var all []*actor
	for _, a := range s.gs {
		if slices.Contains(states, a.state) {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[s.rnd.IntN(len(all))]
}

// idle returns a processor without work, -1 if there is none.
func (s *schedule) idle() int32 { return int32(slices.Index(s.procs, nil)) }

func (s *schedule) step() {
	if a := s.pick(Parked, InSyscall); a != nil && s.rnd.IntN(3) == 0 {
		s.back(a)
		return
	}
	if p := s.idle(); p >= 0 && s.stopper == nil && s.rnd.IntN(3) > 0 {
		if a := s.pick(ReadyWait, Preempted); a != nil {
			wait := uint64(s.now - a.since)
			s.become(a, Running)
			a.p, s.procs[p] = p, a
			s.record(Run, a, p, wait, 0)
			return
		}
	}
	if a := s.pick(Running); a != nil && a != s.stopper {
		s.acts(a)
	} else if s.stopper != nil {
		s.record(STWEnd, s.stopper, s.stopper.p, 1, 0)
		s.stopper = nil
	}
}

// back ends a wait, or a call.
func (s *schedule) back(a *actor) {
	if a.state == Parked {
		by, p := uint64(0), int32(-1)
		if waker := s.pick(Running); waker != nil {
			by, p = waker.id, waker.p
		}
		s.become(a, ReadyWait)
		s.record(Ready, a, p, by, 0)
		return
	}
	p := s.idle()
	if s.stopper != nil || s.rnd.IntN(2) == 0 {
		p = -1
	}
	if p < 0 {
		s.become(a, ReadyWait)
	} else {
		s.become(a, Running)
		a.p, s.procs[p] = p, a
	}
	s.record(SyscallExit, a, p, 0, 0)
}

// acts has a running goroutine do something.
func (s *schedule) acts(a *actor) {
	p := a.p
	switch n := s.rnd.IntN(10); {
	case n == 0 && len(s.gs) < 12:
		b := s.add()
		b.state = ReadyWait
		s.record(GoStart, b, p, a.id, 0)
	case n <= 2:
		s.become(a, Preempted)
		s.record(Preempt, a, p, 0, uint8(s.rnd.IntN(2)))
	case n <= 5:
		a.reason = uint8(s.rnd.IntN(parkReasons))
		s.become(a, Parked)
		s.record(Park, a, p, 0, a.reason)
	case n == 6 && a.assist:
		s.record(AssistEnd, a, p, 0, 0)
		a.assist = false
	case n == 6:
		s.record(AssistStart, a, p, 0, 0)
		a.assist = true
	case n == 7 && !a.assist:
		s.become(a, InSyscall)
		s.record(SyscallEnter, a, p, 0, 0)
	case n == 8 && s.stopper == nil && !a.assist:
		s.stopper = a
		s.record(STWStart, a, p, 1, 0)
	case n == 9 && !a.assist && len(s.gs) > 4:
		s.become(a, Unknown)
		s.record(Exit, a, p, 0, 0)
		s.gs = slices.DeleteFunc(s.gs, func(other *actor) bool { return other == a })
	}
}

// parts is what is true of a goroutine between two instants, as far as the records
// can tell.
func (s *schedule) parts(g uint64, from, to int64) Parts {
	var p Parts
	recorded := slices.ContainsFunc(s.records, func(r Record) bool { return r.G == g && r.about() })
	add := func(told Span) {
		if told.To > told.From {
			p.addSpan(told)
		}
	}
	add(Span{From: from, To: min(to, s.truth[0].from)}) // before all: see the caller
	for _, m := range s.truth {
		told := m.does[g]
		if !recorded {
			told = Span{}
		}
		told.From, told.To = max(m.from, from), min(m.to, to)
		add(told)
	}
	return p
}

// ran is how long each goroutine had a processor between two instants, as far as
// a Run told of it.
func (s *schedule) ran(from, to int64) map[int32]map[uint64]time.Duration {
	all := map[int32]map[uint64]time.Duration{}
	for _, m := range s.truth {
		for p, g := range m.runs {
			if d := min(m.to, to) - max(m.from, from); d > 0 && g != 0 {
				if all[int32(p)] == nil {
					all[int32(p)] = map[uint64]time.Duration{}
				}
				all[int32(p)][g] += time.Duration(d)
			}
		}
	}
	return all
}

// interval returns two instants in the schedule's time, or at its ends.
func (s *schedule) interval() (from, to int64) {
	ends := []int64{s.truth[0].from + s.rnd.Int64N(s.now-s.truth[0].from), s.truth[0].from + s.rnd.Int64N(s.now-s.truth[0].from)}
	slices.SortFunc(ends, cmp.Compare)
	return ends[0], ends[1]
}
