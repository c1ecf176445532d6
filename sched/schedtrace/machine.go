package schedtrace

import (
	"fmt"
	"math"

	"golang.org/x/exp/trace"
)

// never is a time after all others.
const never = int64(math.MaxInt64)

// maxProcs is more Ps than a process has.
const maxProcs = 1 << 16

// A machine follows the states of all goroutines and Ps through a trace, event by
// event, and keeps sums of what it sees. Times are a trace's, in ns.
type machine struct {
	config Config
	stacks stackTable

	start, now, sync int64 // the first event, the last one, the last sync
	events           int64
	generations      int64
	seen             int64 // goroutines

	goroutines map[trace.GoID]*goroutine
	procs      []*proc // by id; those from gomaxprocs on are not used
	gomaxprocs int
	inUse      [uses]int // how many of the Ps below gomaxprocs do what

	stopped   int   // stop-the-world ranges that are open
	spent     parts // time since the trace began, by the cause that each moment has
	idleSince int64 // since when there has always been an idle P; never if there is none

	used    [uses]int64 // P time by use, in ns
	history history
	ranges  ranges

	groups  *groupTable
	origins [origins]sum
	worst   [2]worstList // by latency kind
	totals  totals
}

func newMachine(c Config) *machine {
	return &machine{
		config:     c,
		stacks:     newStackTable(),
		goroutines: map[trace.GoID]*goroutine{},
		idleSince:  never,
		history:    history{most: historyLength},
		groups:     newGroupTable(c),
		worst:      [2]worstList{{most: c.Worst}, {most: c.Worst}},
	}
}

// A proc is a P. While it runs no goroutine, idle or in the scheduler, it is free.
type proc struct {
	id     int
	use    Use
	since  int64      // in this use
	holder *goroutine // nil unless it has one

	freeSince int64 // with no goroutine, and the world not stopped
	freeSpent parts // machine.spent then
	lookSince int64 // .. in the scheduler
	lookSpent parts
}

// event takes in the next event.
func (m *machine) event(ev *trace.Event) error {
	at := int64(ev.Time())
	if m.events == 0 {
		m.start, m.now, m.sync = at, at, at
	}
	m.events++
	m.advance(at)
	switch ev.Kind() {
	case trace.EventSync:
		m.sync = at
		m.generations++
		m.stacks.nextGeneration()
	case trace.EventMetric:
		if metric := ev.Metric(); metric.Name == "/sched/gomaxprocs:threads" {
			return m.setGomaxprocs(metric.Value.Uint64())
		}
	case trace.EventStateTransition:
		st := ev.StateTransition()
		switch st.Resource.Kind {
		case trace.ResourceGoroutine:
			m.goroutineEvent(ev, &st)
		case trace.ResourceProc:
			return m.procEvent(&st)
		}
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		m.rangeEvent(ev)
	case trace.EventLabel:
		m.labelEvent(ev)
	case trace.EventLog:
		m.logEvent(ev)
	}
	return nil
}

// advance charges the time until at to the cause that this moment has.
func (m *machine) advance(at int64) {
	if at <= m.now {
		return
	}
	m.spent[m.moment()] += at - m.now
	m.now = at
}

// moment is the cause for which a goroutine that is ready now does not run, as far as
// it does not depend on the P that it will run on.
func (m *machine) moment() Cause {
	switch {
	case m.stopped > 0:
		return STW
	case m.inUse[UseIdle] > 0:
		return Idle
	case m.inUse[UseUnseen] > 0 || m.gomaxprocs == 0:
		return Unseen
	case m.inUse[UseMark]+m.inUse[UseAssist] > 0:
		return GC
	case m.inUse[UseCCall] > 0:
		return CCall
	case m.inUse[UseSyscall] > 0:
		return Syscall
	}
	return Busy
}

// setGomaxprocs makes the first n Ps those that are used.
func (m *machine) setGomaxprocs(n uint64) error {
	if n == 0 || n > maxProcs {
		return fmt.Errorf("GOMAXPROCS is %d in it", n)
	}
	if err := m.makeProcs(int(n)); err != nil {
		return err
	}
	for _, p := range m.procs {
		m.closeUse(p)
		p.since = m.now
	}
	before := m.gomaxprocs
	m.gomaxprocs = int(n)
	m.inUse = [uses]int{}
	for _, p := range m.procs[:n] {
		m.inUse[p.use]++
	}
	m.idleChanged()
	for _, p := range m.procs[:n] {
		if before > 0 && p.id >= before && p.use == UseUnseen {
			m.setUse(p, UseIdle, nil) // a new one
		}
	}
	return nil
}

// makeProcs makes Ps until there are n.
func (m *machine) makeProcs(n int) error {
	if n > maxProcs {
		return fmt.Errorf("it has a P %d", n-1)
	}
	for len(m.procs) < n {
		m.procs = append(m.procs, &proc{id: len(m.procs), since: m.now, freeSince: never, lookSince: never})
	}
	return nil
}

// proc returns a P, nil for none.
func (m *machine) proc(id trace.ProcID) *proc {
	if id < 0 || int64(id) >= int64(len(m.procs)) {
		return nil
	}
	return m.procs[id]
}

func (m *machine) procEvent(st *trace.StateTransition) error {
	id := st.Resource.Proc()
	from, to := st.Proc()
	if id < 0 || id >= maxProcs {
		return fmt.Errorf("it has a P %d", id)
	}
	if err := m.makeProcs(int(id) + 1); err != nil {
		return err
	}
	p := m.procs[id]
	switch {
	case to == trace.ProcIdle || to == trace.ProcNotExist:
		if p.holder != nil && p.holder.proc == p {
			p.holder.proc = nil // taken away from one in a system call or C call
		}
		m.setUse(p, UseIdle, nil)
	case to == trace.ProcRunning && (from != to || p.use == UseUnseen):
		m.setUse(p, UseScheduler, nil)
	}
	return nil
}

// setUse says what a P does from now on.
func (m *machine) setUse(p *proc, use Use, holder *goroutine) {
	if p.use == use && p.holder == holder {
		return
	}
	m.closeUse(p)
	wasFree := p.use == UseIdle || p.use == UseScheduler
	if p.id < m.gomaxprocs {
		m.inUse[p.use]--
		m.inUse[use]++
	}
	p.use, p.holder, p.since = use, holder, m.now
	switch use {
	case UseIdle, UseScheduler:
		if !wasFree {
			p.freeSince, p.freeSpent = m.now, m.spent
		}
		p.lookSince, p.lookSpent = m.now, m.spent
	default:
		p.freeSince, p.lookSince = never, never
	}
	m.idleChanged()
}

// closeUse accounts for what a P has done until now, if it is one of those in use.
func (m *machine) closeUse(p *proc) {
	if m.now > p.since && p.id < m.gomaxprocs {
		m.used[p.use] += m.now - p.since
		m.history.add(stretch{proc: p.id, use: p.use, holder: p.holder, at: p.at(), from: p.since, to: m.now})
	}
}

// at is where a P's goroutine is, or was when it left the P.
func (p *proc) at() string {
	if p.holder == nil {
		return ""
	}
	return p.holder.at
}

// idleChanged keeps idleSince after Ps changed their use.
func (m *machine) idleChanged() {
	switch {
	case m.inUse[UseIdle] == 0 || m.stopped > 0:
		m.idleSince = never
	case m.idleSince == never:
		m.idleSince = m.now
	}
}

// worldStarted begins every P's time anew: with the world stopped, none was free.
func (m *machine) worldStarted() {
	for _, p := range m.procs {
		if p.freeSince != never {
			p.freeSince, p.freeSpent = m.now, m.spent
		}
		if p.lookSince != never {
			p.lookSince, p.lookSpent = m.now, m.spent
		}
	}
	m.idleChanged()
}

// traceStarted says that tracing began with the world stopped: a P that has not been
// seen yet is idle, as every other one tells when it goes on.
func (m *machine) traceStarted() {
	for _, p := range m.procs {
		if p.use == UseUnseen {
			m.setUse(p, UseIdle, nil)
		}
	}
}
