package probe

import "unsafe"

// What programs in the kernel write and this package reads. Fields are 8 bytes, or
// pairs of 4, so that neither side pads.

// Points, by which events are counted.
const (
	pointStart = iota
	pointReady
	pointRun
	pointPreempt
	pointPark
	pointExit
	pointSyscallEnter
	pointSyscallExit
	pointGC
	pointSTWStart
	pointSTWEnd
	points

	goroutinePoints = pointGC // those before are of goroutines
)

// pointNames completes the prefix of their symbols.
var pointNames = [points]string{
	pointStart:        "Start",
	pointReady:        "Ready",
	pointRun:          "Run",
	pointPreempt:      "Preempt",
	pointPark:         "Park",
	pointExit:         "Exit",
	pointSyscallEnter: "SyscallEnter",
	pointSyscallExit:  "SyscallExit",
	pointGC:           "GC",
	pointSTWStart:     "STWStart",
	pointSTWEnd:       "STWEnd",
}

// modes of a thread: what it does for Go.
const (
	modeScheduler = iota // runs no goroutine, or none of Go's threads
	modeGo               // runs a goroutine
	modeCall             // is in a goroutine's system call, or in its call of C
	modes

	modeKept = modes // an event that leaves it as it was
)

// kinds of absence from the processors.
const (
	kindStolen = iota // the kernel took the processor away
	kindAsleep        // the thread sleeps in the kernel
	kinds
)

const (
	maxGroup = 64 // of runtime/ggroup; group 0 is none
	groups   = maxGroup + 1
)

// off is the absences of threads that have come back.
type off struct {
	Count, Ns uint64
}

// groupCounters is what is counted of a group on one processor. It is added to
// atomically: a program may be preempted between load and store.
type groupCounters struct {
	Events  [goroutinePoints]uint64
	StateNs [states]uint64 // stays that have ended
	Wait    [Buckets]uint64
	Stolen  [Buckets]uint64 // of goroutines that ran
	Off     [modes][kinds]off
}

// goroutineRecord is what is known of a goroutine. Events of one goroutine follow
// each other, so nobody else writes meanwhile.
type goroutineRecord struct {
	Since    uint64 // when it came into its state
	Group    uint32
	State    uint32
	Thread   uint32 // that ran it last
	_        uint32
	Runs     uint64
	StateNs  [states]uint64
	StolenNs uint64
	AsleepNs uint64 // in the kernel, while it ran
}

// threadRecord is what is known of a thread, which alone writes it.
type threadRecord struct {
	Goid    uint64 // 0 in the scheduler
	Group   uint32
	Mode    uint32
	OnSince uint64 // 0 while it is off the processors
	OnNs    uint64
	Since   uint64 // when it left the processors; 0 while it is on one
	Kind    uint64 // of that absence
	Off     [modes][kinds]off
}

// worldRecord is what there is once.
type worldRecord struct {
	Process uint64 // as the kernel numbers it, when its first thread was seen
	Lost    uint64 // events of goroutines and threads for which there was no room

	StopSince uint64 // when the world was stopped; 0: it runs
	StopNs    uint64
	Stop      [Buckets]uint64

	CycleSince uint64 // when the collector's cycle began; 0: none
	CycleNs    uint64
	Cycles     uint64 // that have ended
	Assists    uint64
}

// zeroBytes is the size of the largest record of a goroutine or thread.
const zeroBytes = 256

// Both fit.
var (
	_ [zeroBytes - unsafe.Sizeof(goroutineRecord{})]byte
	_ [zeroBytes - unsafe.Sizeof(threadRecord{})]byte
)

// Names of maps, as programs refer to them.
const (
	mapGroups     = "weir_groups"     // group -> groupCounters, on each processor
	mapGoroutines = "weir_goroutines" // id -> goroutineRecord
	mapThreads    = "weir_threads"    // thread -> threadRecord
	mapWorld      = "weir_world"      // 0 -> worldRecord
	mapZero       = "weir_zero"       // 0 -> zeroes, of which records begin
)

// Offsets of fields, for programs.
const (
	groupEvents  = unsafe.Offsetof(groupCounters{}.Events)
	groupStateNs = unsafe.Offsetof(groupCounters{}.StateNs)
	groupWait    = unsafe.Offsetof(groupCounters{}.Wait)
	groupStolen  = unsafe.Offsetof(groupCounters{}.Stolen)
	groupOff     = unsafe.Offsetof(groupCounters{}.Off)

	goroutineSince    = unsafe.Offsetof(goroutineRecord{}.Since)
	goroutineGroup    = unsafe.Offsetof(goroutineRecord{}.Group)
	goroutineState    = unsafe.Offsetof(goroutineRecord{}.State)
	goroutineThread   = unsafe.Offsetof(goroutineRecord{}.Thread)
	goroutineRuns     = unsafe.Offsetof(goroutineRecord{}.Runs)
	goroutineStateNs  = unsafe.Offsetof(goroutineRecord{}.StateNs)
	goroutineStolenNs = unsafe.Offsetof(goroutineRecord{}.StolenNs)
	goroutineAsleepNs = unsafe.Offsetof(goroutineRecord{}.AsleepNs)

	threadGoid    = unsafe.Offsetof(threadRecord{}.Goid)
	threadGroup   = unsafe.Offsetof(threadRecord{}.Group)
	threadMode    = unsafe.Offsetof(threadRecord{}.Mode)
	threadOnSince = unsafe.Offsetof(threadRecord{}.OnSince)
	threadOnNs    = unsafe.Offsetof(threadRecord{}.OnNs)
	threadSince   = unsafe.Offsetof(threadRecord{}.Since)
	threadKind    = unsafe.Offsetof(threadRecord{}.Kind)
	threadOff     = unsafe.Offsetof(threadRecord{}.Off)

	worldProcess    = unsafe.Offsetof(worldRecord{}.Process)
	worldLost       = unsafe.Offsetof(worldRecord{}.Lost)
	worldStopSince  = unsafe.Offsetof(worldRecord{}.StopSince)
	worldStopNs     = unsafe.Offsetof(worldRecord{}.StopNs)
	worldStop       = unsafe.Offsetof(worldRecord{}.Stop)
	worldCycleSince = unsafe.Offsetof(worldRecord{}.CycleSince)
	worldCycleNs    = unsafe.Offsetof(worldRecord{}.CycleNs)
	worldCycles     = unsafe.Offsetof(worldRecord{}.Cycles)
	worldAssists    = unsafe.Offsetof(worldRecord{}.Assists)

	offCount = unsafe.Offsetof(off{}.Count)
	offNs    = unsafe.Offsetof(off{}.Ns)
	offSize  = unsafe.Sizeof(off{})
)
