package record

import "strconv"

// An Event is what a [Record] tells.
type Event uint8

// The events, numbered as the runtime has them. Those of one goroutine come in the
// order in which they happened.
const (
	GoStart      Event = iota + 1 // created, and ready for the first time
	Ready                         // may run, and waits for a processor
	Run                           // runs
	Preempt                       // stopped, ready for more: for another, or because it yielded
	Park                          // waits for something
	Exit                          // has ended
	SyscallEnter                  // in a system call, or in C, it has lost its processor: calls that keep theirs are not recorded
	SyscallExit                   // is back; without a processor a Run follows
	GCStart                       // a collection begins to mark
	GCMarkDone                    // .. has marked
	GCEnd                         // .. is over, sweeping aside
	AssistStart                   // a goroutine marks what it allocates on credit
	AssistEnd
	STWStart // the world is being stopped
	STWEnd   // and goes on

	Lost Event = 255 // records are missing before the next one: a recorder's own
)

var eventNames = [...]string{
	GoStart: "start", Ready: "ready", Run: "run", Preempt: "preempt", Park: "park", Exit: "exit",
	SyscallEnter: "syscall", SyscallExit: "syscall end",
	GCStart: "collection", GCMarkDone: "mark done", GCEnd: "collection end", AssistStart: "assist", AssistEnd: "assist end",
	STWStart: "stop", STWEnd: "stop end", Lost: "lost",
}

// String names the event in a word or two.
func (e Event) String() string {
	if eventNames[e] != "" {
		return eventNames[e]
	}
	return "event " + strconv.Itoa(int(e))
}

// Yielded is the Reason of a [Preempt] whose goroutine gave the processor away
// of its own accord.
const Yielded = 1

// A Record is one event of the scheduler. Its Arg is of
//
//	GoStart           who created it
//	Ready             who made it ready; 0: none, a timer or the network
//	Run               ns that it waited; 0: not known
//	GCStart .. GCEnd  the collection's number
//	STWStart, STWEnd  why
//	Lost              how many
type Record struct {
	Time   int64  // in ns, of the runtime's monotonic clock: [Recorder.Now]
	G      uint64 // the goroutine's id; 0: none
	Arg    uint64
	Group  int32 // the goroutine's group; 0: none
	P      int32 // the processor it happened on; -1: none
	Event  Event
	Reason uint8 // of Park, as the runtime has it; of Preempt, Yielded or 0
}

// about reports whether the record is of a goroutine's own course.
func (r *Record) about() bool {
	switch r.Event {
	case GoStart, Ready, Run, Preempt, Park, Exit, SyscallEnter, SyscallExit, AssistStart, AssistEnd:
		return r.G != 0
	}
	return false
}
