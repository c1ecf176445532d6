package record

// A State is what a goroutine is doing, or waiting for.
type State uint8

const (
	Unknown   State = iota // nothing is recorded of it yet, or it does not exist
	Running                // has a processor, in system calls too that let it keep it
	ReadyWait              // may run since something made it ready, and has no processor
	Preempted              // may run, and has none since it was stopped or yielded
	Assisting              // marks for the collector, or waits until others have marked for it
	Stopped                // would have a processor if the world were not stopped
	InSyscall              // in the kernel, or in C, and has lost its processor there
	Parked                 // waits for something; Span.Reason says for what
	states                 // their number
)

var stateNames = [states]string{"unknown", "running", "ready", "preempted", "GC assist", "stopped world", "syscall", "parked"}

// String names the state in a word or two.
func (s State) String() string {
	if s < states {
		return stateNames[s]
	}
	return "no state"
}

// A Span is a stretch of time in one state.
type Span struct {
	From, To int64 // ns
	State    State
	Reason   uint8 // of Parked
	P        int32 // of Running, and of Assisting that runs: the processor; else -1
}

// A course is how far a goroutine's records have been followed. The states that
// it goes through:
//
//	record          to
//	GoStart, Ready  ReadyWait; without effect on one that waits already
//	Run             Running
//	Preempt         Preempted
//	Park            Parked
//	SyscallEnter    InSyscall
//	SyscallExit     Running, or ReadyWait if it has no processor
//	Exit            Unknown
//
// AssistStart and AssistEnd set a flag beside it: while it is up, running and
// parked are Assisting. A record that does not fit the state, as others were
// lost before it, is believed.
type course struct {
	at       Span // of which To is not known
	assist   bool
	recorded bool // a record was seen
	exited   bool
}

// startOf returns the course of a goroutine of which nothing is known since from.
func startOf(from int64) course { return course{at: Span{From: from, P: -1}} }

// shown returns the present span as it is told to the outside.
func (c *course) shown(to int64) Span {
	s := c.at
	s.To = to
	if c.assist && (s.State == Running || s.State == Parked) {
		s.State, s.Reason = Assisting, 0
	}
	return s
}

// before returns what a goroutine must have been doing if r is the first that is
// recorded of it.
func before(r *Record) (s State, assist bool) {
	switch r.Event {
	case Ready:
		return Parked, false
	case Preempt, Park, Exit, SyscallEnter, AssistStart:
		return Running, false
	case AssistEnd:
		return Running, true
	case SyscallExit:
		return InSyscall, false
	}
	return Unknown, false
}

// step follows a record of the goroutine, and hands the spans that it ends to
// emit: none, one or two, together from where the last step was to r's time.
func (c *course) step(r *Record, emit func(Span)) {
	now := max(r.Time, c.at.From)
	if !c.recorded {
		c.recorded = true
		c.at.State, c.assist = before(r)
		if c.at.State == Running {
			c.at.P = r.P
		}
	}
	next := Span{From: now, P: -1}
	switch r.Event {
	case GoStart, Ready:
		if c.at.State == ReadyWait || c.at.State == Preempted {
			return
		}
		next.State = ReadyWait
	case Run:
		next.State, next.P = Running, r.P
		c.missedReady(r, now, emit)
	case Preempt:
		next.State = Preempted
	case Park:
		next.State, next.Reason = Parked, r.Reason
	case Exit:
		c.exited = true
	case SyscallEnter:
		next.State = InSyscall
	case SyscallExit:
		next.State, next.P = Running, r.P
		if r.P < 0 {
			next.State = ReadyWait
		}
	case AssistStart, AssistEnd:
		next.State, next.P = Running, r.P
	}
	emit(c.shown(now))
	c.at = next
	if r.Event != Exit {
		c.exited = false
	}
	switch r.Event {
	case AssistStart:
		c.assist = true
	case AssistEnd, GoStart, Exit:
		c.assist = false
	}
}

// missedReady puts a wait where Run tells of one and no record does.
func (c *course) missedReady(r *Record, now int64, emit func(Span)) {
	if s := c.at.State; s == ReadyWait || s == Preempted || r.Arg == 0 {
		return
	}
	ready := now
	if r.Arg < uint64(now-c.at.From) {
		ready -= int64(r.Arg)
	} else {
		ready = c.at.From
	}
	emit(c.shown(ready))
	c.at = Span{From: ready, State: ReadyWait, P: -1}
}

// waits reports whether the goroutine could run and has no processor.
func (c *course) waits() bool { return c.at.State == ReadyWait || c.at.State == Preempted }
