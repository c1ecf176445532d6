package sample

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
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
