package sample

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for every architecture
// that Go runs on.
const ticksPerSecond = 100

// ProcessCPU returns the CPU time of a process so far, user and system, all
// threads, to 10 ms each (proc(5), /proc/pid/stat).
func ProcessCPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("sample: read CPU time: %w", err)
	}
	// The second field, the name, is in brackets and may hold anything.
	stat := string(text)
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3 // numbered from 1 in proc(5); two are cut off
	if len(fields) <= system {
		return 0, errors.New("sample: read CPU time: /proc/pid/stat is malformed")
	}
	userTicks, userErr := strconv.ParseUint(fields[user], 10, 62)
	systemTicks, systemErr := strconv.ParseUint(fields[system], 10, 62)
	if err := errors.Join(userErr, systemErr); err != nil {
		return 0, fmt.Errorf("sample: read CPU time: %w", err)
	}
	return time.Duration(userTicks+systemTicks) * time.Second / ticksPerSecond, nil
}

// ProcessClock returns the CPU time of a process so far, to the nanosecond, from
// its own clock (clock_getcpuclockid(3)).
func ProcessClock(pid int) (time.Duration, error) {
	// The kernel's encoding of another process's clock: ^pid, and 2 for time
	// that the scheduler accounts (MAKE_PROCESS_CPUCLOCK, CPUCLOCK_SCHED).
	const scheduler = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|scheduler, &t); err != nil {
		return 0, fmt.Errorf("sample: read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Memory is what a process has of the machine's.
type Memory struct {
	ResidentBytes uint64
	PeakBytes     uint64 // the most it had since its start, or since ResetPeak
}

// ProcessMemory reads /proc/pid/status.
func ProcessMemory(pid int) (m Memory, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return m, fmt.Errorf("sample: read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "VmHWM" {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 54)
		if err != nil {
			return m, fmt.Errorf("sample: read memory: %s: %w", name, err)
		}
		if name == "VmRSS" {
			m.ResidentBytes = kib << 10
		} else {
			m.PeakBytes = kib << 10
		}
	}
	return m, nil
}

// ResetPeak makes what a process has now its peak (proc(5), clear_refs).
func ResetPeak(pid int) error {
	if err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("sample: reset the peak of memory: %w", err)
	}
	return nil
}
