package probe

import (
	"encoding/json"
	"time"
)

// State is what a goroutine does.
type State uint8

// States of goroutines.
const (
	Unknown  State = iota // it has not moved since it was first seen
	Runnable              // waits for a processor of Go's
	Running
	Waiting // parked: for a channel, a lock, the network, a timer
	InCall  // in a system call, or in a call of C

	dead // out of the table at once
)

const states = 5 // that a goroutine stays in

var stateNames = [states]string{"unknown", "runnable", "running", "waiting", "in call"}

// String names the state in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "dead"
}

// MarshalText is String, for JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Away counts the times that threads were off the processors, of those that are over.
type Away struct {
	Count uint64        `json:"count"`
	Time  time.Duration `json:"ns"`
}

func (a Away) sub(before Away) Away {
	return Away{since(a.Count, before.Count), max(0, a.Time-before.Time)}
}

func (a Away) plus(more off) Away {
	return Away{a.Count + more.Count, a.Time + time.Duration(more.Ns)}
}

// Absence is where a thread, or a group's threads, were instead of on a processor.
type Absence struct {
	Stolen Away `json:"stolen"` // could run on, but the kernel gave the processor to another
	Asleep Away `json:"asleep"` // slept in the kernel
}

func (a Absence) sub(before Absence) Absence {
	return Absence{a.Stolen.sub(before.Stolen), a.Asleep.sub(before.Asleep)}
}

func (a Absence) plus(more [kinds]off) Absence {
	return Absence{a.Stolen.plus(more[kindStolen]), a.Asleep.plus(more[kindAsleep])}
}

// Absences is an Absence for each thing that a thread does.
type Absences struct {
	Running   Absence `json:"running"`   // ran a goroutine, short calls included
	InCall    Absence `json:"in_call"`   // as InCall of goroutines
	Scheduler Absence `json:"scheduler"` // none of these: idle, mostly
}

func (a Absences) sub(before Absences) Absences {
	return Absences{a.Running.sub(before.Running), a.InCall.sub(before.InCall), a.Scheduler.sub(before.Scheduler)}
}

func (a Absences) plus(more [modes][kinds]off) Absences {
	return Absences{a.Running.plus(more[modeGo]), a.InCall.plus(more[modeCall]), a.Scheduler.plus(more[modeScheduler])}
}

// Group is what happened to the goroutines of a group. All but Goroutines only grows.
type Group struct {
	ID   int    `json:"id"`   // 0: those of no group
	Name string `json:"name"` // "" if it cannot be read

	Goroutines map[State]int `json:"goroutines"` // those that have been seen, now

	Started   uint64 `json:"started"`
	Readied   uint64 `json:"readied"`
	Runs      uint64 `json:"runs"`
	Preempted uint64 `json:"preempted"` // by Go's scheduler, or by their own Gosched
	Parked    uint64 `json:"parked"`
	Exited    uint64 `json:"exited"`
	Calls     uint64 `json:"calls"` // system calls and calls of C that lost their processor of Go's

	Running time.Duration `json:"running_ns"` // of what has come to an end; stolen time is in it
	InCall  time.Duration `json:"in_call_ns"` // too

	Wait   Histogram `json:"wait"`   // from runnable to running
	Stolen Histogram `json:"stolen"` // absences of running goroutines for the kernel's reasons
	Off    Absences  `json:"off"`    // of the threads that ran its goroutines
}

// seen reports whether anything ever happened in the group.
func (g *Group) seen() bool {
	return g.Name != "" || len(g.Goroutines) > 0 || g.Off != Absences{} ||
		g.Started+g.Readied+g.Runs+g.Preempted+g.Parked+g.Exited+g.Calls > 0
}

// Thread is one of the process's threads.
type Thread struct {
	ID        int           `json:"id"`        // as the machine numbers it
	Goroutine uint64        `json:"goroutine"` // that it runs, 0: none
	Group     int           `json:"group"`     // of that goroutine
	On        time.Duration `json:"on_ns"`     // on processors
	Off       Absences      `json:"off"`       // with the absence that goes on
}

// Goroutine is one that has been seen and lives.
type Goroutine struct {
	ID       uint64        `json:"id"`
	Group    int           `json:"group"`
	State    State         `json:"state"`
	For      time.Duration `json:"for_ns"` // in this state
	Runs     uint64        `json:"runs"`
	Runnable time.Duration `json:"runnable_ns"` // of stays that are over, as the next two
	Running  time.Duration `json:"running_ns"`
	InCall   time.Duration `json:"in_call_ns"`
	Stolen   time.Duration `json:"stolen_ns"` // of Running
	Asleep   time.Duration `json:"asleep_ns"` // of Running
}

// Collector is what the garbage collector did.
type Collector struct {
	Cycles  uint64        `json:"cycles"` // that have ended
	Time    time.Duration `json:"ns"`     // that they took, sweeping not counted
	Assists uint64        `json:"assists"`
}

func (c Collector) sub(before Collector) Collector {
	return Collector{since(c.Cycles, before.Cycles), max(0, c.Time-before.Time), since(c.Assists, before.Assists)}
}

// Snapshot is what has been counted since the beginning, or, after [Snapshot.Sub],
// since an earlier snapshot. Counters are read one after the other while the program
// runs.
type Snapshot struct {
	Span       time.Duration // that the counters are of
	Groups     []Group       // in order of their ids
	Threads    []Thread      // in order of their ids
	Goroutines []Goroutine   // those in a state for the longest time first
	Stops      Histogram     // for how long the world stood
	Collector  Collector
	Lost       uint64 // events for which there was no room: see Config
}

// MarshalJSON gives numbers in nanoseconds.
func (s *Snapshot) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Span       time.Duration `json:"span_ns"`
		Groups     []Group       `json:"groups"`
		Threads    []Thread      `json:"threads"`
		Goroutines []Goroutine   `json:"goroutines"`
		Stops      Histogram     `json:"stops"`
		Collector  Collector     `json:"collector"`
		Lost       uint64        `json:"lost"`
	}{s.Span, s.Groups, s.Threads, s.Goroutines, s.Stops, s.Collector, s.Lost})
}

// Sub is what has happened since an earlier snapshot of the same Probe. What is of
// the moment (who is in which state, what a goroutine has run so far) stays as it is.
func (s *Snapshot) Sub(before *Snapshot) *Snapshot {
	d := *s
	d.Span = s.Span - before.Span
	d.Stops = s.Stops.sub(before.Stops)
	d.Collector = s.Collector.sub(before.Collector)
	d.Lost = since(s.Lost, before.Lost)

	groups := map[int]Group{}
	for _, g := range before.Groups {
		groups[g.ID] = g
	}
	d.Groups = nil
	for _, g := range s.Groups {
		d.Groups = append(d.Groups, g.sub(groups[g.ID]))
	}
	threads := map[int]Thread{}
	for _, t := range before.Threads {
		threads[t.ID] = t
	}
	d.Threads = nil
	for _, t := range s.Threads {
		was := threads[t.ID]
		t.On, t.Off = max(0, t.On-was.On), t.Off.sub(was.Off)
		d.Threads = append(d.Threads, t)
	}
	return &d
}

func (g Group) sub(before Group) Group {
	g.Started = since(g.Started, before.Started)
	g.Readied = since(g.Readied, before.Readied)
	g.Runs = since(g.Runs, before.Runs)
	g.Preempted = since(g.Preempted, before.Preempted)
	g.Parked = since(g.Parked, before.Parked)
	g.Exited = since(g.Exited, before.Exited)
	g.Calls = since(g.Calls, before.Calls)
	g.Running = max(0, g.Running-before.Running)
	g.InCall = max(0, g.InCall-before.InCall)
	g.Wait = g.Wait.sub(before.Wait)
	g.Stolen = g.Stolen.sub(before.Stolen)
	g.Off = g.Off.sub(before.Off)
	return g
}
