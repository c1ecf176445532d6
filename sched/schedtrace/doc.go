// Package schedtrace reads a Go execution trace, of any program and of stock Go as well
// as ours, and tells how long goroutines that could run did not, and why.
//
//	report, err := schedtrace.Read(file, schedtrace.Config{})
//	if err != nil {
//		return err
//	}
//	report.WriteText(os.Stdout)
//
// # Two latencies
//
// Both are times in which a goroutine is Runnable, by the trace's states of goroutines
// and Ps (golang.org/x/exp/trace). A P is free while it has no goroutine: it is Idle, or
// it is Running and no goroutine on it is Running or in Syscall, that is, a thread has it
// and is in the scheduler.
//
//	park→scheduled    from Waiting→Runnable to the Runnable→Running that follows
//	                  (gopark to execution, without the wait itself); over 80 µs is abnormal
//	schedule→execute  the end of such a time in which there was a P for it: from when the
//	                  P that then runs it became free, or from when some P has been Idle
//	                  without a break, whichever is earlier, but not from before the
//	                  goroutine was Runnable, nor from before the world was started
//	                  again; to Runnable→Running; over 25 µs is abnormal
//
// So a goroutine that queues behind others has a long park→scheduled and a short
// schedule→execute, and one that no P was woken for has both long. park→scheduled counts
// goroutines that have waited ([Woken]); schedule→execute counts all that start to run,
// also those that were created, preempted, yielded, or came back from a system call or a
// C call to find their P taken ([Origin]). A goroutine stopped for the collector to scan
// its stack (Waiting, "preempted") was preempted, and a coroutine's turn is no wake-up.
//
// # Causes
//
// Each moment of a latency has one cause, the first of these that holds, and a latency's
// cause is the one with most of its time. Times of all causes add up to the latency.
//
//	wakeup    the P that runs the goroutine in the end is free and not yet in the
//	          scheduler for the last time: it was Idle, and a thread was woken for it
//	dispatch  that P is Running, has no goroutine, and the next one is this one
//	stw       within a stop-the-world range, from when the stop begins
//	idle      some P below GOMAXPROCS is Idle
//	unseen    the trace has not told yet what each P does
//	gc        a mark worker runs on a P, or a goroutine within a mark assist
//	ccall     a goroutine in a C call (runtime.cgocall) still has its P
//	syscall   .. in another system call
//	busy      other goroutines run on all Ps
//
// wakeup and dispatch are about the last P alone, so that one which passes through the
// scheduler on its way to other goroutines does not count: that is busy.
//
// # Groups
//
// A goroutine is in the group that package ggroup logged for it, or for the one that
// started it; ggroup does so while a trace is being recorded. One that was in its group
// before is, as all of programs without groups, in the group of the function that it
// started in.
//
// # Limits
//
// What no event tells is not seen. Between a socket's readiness and Waiting→Runnable lies
// the time until some thread polls: it belongs to the wait. So does a timer's lateness.
// When a thread was asked to wake up is no event either: wakeup is the time until it has
// woken. Whether an idle P was free to run anything is not told: on our toolchain one that
// is set aside for a group looks idle, and a group that has used up its quota looks as if
// it slept. A goroutine that is locked to a thread waits for that thread.
//
// Quantiles are within 1 %; counts, sums and maxima are exact. What ran during one of the
// worst latencies is kept for the last 65 536 stretches of all Ps, and the report says so
// where that is less. More than 512 groups count as others.
//
// Traces of Go 1.22 to 1.26's formats are read, those of today's Go among them. For a
// trace that a crash cut off there is an error, not half a report.
package schedtrace
