package schedtrace

import (
	"strings"

	"golang.org/x/exp/trace"
)

// A goroutine is what is known of one.
type goroutine struct {
	id    trace.GoID
	name  string // the function that it started in; "" until a stack has told
	group string // its ggroup, "" for none that was logged
	next  string // .. of the goroutine that it is about to start
	at    string // the innermost function of its own, by the last stack

	state     trace.GoState
	since     int64 // in this state, by an event
	proc      *proc // while it runs, or has its P in a system call or C call
	ccall     bool  // the system call is a C call
	mark      bool  // it is a mark worker
	assisting bool  // it marks for the collector
	assistAt  int64 // .. since

	reason    string // what it waits for, or waited for
	coroutine bool   // .. which is its turn

	// While it is ready.
	origin  Origin
	spent   parts      // machine.spent when it became so
	waker   *goroutine // nil for the scheduler: the network poller, a timer
	wokenAt string     // where the waker was

	ran     bool          // it has run in the trace
	before  [profiles]sum // intervals of one that has not
	pending []sample      // of one whose name is not known yet
}

// maxPending bounds the latencies that wait for a goroutine's name, which the next stack
// tells.
const maxPending = 16

// goroutineEvent follows a goroutine from one state to the next.
func (m *machine) goroutineEvent(ev *trace.Event, st *trace.StateTransition) {
	id := st.Resource.Goroutine()
	from, to := st.Goroutine()
	g := m.goroutines[id]
	if g == nil {
		g = &goroutine{id: id}
		m.goroutines[id] = g
		m.seen++
	}
	names := m.stacks.of(st.Stack)
	if g.name == "" && names.root != "" {
		g.name = names.root
		m.settle(g)
	}
	if from == to {
		return // the status that each generation begins with
	}
	if names.top != "" {
		g.at = names.top
	}
	m.leave(g, from, to)
	if from == trace.GoRunnable && to == trace.GoRunning {
		m.started(g, m.proc(ev.Proc()))
	}
	g.state, g.since = to, m.now
	m.enter(g, from, to, ev, st, names.ccall)
}

// leave ends a state.
func (m *machine) leave(g *goroutine, from, to trace.GoState) {
	m.totals.left(g, from, m.now)
	if from == trace.GoRunning || from == trace.GoSyscall {
		if from == trace.GoRunning && to == trace.GoSyscall || to == trace.GoRunning {
			return // it keeps its P
		}
		p := g.proc
		g.proc = nil
		switch {
		case p == nil || p.holder != g:
		case to == trace.GoNotExist && from == trace.GoSyscall:
			m.setUse(p, UseCCall, nil) // a callback's end: the P stays with the thread, in C
		default:
			m.setUse(p, UseScheduler, nil)
		}
	}
}

// enter begins one.
func (m *machine) enter(g *goroutine, from, to trace.GoState, ev *trace.Event, st *trace.StateTransition, ccall bool) {
	switch to {
	case trace.GoRunning:
		g.waker, g.wokenAt = nil, ""
		if !g.ran {
			g.ran, g.before = true, [profiles]sum{}
		}
		m.hold(g, m.proc(ev.Proc()), g.use())
	case trace.GoRunnable:
		g.spent = m.spent
		g.origin = originOf(g, from, st.Reason)
		if from == trace.GoWaiting {
			g.waker = m.goroutines[ev.Goroutine()]
			g.wokenAt = m.stacks.of(ev.Stack()).top
		}
		if from == trace.GoNotExist {
			m.inherit(g, ev.Goroutine())
		}
	case trace.GoWaiting:
		g.reason = m.stacks.intern(st.Reason)
		g.coroutine = from == trace.GoNotExist || from == trace.GoRunning && st.Reason == ""
		if from == trace.GoNotExist {
			m.inherit(g, ev.Goroutine())
		}
	case trace.GoSyscall:
		g.ccall = ccall
		// Of one that has been there since before the trace, the event tells the P only
		// if it is the goroutine's own.
		if from == trace.GoRunning || from == trace.GoUndetermined && ev.Goroutine() == trace.NoGoroutine {
			m.hold(g, m.proc(ev.Proc()), g.use())
		}
	case trace.GoNotExist:
		m.settle(g)
		m.totals.ended(g)
		delete(m.goroutines, g.id)
	}
}

// originOf says how a goroutine that has left a state became ready.
func originOf(g *goroutine, from trace.GoState, reason string) Origin {
	switch from {
	case trace.GoNotExist:
		return Created
	case trace.GoRunning:
		if reason == "preempted" {
			return Preempted
		}
		return Yielded
	case trace.GoSyscall:
		return Returned
	case trace.GoWaiting:
		switch {
		case g.coroutine:
			return Switched
		case g.reason == "preempted": // for the collector to scan its stack
			return Preempted
		}
		return Woken
	}
	return Before
}

// use is what its P does while it is on it.
func (g *goroutine) use() Use {
	switch {
	case g.state == trace.GoSyscall && g.ccall:
		return UseCCall
	case g.state == trace.GoSyscall:
		return UseSyscall
	case g.mark:
		return UseMark
	case g.assisting:
		return UseAssist
	}
	return UseGoroutine
}

// hold puts a goroutine on a P.
func (m *machine) hold(g *goroutine, p *proc, use Use) {
	g.proc = p
	if p != nil {
		m.setUse(p, use, g)
	}
}

// changed says that what a goroutine does on its P is something else now.
func (m *machine) changed(g *goroutine) {
	if p := g.proc; p != nil && p.holder == g {
		m.setUse(p, g.use(), g)
	}
}

// labelEvent takes in the labels that the runtime gives its mark workers when they start.
func (m *machine) labelEvent(ev *trace.Event) {
	label := ev.Label()
	if label.Resource.Kind != trace.ResourceGoroutine || !strings.HasPrefix(label.Label, "GC (") {
		return
	}
	if g := m.goroutines[label.Resource.Goroutine()]; g != nil {
		g.mark = true
		m.changed(g)
	}
}

// Categories of the lines that package ggroup logs: the caller is in a group from now on,
// "" for none; the goroutine that it starts next will be.
const (
	logGroup     = "ggroup"
	logNextGroup = "ggroup.next"
)

func (m *machine) logEvent(ev *trace.Event) {
	g := m.goroutines[ev.Goroutine()]
	if g == nil {
		return
	}
	switch line := ev.Log(); line.Category {
	case logGroup:
		g.group = m.stacks.intern(line.Message)
	case logNextGroup:
		g.next = m.stacks.intern(line.Message)
	}
}

// inherit gives a new goroutine its group. The runtime's own are in none, whoever
// starts them.
func (m *machine) inherit(g *goroutine, parent trace.GoID) {
	p := m.goroutines[parent]
	if p == nil || isRuntime(g.name) {
		return
	}
	g.group = p.group
	if p.next != "" {
		g.group, p.next = p.next, ""
	}
}
