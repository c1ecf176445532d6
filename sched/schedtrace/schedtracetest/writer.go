package schedtracetest

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
)

// Header is what a trace of Go 1.26's format begins with.
const Header = "go 1.26 trace\x00\x00\x00"

// Types of what a trace's batches are made of (Go's internal/trace/tracev2).
const (
	evEventBatch        = 1
	evStacks            = 2
	evStack             = 3
	evStrings           = 4
	evString            = 5
	evFrequency         = 8
	evProcsChange       = 9
	evProcStart         = 10
	evProcStop          = 11
	evProcSteal         = 12
	evProcStatus        = 13
	evGoCreate          = 14
	evGoStart           = 16
	evGoDestroy         = 17
	evGoStop            = 19
	evGoBlock           = 20
	evGoUnblock         = 21
	evGoSyscallBegin    = 22
	evGoSyscallEnd      = 23
	evGoSyscallEndBlock = 24
	evGoStatus          = 25
	evSTWBegin          = 26
	evSTWEnd            = 27
	evGCBegin           = 29
	evGCEnd             = 30
	evMarkAssistBegin   = 35
	evMarkAssistEnd     = 36
	evGoLabel           = 39
	evUserLog           = 44
	evGoSwitch          = 45
	evSync              = 50
	evClockSnapshot     = 51
	evEndOfGeneration   = 52
)

// States in a trace.
const (
	statusRunning  = 1 // of a P, and 2 is idle
	statusIdle     = 2
	statusGRunning = 2 // of a goroutine, and 4 is waiting
	statusGWaiting = 4
)

// tracer is the goroutine that the Writer itself has.
const tracer = 1 << 30

// batchBytes is less than the largest batch that readers take.
const batchBytes = 32 << 10

// A Writer makes one trace.
type Writer struct {
	out        []byte
	generation uint64
	gomaxprocs int
	threads    map[uint64]*Thread

	pSeq, gSeq map[uint64]uint64
	gcSeq      uint64
	strings    map[string]uint64
	stacks     map[string]uint64 // by their functions
	stackTable []byte
	known      map[uint64]bool // goroutines that have not ended
	last       int64
}

// New begins a trace of a program with so many Ps. All are idle, and nothing is known
// of goroutines.
func New(gomaxprocs int) *Writer {
	w := &Writer{
		out: []byte(Header), gomaxprocs: gomaxprocs, threads: map[uint64]*Thread{},
		pSeq: map[uint64]uint64{}, gSeq: map[uint64]uint64{}, known: map[uint64]bool{},
	}
	w.begin(1)
	return w
}

// begin begins a generation at a time.
func (w *Writer) begin(at int64) {
	w.generation++
	w.last = at
	w.strings, w.stacks, w.stackTable = map[string]uint64{}, map[string]uint64{}, nil
	clear(w.pSeq)
	clear(w.gSeq)
	sync := []byte{evSync, evFrequency}
	sync = binary.AppendUvarint(sync, 1e9)
	sync = append(sync, evClockSnapshot, 0, 1, 1, 1)
	w.batch(^uint64(0), at, sync)
	m := w.Thread(0)
	m.now = at
	for p := range w.gomaxprocs {
		m.event(evProcStatus, uint64(p), statusIdle)
	}
	for _, g := range slices.Sorted(maps.Keys(w.known)) {
		m.event(evGoStatus, g, 0, statusGWaiting)
	}
	if w.generation == 1 { // a goroutine must say it
		m.ProcStart(0).Running(tracer).Gomaxprocs(uint64(w.gomaxprocs)).Block("system goroutine wait", "runtime.trace").ProcStop()
	}
}

// NextGeneration ends a generation, and begins the next one. All goroutines wait and
// all Ps are idle.
func (w *Writer) NextGeneration() {
	w.end()
	w.begin(w.last + 1)
}

// end writes what a generation ends with.
func (w *Writer) end() {
	for _, m := range slices.SortedFunc(maps.Values(w.threads), func(a, b *Thread) int { return cmp.Compare(a.id, b.id) }) {
		m.flush()
	}
	// A batch has room for some hundred of either, and the tests need no more.
	w.batch(^uint64(0), w.last, append([]byte{evStacks}, w.stackTable...))
	table := []byte{evStrings}
	for _, s := range slices.Sorted(maps.Keys(w.strings)) {
		table = append(table, evString)
		table = binary.AppendUvarint(table, w.strings[s])
		table = binary.AppendUvarint(table, uint64(len(s)))
		table = append(table, s...)
	}
	w.batch(^uint64(0), w.last, table)
	w.out = append(w.out, evEndOfGeneration)
}

// Bytes ends the trace and returns it.
func (w *Writer) Bytes() []byte {
	w.end()
	return w.out
}

// batch writes a batch of a thread's.
func (w *Writer) batch(thread uint64, at int64, data []byte) {
	w.out = append(w.out, evEventBatch)
	for _, v := range []uint64{w.generation, thread, uint64(at), uint64(len(data))} {
		w.out = binary.AppendUvarint(w.out, v)
	}
	w.out = append(w.out, data...)
}

func (w *Writer) string(s string) uint64 {
	if s == "" {
		return 0
	}
	if w.strings[s] == 0 {
		w.strings[s] = uint64(len(w.strings) + 1)
	}
	return w.strings[s]
}

// stack is that of functions, the innermost first; none is no stack.
func (w *Writer) stack(functions []string) uint64 {
	if len(functions) == 0 {
		return 0
	}
	key := ""
	for _, f := range functions {
		key += f + "\n"
	}
	if id := w.stacks[key]; id != 0 {
		return id
	}
	id := uint64(len(w.stacks) + 1)
	w.stacks[key] = id
	t := append(w.stackTable, evStack)
	t = binary.AppendUvarint(t, id)
	t = binary.AppendUvarint(t, uint64(len(functions)))
	for _, f := range functions {
		name := w.string(f)
		for _, v := range []uint64{0x1000 + name, name, w.string("main.go"), 1} { // a function has one place
			t = binary.AppendUvarint(t, v)
		}
	}
	w.stackTable = t
	return id
}

// Thread returns the thread of that id; the Writer itself uses 0.
func (w *Writer) Thread(id uint64) *Thread {
	m := w.threads[id]
	if m == nil {
		m = &Thread{w: w, id: id}
		w.threads[id] = m
	}
	return m
}
