package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counters are this process's, so far.
type counters struct {
	cpuNs, switches       int64
	allocs, enters, sends uint64
}

func readCounters(a Arm) counters {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage) // cannot fail for oneself
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}}
	metrics.Read(heap)
	enters, sends := a.Ring()
	return counters{
		cpuNs:    usage.Utime.Nano() + usage.Stime.Nano(),
		switches: usage.Nvcsw + usage.Nivcsw,
		allocs:   heap[0].Value.Uint64() + heap[1].Value.Uint64(),
		enters:   enters,
		sends:    sends,
	}
}

// charge sets what was spent from one reading to the other.
func (r *Served) charge(from, to counters) {
	r.CPUNs = to.cpuNs - from.cpuNs
	r.Switches = to.switches - from.switches
	r.Allocs = to.allocs - from.allocs
	r.Enters = to.enters - from.enters
	r.Sends = to.sends - from.sends
}

// residentBytes collects garbage, gives free memory back and returns what is
// left of this process in memory, pages of the binary aside.
func residentBytes() int64 {
	runtime.GC() // pools give up what they hold at the second collection
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Anonymous:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 50)
			return kilobytes << 10
		}
	}
	return 0
}

// tracer counts the system calls of this process: a perf event on the kernel's
// tracepoint for each thread, inherited by those that begin later.
type tracer struct{ events []int }

var tracepointPaths = []string{
	"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
	"/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
}

func traceSyscalls() (*tracer, error) {
	id, err := tracepoint()
	if err != nil {
		return nil, err
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: id,
		Bits: unix.PerfBitInherit,
	}
	t := new(tracer)
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			t.stop()
			return nil, fmt.Errorf("count system calls: perf_event_open: %w: run as root, or lower kernel.perf_event_paranoid", err)
		}
		t.events = append(t.events, fd)
	}
	return t, nil
}

func tracepoint() (uint64, error) {
	var text []byte
	var err error
	for _, path := range tracepointPaths {
		if text, err = os.ReadFile(path); err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
	}
	return 0, fmt.Errorf("count system calls: %w: mount tracefs on /sys/kernel/tracing", err)
}

// stop returns the system calls since traceSyscalls and stops counting.
func (t *tracer) stop() uint64 {
	var total uint64
	for _, fd := range t.events {
		var count [8]byte
		if n, _ := unix.Read(fd, count[:]); n == len(count) {
			total += binary.NativeEndian.Uint64(count[:])
		}
		_ = unix.Close(fd)
	}
	t.events = nil
	return total
}
