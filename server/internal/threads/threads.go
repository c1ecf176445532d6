package threads

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Thread is what a thread has done since it began.
type Thread struct {
	CPU      time.Duration // computed
	Runnable bool          // computes, or waits for a processor
	Faults   uint64        // pages that it waited for: of a file, or swapped out
}

// Snapshot is the threads of this process, by their ids, but for the one that read it.
type Snapshot map[int]Thread

// Self returns the id of the calling thread, which is a goroutine's only as long as
// that is locked to it.
func Self() int { return unix.Gettid() }

// Read takes a snapshot. Threads that end meanwhile are not in it.
func Read() (Snapshot, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self := strconv.Itoa(Self())
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("threads: read snapshot: %w: mount /proc", err)
	}
	s := make(Snapshot, len(entries))
	for _, e := range entries {
		if e.Name() == self { // it runs, whatever the others do
			continue
		}
		text, err := os.ReadFile("/proc/self/task/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		id, err := strconv.Atoi(e.Name())
		t, ok := parse(text)
		if err != nil || !ok {
			return nil, fmt.Errorf("threads: read snapshot: /proc/self/task/%s/stat is not as proc(5) says", e.Name())
		}
		s[id] = t
	}
	return s, nil
}

// tick is the unit of times in /proc, USER_HZ, which is the same on all Linux for
// amd64 and arm64.
const tick = time.Second / 100

// Fields of a thread's stat, proc_pid_stat(5), counted from the state's on.
const (
	stateField  = 0
	faultsField = 9
	userField   = 11
	systemField = 12
)

// parse reads a thread's stat: "7 (a name) R 1 …".
func parse(text []byte) (t Thread, ok bool) {
	at := bytes.LastIndexByte(text, ')') // names may hold anything
	if at < 0 {
		return t, false
	}
	fields := bytes.Fields(text[at+1:])
	if len(fields) <= systemField {
		return t, false
	}
	var numbers [3]uint64
	for i, field := range []int{faultsField, userField, systemField} {
		n, err := strconv.ParseUint(string(fields[field]), 10, 63)
		if err != nil {
			return t, false
		}
		numbers[i] = n
	}
	t.Runnable = string(fields[stateField]) == "R"
	t.Faults = numbers[0]
	t.CPU = time.Duration(numbers[1]+numbers[2]) * tick
	return t, true
}
