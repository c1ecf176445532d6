package gctune

import (
	"fmt"
	"math"
	"sync"
	"testing/fstest"
	"time"
)

const mib = 1 << 20

// A sim is a process whose heap lives by the runtime's rules, in the bubble's time,
// in a control group of version 2. Its methods may be called from any goroutine.
type sim struct {
	mu sync.Mutex
	fs fstest.MapFS

	percent, limit int64
	sets           int // by anybody
	releases       int

	live, roots, other int64 // bytes of Go
	beside             int64 // bytes of the process that are not Go's
	groupLimit         int64 // bytes
	rate               int64 // bytes allocated a second
	nsPerMiB           int64 // CPU time of marking
	procs              int64

	now         time.Time
	heap        int64 // bytes, dead or alive
	mapped      int64 // bytes of the heap that have not been given back
	cycles      uint64
	allocated   int64
	collectorNs int64
	sampled     Observation // of the last collection
	over        int64       // most bytes above the group's limit
}

// newSim is a process of 100 MiB live heap on two processors, in a group with a
// limit of 1 GiB.
func newSim() *sim {
	s := &sim{
		fs: fstest.MapFS{
			"proc/self/cgroup":    file("0::/pod/weir\n"),
			"proc/self/mountinfo": file("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"),
			"proc/meminfo":        file("MemTotal: 67108864 kB\nMemFree: 1 kB\nMemAvailable: 60000000 kB\n"),
		},
		percent: defaultPercent, limit: unlimited,
		live: 100 * mib, roots: mib, other: 10 * mib, beside: 50 * mib, groupLimit: 1024 * mib,
		rate: 50 * mib, nsPerMiB: 1_000_000, procs: 2, now: time.Now(), heap: 100 * mib,
	}
	s.write()
	return s
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// change changes the process between two looks.
func (s *sim) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	f()
	s.write()
}

// goal is the runtime's, without what it leaves for the time of marking.
func (s *sim) goal() int64 {
	goal := int64(math.MaxInt64)
	if s.percent >= 0 {
		goal = max(s.live+(s.live+s.roots)*s.percent/100, heapMinimum*s.percent/100)
	}
	return max(min(goal, s.limit-s.other), s.live+mib) // it gives up rather than stand still
}

// advance lives until now.
func (s *sim) advance() {
	left := int64(time.Since(s.now)) * s.rate / int64(time.Second)
	s.now = time.Now()
	for left > 0 {
		step := min(left, max(0, s.goal()-s.heap))
		s.heap, s.allocated, left = s.heap+step, s.allocated+step, left-step
		s.account()
		if s.mapped+s.other > s.limit { // who allocates gives back
			s.mapped = max(s.heap, s.limit-s.other)
		}
		if s.heap >= s.goal() {
			s.mark()
		}
	}
	s.account()
}

func (s *sim) mark() {
	s.cycles++
	s.collectorNs += s.live / mib * s.nsPerMiB
	s.heap = s.live
	s.sampled = Observation{
		Cycles: s.cycles, LiveBytes: s.live, CollectorSeconds: float64(s.collectorNs) / 1e9,
		CPUSeconds: float64(time.Since(epoch)) / 1e9 * float64(s.procs),
	}
}

// epoch is some time before.
var epoch = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// account keeps what was most.
func (s *sim) account() {
	s.mapped = max(s.mapped, s.heap)
	all := s.mapped + s.other + s.beside
	s.over = max(s.over, all-s.groupLimit)
}

// write writes what the kernel shows.
func (s *sim) write() {
	all := s.mapped + s.other + s.beside
	const group = "sys/fs/cgroup/pod/weir/"
	s.fs["proc/self/statm"] = file(fmt.Sprintf("9999999 %d 7 1 0 9 0\n", all/4096))
	s.fs[group+"memory.max"] = file(fmt.Sprintf("%d\n", s.groupLimit))
	s.fs[group+"memory.high"] = file("max\n")
	s.fs[group+"memory.current"] = file(fmt.Sprintf("%d\n", all+300*mib))
	s.fs[group+"memory.stat"] = file(fmt.Sprintf("anon %d\nfile %d\nshmem 0\nfile_mapped 0\n", all, 300*mib))
}

// read implements process.
func (s *sim) read(o *Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	s.write()
	at, cache := o.At, o.Cache
	*o = s.sampled
	o.At, o.Cache, o.RootBytes, o.OtherBytes = at, cache, s.roots, s.other
	if s.cycles == 0 {
		o.LiveBytes = s.live
	}
	o.AllocatedBytes, o.ObjectBytes, o.InUseBytes, o.GoBytes = s.allocated, s.heap, s.heap, s.mapped+s.other
	o.InForce = Settings{GCPercent: int(s.percent), MemoryLimitBytes: s.limit}
}

func (s *sim) setPercent(v int64) (old int64) { return s.swap(&s.percent, v) }
func (s *sim) setLimit(v int64) (old int64)   { return s.swap(&s.limit, v) }

func (s *sim) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	s.releases++
	s.mark()
	s.mapped = s.heap
}

func (s *sim) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	s.mark()
}

func (s *sim) swap(p *int64, v int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	old := *p
	*p = v
	s.sets++
	return old
}

// get returns what is in force, and how often something was set.
func (s *sim) get() (percent, limit int64, sets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.percent, s.limit, s.sets
}
