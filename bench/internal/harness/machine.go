package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Machine describes where and when an experiment ran.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"` // that this process may use
	Kernel      string `json:"kernel"`
	MemoryBytes uint64 `json:"memory_bytes"`
	Governor    string `json:"governor"`    // "unknown" where the kernel does not say
	Virtual     bool   `json:"virtual"`     // under a hypervisor: other guests may interfere
	LoadBefore  string `json:"load_before"` // /proc/loadavg's 1, 5 and 15 minutes
	StartedAt   string `json:"started_at"`  // RFC 3339, UTC
	StockGo     string `json:"stock_go"`
	WeirGo      string `json:"weir_go"`
}

// String is the machine in one line.
func (m Machine) String() string {
	virtual := ""
	if m.Virtual {
		virtual = ", virtual"
	}
	return fmt.Sprintf("%s, %d cores%s, %.1f GiB, %s, governor %s, load before %s, %s; stock %s, weir %s",
		m.CPU, m.Cores, virtual, float64(m.MemoryBytes)/(1<<30), m.Kernel, m.Governor, m.LoadBefore, m.StartedAt, m.StockGo, m.WeirGo)
}

// describeMachine reads what the kernel says now.
func describeMachine(toolchains map[experiment.Toolchain]goCommand) Machine {
	m := Machine{
		CPU: "unknown", Kernel: "unknown", Governor: "unknown",
		Cores:      runtime.NumCPU(),
		LoadBefore: loadAverage(),
		StartedAt:  time.Now().UTC().Format(time.RFC3339),
		StockGo:    toolchains[experiment.Stock].version,
		WeirGo:     toolchains[experiment.Weir].version,
	}
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpuinfo)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			m.CPU = strings.TrimSpace(value)
		case "flags":
			m.Virtual = strings.Contains(value, " hypervisor ")
		}
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:]) +
			" " + unix.ByteSliceToString(name.Machine[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryBytes = info.Totalram * uint64(info.Unit)
	}
	governors, _ := filepath.Glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
	seen := make(map[string]bool)
	for _, file := range governors {
		governor, _ := os.ReadFile(file)
		if text := strings.TrimSpace(string(governor)); text != "" && !seen[text] {
			seen[text] = true
			m.Governor = strings.TrimPrefix(m.Governor+","+text, "unknown,")
		}
	}
	return m
}

// loadAverage returns the three averages, or "unknown".
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) >= 3 {
		return strings.Join(fields[:3], " ")
	}
	return "unknown"
}

// busy reports whether more than a quarter of the cores were in use on
// average over the minute before.
func (m Machine) busy() bool {
	first, _, _ := strings.Cut(m.LoadBefore, " ")
	load, err := strconv.ParseFloat(first, 64)
	return err == nil && load > float64(m.Cores)/4
}
