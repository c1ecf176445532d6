package llama

import (
	"os"
	"runtime"
	"sync"
)

// cores returns how many cores this process may use: those its affinity mask
// allows, less if its cgroup's quota is less. The runtime reads both into the
// default of GOMAXPROCS. What counts is how it was when it was first asked for: a
// program may lower it afterwards, to leave the engine its cores.
var cores = sync.OnceValue(func() int {
	n := runtime.NumCPU()
	if os.Getenv("GOMAXPROCS") == "" {
		n = min(n, runtime.GOMAXPROCS(0))
	}
	return n
})

// DefaultThreads is how many threads a context computes on unless told
// otherwise: ThreadsOf the cores this process may use.
func DefaultThreads() int { return ThreadsOf(cores()) }

// ThreadsOf is on how many threads to compute where there are so many cores: less one
// for Go, at least one. The library's threads spin at their barrier, and one that
// has to wait for a core holds up all others for a time slice.
func ThreadsOf(cores int) int { return max(1, cores-1) }

// SpareCores is how many cores a context's threads leave free, at least one; 0
// threads are the default.
func SpareCores(threads int) int {
	setDefault(&threads, DefaultThreads())
	return max(1, cores()-threads)
}
