package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// An Observation is what one look at the process has shown. Bytes that something
// "has" are what the runtime's memory limit counts: mapped, and not given back.
type Observation struct {
	At time.Duration // since the tuner was started, monotonic

	// Of the last collection.
	Cycles    uint64 // collections so far, forced ones too
	LiveBytes int64  // heap that it found live
	RootBytes int64  // stacks and globals that it scans; GOGC counts them as live
	// CollectorSeconds are all the collector's CPU time so far, idle workers and
	// assists included, CPUSeconds all there was: GOMAXPROCS times the time that
	// has passed. The runtime updates both when a collection ends.
	CollectorSeconds, CPUSeconds float64

	// Now.
	AllocatedBytes int64 // in the heap so far, dead or alive
	ObjectBytes    int64 // of the heap, live or not yet swept (HeapAlloc)
	InUseBytes     int64 // of spans that hold them (HeapInuse)
	OtherBytes     int64 // Go has beside the heap: stacks, the runtime's own
	GoBytes        int64 // Go has in all
	ResidentBytes  int64 // the process has, C and mapped files included; 0 if unknown
	Room           Room
	Cache          Cache
	InForce        Settings
}

// A Cache is how full the KV cache is.
type Cache struct {
	// UsedBytes is what sequences hold in it now.
	UsedBytes int64
	// ReserveBytes is what it will yet take of the system, outside Go's heap, when
	// it fills up: 0 if all its memory has been taken at the start, or is Go's.
	ReserveBytes int64
	// HitRate is the share of tokens that were found in it, 0 to 1, of those that
	// were looked for lately.
	HitRate float64
}

// Settings are the runtime's two.
type Settings struct {
	// GCPercent is GOGC; below 0 it is off.
	GCPercent int
	// MemoryLimitBytes is GOMEMLIMIT; math.MaxInt64 is none.
	MemoryLimitBytes int64
}

// process is the Go runtime, or a test's. It belongs to one goroutine at a time.
type process interface {
	// read fills in what the runtime knows; no collection is held up for it.
	read(*Observation)
	// setPercent and setLimit set, and return what was set before.
	setPercent(int64) int64
	setLimit(int64) int64
	// collect runs a collection; release runs one and gives back what is free.
	collect()
	release()
}

// self is this process.
type self struct {
	samples []metrics.Sample
}

// Indices into self.samples. The names are runtime/metrics' and have been there
// since Go 1.21.
const (
	cycles = iota
	liveHeap
	stacks
	globals
	collectorCPU
	totalCPU
	allocated
	objects
	unused
	free
	total
	released
	percent
	limit
	numSamples
)

var names = [numSamples]string{
	cycles:       "/gc/cycles/total:gc-cycles",
	liveHeap:     "/gc/heap/live:bytes",
	stacks:       "/gc/scan/stack:bytes",
	globals:      "/gc/scan/globals:bytes",
	collectorCPU: "/cpu/classes/gc/total:cpu-seconds",
	totalCPU:     "/cpu/classes/total:cpu-seconds",
	allocated:    "/gc/heap/allocs:bytes",
	objects:      "/memory/classes/heap/objects:bytes",
	unused:       "/memory/classes/heap/unused:bytes",
	free:         "/memory/classes/heap/free:bytes",
	total:        "/memory/classes/total:bytes",
	released:     "/memory/classes/heap/released:bytes",
	percent:      "/gc/gogc:percent",
	limit:        "/gc/gomemlimit:bytes",
}

func newSelf() *self {
	s := &self{samples: make([]metrics.Sample, numSamples)}
	for i := range s.samples {
		s.samples[i].Name = names[i]
	}
	return s
}

func (s *self) read(o *Observation) {
	metrics.Read(s.samples)
	o.Cycles = s.samples[cycles].Value.Uint64()
	o.LiveBytes = s.bytes(liveHeap)
	o.RootBytes = s.bytes(stacks) + s.bytes(globals)
	o.CollectorSeconds = s.samples[collectorCPU].Value.Float64()
	o.CPUSeconds = s.samples[totalCPU].Value.Float64()
	o.AllocatedBytes = s.bytes(allocated)
	o.ObjectBytes = s.bytes(objects)
	o.InUseBytes = o.ObjectBytes + s.bytes(unused)
	o.GoBytes = s.bytes(total) - s.bytes(released)
	o.OtherBytes = max(0, o.GoBytes-o.InUseBytes-s.bytes(free))
	// "off" comes as -1 without its sign.
	o.InForce = Settings{GCPercent: int(int32(s.samples[percent].Value.Uint64())), MemoryLimitBytes: s.bytes(limit)}
}

func (s *self) bytes(i int) int64 { return int64(s.samples[i].Value.Uint64()) }

func (*self) setPercent(p int64) int64 { return int64(debug.SetGCPercent(int(p))) }

func (*self) setLimit(bytes int64) int64 { return debug.SetMemoryLimit(bytes) }

func (*self) collect() { runtime.GC() }
func (*self) release() { debug.FreeOSMemory() }
