package harness

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/sample"
)

// A disturbance is what took processor time from a child: shares of the time
// that all processors of the machine had while it ran.
type disturbance struct {
	// Others is what programs other than the child and its own children used.
	// Interrupts are in no share, as the child's own are among them.
	Others float64 `json:"others_share"`
	// Stolen is what the hypervisor gave to other guests.
	Stolen float64 `json:"stolen_share"`
}

// disturbed is the share of others from which on a result carries a warning: a
// program that uses a tenth of one of two processors.
const disturbed = 0.05

// processorTimes are counts of seconds since boot, and of this process's
// waited-for children.
type processorTimes struct{ programs, stolen, all, children float64 }

// ticksPerSecond is USER_HZ, which Linux fixes at 100 on what Go runs on.
const ticksPerSecond = 100

func readProcessorTimes() (processorTimes, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processorTimes{}, fmt.Errorf("harness: read processor times: %w", err)
	}
	t, err := parseProcessorTimes(string(text))
	if err != nil {
		return t, err
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &usage); err != nil {
		return t, fmt.Errorf("harness: read processor times: %w", err)
	}
	t.children = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	return t, nil
}

// parseProcessorTimes reads the first line of /proc/stat (proc(5)): user, nice,
// system, idle, iowait, irq, softirq, steal, and guests that user has already.
func parseProcessorTimes(text string) (t processorTimes, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return t, errors.New("harness: read processor times: /proc/stat is malformed")
	}
	const system, steal = 2, 7
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseUint(field, 10, 62)
		if err != nil {
			return t, fmt.Errorf("harness: read processor times: %w", err)
		}
		seconds := float64(ticks) / ticksPerSecond
		t.all += seconds
		switch {
		case i <= system:
			t.programs += seconds
		case i == steal:
			t.stolen = seconds
		}
	}
	return t, nil
}

// since returns what disturbed the one child that ran between two readings.
func (t processorTimes) since(before processorTimes) disturbance {
	all := t.all - before.all
	if all <= 0 {
		return disturbance{}
	}
	others := (t.programs - before.programs) - (t.children - before.children)
	return disturbance{Others: max(0, others) / all, Stolen: max(0, t.stolen-before.stolen) / all}
}

// disturbanceWarning says how much of the machine a run had not for itself, or
// "" if that was little.
func disturbanceWarning(raw []rawSample) string {
	var taken []float64
	for _, run := range raw {
		taken = append(taken, run.Others+run.Stolen)
	}
	if len(taken) == 0 || sample.Median(taken) < disturbed {
		return ""
	}
	return fmt.Sprintf("other programs and guests used %.0f %% of the processors' time while a child ran (median), %.0f %% at most",
		100*sample.Median(taken), 100*slices.Max(taken))
}
