package probe

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"unsafe"
)

// Names of programs, as bpftool shows them.
const (
	programGoroutine = "weir_goroutine"
	programWorld     = "weir_world"
	programSwitch    = "weir_switch"
)

// license of the programs: the kernel lets only such read its own structs.
const license = "Dual BSD/GPL"

// collection is the maps and programs of a Probe.
func collection(c Config, task taskOffsets, separated bool) *ebpf.CollectionSpec {
	attach := ebpf.AttachTraceUprobeMulti
	if separated {
		attach = ebpf.AttachNone
	}
	point := func(name string, ins asm.Instructions) *ebpf.ProgramSpec {
		return &ebpf.ProgramSpec{Name: name, Type: ebpf.Kprobe, AttachType: attach, Instructions: ins, License: license}
	}
	table := func(name string, kind ebpf.MapType, keyBytes, valueBytes uintptr, entries int) *ebpf.MapSpec {
		return &ebpf.MapSpec{Name: name, Type: kind, KeySize: uint32(keyBytes), ValueSize: uint32(valueBytes), MaxEntries: uint32(entries)}
	}
	return &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			mapGroups:     table(mapGroups, ebpf.PerCPUArray, 4, unsafe.Sizeof(groupCounters{}), groups),
			mapGoroutines: table(mapGoroutines, ebpf.Hash, 8, unsafe.Sizeof(goroutineRecord{}), c.Goroutines),
			mapThreads:    table(mapThreads, ebpf.Hash, 4, unsafe.Sizeof(threadRecord{}), c.Threads),
			mapWorld:      table(mapWorld, ebpf.Array, 4, unsafe.Sizeof(worldRecord{}), 1),
			mapZero:       table(mapZero, ebpf.Array, 4, zeroBytes, 1),
		},
		Programs: map[string]*ebpf.ProgramSpec{
			programGoroutine: point(programGoroutine, goroutineProgram()),
			programWorld:     point(programWorld, worldProgram()),
			programSwitch: {
				Name: programSwitch, Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sched_switch",
				Instructions: switchProgram(task), License: license,
			},
		},
	}
}
