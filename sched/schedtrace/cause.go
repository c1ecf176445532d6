package schedtrace

import (
	"fmt"
	"iter"
)

// A Cause says what kept a goroutine that was ready from running. Each moment of the
// time that it was ready has one, the first of these that holds; see the package's
// documentation for when that is.
type Cause uint8

const (
	Wakeup   Cause = iota // the P that ran it was idle, and took its time to start
	Dispatch              // the P that ran it was in the scheduler, with no goroutine
	STW                   // the world was stopped
	Idle                  // some other P was idle, and did not take it
	Unseen                // the trace has not told yet what all Ps do
	GC                    // a mark worker had a P, or a goroutine that assists it
	CCall                 // a goroutine in a C call had kept its P
	Syscall               // a goroutine in a system call had kept its P
	Busy                  // other goroutines ran on all Ps
	causes
)

var causeNames = [causes]string{"wakeup", "dispatch", "stw", "idle", "unseen", "gc", "ccall", "syscall", "busy"}

var causeTexts = [causes]string{
	"the P that ran it was idle, and took its time to start",
	"the P that ran it was in the scheduler, with no goroutine",
	"the world was stopped",
	"some other P was idle, and did not take it",
	"the trace has not told yet what all Ps do",
	"the collector had a P: a mark worker, or an assist",
	"a goroutine in a C call had kept its P",
	"a goroutine in a system call had kept its P",
	"other goroutines ran on all Ps",
}

// Causes are all of them, in the order in which they are asked for.
func Causes() iter.Seq[Cause] {
	return func(yield func(Cause) bool) {
		for c := range causes {
			if !yield(c) {
				return
			}
		}
	}
}

func (c Cause) String() string { return nameOf(causeNames[:], c) }

// About is a sentence's part for people.
func (c Cause) About() string { return nameOf(causeTexts[:], c) }

// MarshalText gives the name, for JSON.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// An Origin says how a goroutine became ready to run.
type Origin uint8

const (
	Woken     Origin = iota // it had waited, for anything but what follows
	Created                 // a go statement
	Preempted               // it ran for too long, or was stopped for the collector
	Yielded                 // runtime.Gosched, or another stop of its own
	Returned                // from a system call or a C call that had lost its P
	Switched                // a coroutine's turn (iter.Pull): handed the P, never queued
	Before                  // it was ready when the trace began
	origins
)

var originNames = [origins]string{"woken", "created", "preempted", "yielded", "returned", "switched", "before"}

var originTexts = [origins]string{
	"had waited",
	"created",
	"preempted",
	"yielded",
	"came back from a system call or C call without its P",
	"switched to, as a coroutine",
	"ready when the trace began",
}

func (o Origin) String() string { return nameOf(originNames[:], o) }

// About is a sentence's part for people.
func (o Origin) About() string { return nameOf(originTexts[:], o) }

// MarshalText gives the name, for JSON.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// A Use is what a P does.
type Use uint8

const (
	UseUnseen    Use = iota // the trace has not told yet
	UseIdle                 // no thread has it
	UseScheduler            // a thread has it, and no goroutine: it looks for one
	UseGoroutine            // runs a goroutine
	UseAssist               // runs a goroutine that has to mark for the collector
	UseMark                 // runs a mark worker
	UseSyscall              // its goroutine is in a system call
	UseCCall                // its goroutine is in a C call
	uses
)

var useNames = [uses]string{"unseen", "idle", "scheduler", "goroutine", "assist", "mark", "syscall", "ccall"}

func (u Use) String() string { return nameOf(useNames[:], u) }

// MarshalText gives the name, for JSON.
func (u Use) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("unknown(%d)", v)
}
