package llama

import (
	"os"
	"runtime"
)

// cores returns how many cores this process may use: those its affinity mask
// allows, less if its cgroup's quota is less. The runtime reads both into the
// default of GOMAXPROCS.
func cores() int {
	n := runtime.NumCPU()
	if os.Getenv("GOMAXPROCS") == "" {
		n = min(n, runtime.GOMAXPROCS(0))
	}
	return n
}

// defaultThreads leaves one core to Go: the library's threads spin at their
// barrier, and one that has to wait for a core holds up all others for a time
// slice.
func defaultThreads() int { return max(1, cores()-1) }
