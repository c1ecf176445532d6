// Target is a program with probe points of its own, like those of Weir's Go runtime,
// and does what it is told, a line each:
//
//	fire POINT GOID GROUP ARG P    the call, on the main thread
//	elsewhere POINT GOID GROUP ARG P    on another thread
//	many N                          fires a Run of goroutine 1 and a Preempt, N times; answers with CPU time a call, ns
//	semaphore                       how many are attached to a point
//	crowd                           shares its processor until the kernel has taken it away three times
//	nap                             sleeps in the kernel for a moment
//	thread                          the main thread's number
//	stay                            no more commands: ends when it is killed
//
// It answers each with a line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

func fireStart(goid, group, arg, p uint64)
func fireReady(goid, group, arg, p uint64)
func fireRun(goid, group, arg, p uint64)
func firePreempt(goid, group, arg, p uint64)
func firePark(goid, group, arg, p uint64)
func fireExit(goid, group, arg, p uint64)
func fireSyscallEnter(goid, group, arg, p uint64)
func fireSyscallExit(goid, group, arg, p uint64)
func fireGC(goid, group, arg, p uint64)
func fireSTWStart(goid, group, arg, p uint64)
func fireSTWEnd(goid, group, arg, p uint64)

var fire = map[string]func(goid, group, arg, p uint64){
	"Start": fireStart, "Ready": fireReady, "Run": fireRun, "Preempt": firePreempt, "Park": firePark, "Exit": fireExit,
	"SyscallEnter": fireSyscallEnter, "SyscallExit": fireSyscallExit, "GC": fireGC, "STWStart": fireSTWStart, "STWEnd": fireSTWEnd,
}

// pointSemaphore is the counter, in its lower half; the upper one has it in the file.
var pointSemaphore uint32 = 1 << 16

// groups is like the runtime's table.
var groups [65]struct {
	flags uint32
	name  string
	more  any
}

func main() {
	runtime.LockOSThread()
	groups[3].name = string([]byte("inference"))
	groups[64].name = "last\x1b[31m"
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(do(lines.Text()))
	}
}

func do(line string) any {
	var command, point string
	var goid, group, arg uint64
	var p int64
	fmt.Sscanf(line, "%s %s %d %d %d %d", &command, &point, &goid, &group, &arg, &p)
	switch command {
	case "fire":
		fire[point](goid, group, arg, uint64(p))
	case "elsewhere":
		done := make(chan bool)
		go func() {
			runtime.LockOSThread() // the main thread is taken
			fire[point](goid, group, arg, uint64(p))
			close(done)
		}()
		<-done
	case "many":
		var n int
		fmt.Sscan(point, &n)
		begin := computed()
		for range n / 2 {
			fireRun(1, 1, 0, 0)
			firePreempt(1, 1, 0, 0)
		}
		return float64(computed()-begin) / float64(n)
	case "semaphore":
		return atomic.LoadUint32(&pointSemaphore) & 0xffff
	case "crowd":
		crowd()
	case "nap":
		for left := (unix.Timespec{Nsec: 1e6}); unix.Nanosleep(&left, &left) == unix.EINTR; { // a signal of the runtime's
		}
	case "thread":
		return unix.Gettid()
	case "stay":
		fmt.Println("stays")
		select {}
	default:
		panic(line)
	}
	return "done"
}

// crowd puts another thread onto this one's processor.
func crowd() {
	var before, one unix.CPUSet
	check(unix.SchedGetaffinity(0, &before))
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	check(unix.SchedSetaffinity(0, &one))
	var stop atomic.Bool
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		check(unix.SchedSetaffinity(0, &one))
		for !stop.Load() {
		}
		close(done)
	}()
	for from := stolen(); stolen() < from+3; {
	}
	stop.Store(true)
	<-done
	check(unix.SchedSetaffinity(0, &before))
}

// computed is the time that this thread has spent on processors, in ns.
func computed() int64 {
	var t unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t))
	return t.Nano()
}

// stolen is how often the kernel took the processor from this thread.
func stolen() int64 {
	var usage unix.Rusage
	check(unix.Getrusage(unix.RUSAGE_THREAD, &usage))
	return usage.Nivcsw
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
