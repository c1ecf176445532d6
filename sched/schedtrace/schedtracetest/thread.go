package schedtracetest

import "encoding/binary"

// A Thread writes events. What runs on it, a P and a goroutine, is by its events.
type Thread struct {
	w    *Writer
	id   uint64
	now  int64
	last int64 // time of the last event in data
	from int64 // .. of the batch
	data []byte
	g    uint64 // runs
}

// At sets the time of the next events, in ns.
func (m *Thread) At(ns int64) *Thread {
	m.now = ns
	return m
}

// event writes one.
func (m *Thread) event(kind byte, args ...uint64) *Thread {
	if len(m.data) == 0 {
		m.from, m.last = m.now, m.now
	}
	m.data = append(m.data, kind)
	m.data = binary.AppendUvarint(m.data, uint64(m.now-m.last))
	for _, a := range args {
		m.data = binary.AppendUvarint(m.data, a)
	}
	m.last = m.now
	m.w.last = max(m.w.last, m.now)
	if len(m.data) > batchBytes {
		m.flush()
	}
	return m
}

func (m *Thread) flush() {
	if len(m.data) > 0 {
		m.w.batch(m.id, m.from, m.data)
	}
	m.data = nil
}

func next(seq map[uint64]uint64, of uint64) uint64 {
	seq[of]++
	return seq[of]
}

// ProcStart gives the thread an idle P.
func (m *Thread) ProcStart(p uint64) *Thread { return m.event(evProcStart, p, next(m.w.pSeq, p)) }

// ProcStop makes its P idle.
func (m *Thread) ProcStop() *Thread { return m.event(evProcStop) }

// ProcSteal takes a P from another thread, which is in a system call, and leaves it idle.
func (m *Thread) ProcSteal(p uint64, from *Thread) *Thread {
	return m.event(evProcSteal, p, next(m.w.pSeq, p), from.id)
}

// Gomaxprocs changes GOMAXPROCS.
func (m *Thread) Gomaxprocs(n uint64) *Thread { return m.event(evProcsChange, n, 0) }

// Running says that a goroutine runs, which the trace has not told of.
func (m *Thread) Running(g uint64) *Thread {
	m.g = g
	m.w.known[g] = true
	return m.event(evGoStatus, g, m.id, statusGRunning)
}

// Waiting says that a goroutine waits, which the trace has not told of.
func (m *Thread) Waiting(g uint64) *Thread {
	m.w.known[g] = true
	return m.event(evGoStatus, g, 0, statusGWaiting)
}

// Create creates a goroutine that starts in function.
func (m *Thread) Create(g uint64, function string) *Thread {
	m.w.known[g] = true
	return m.event(evGoCreate, g, m.w.stack([]string{function}), 0)
}

// Start runs a ready goroutine.
func (m *Thread) Start(g uint64) *Thread {
	m.g = g
	return m.event(evGoStart, g, next(m.w.gSeq, g))
}

// Destroy ends the goroutine that runs.
func (m *Thread) Destroy() *Thread {
	delete(m.w.known, m.g)
	return m.event(evGoDestroy)
}

// Stop makes it ready again: "preempted", or "runtime.Gosched". A stack is functions, the
// innermost first.
func (m *Thread) Stop(reason string, stack ...string) *Thread {
	return m.event(evGoStop, m.w.string(reason), m.w.stack(stack))
}

// Block makes it wait: "chan receive", for example.
func (m *Thread) Block(reason string, stack ...string) *Thread {
	return m.event(evGoBlock, m.w.string(reason), m.w.stack(stack))
}

// Unblock makes a goroutine that waits ready.
func (m *Thread) Unblock(g uint64, stack ...string) *Thread {
	return m.event(evGoUnblock, g, next(m.w.gSeq, g), m.w.stack(stack))
}

// Switch hands the thread to a goroutine that waits for its turn, and has the one that
// runs wait.
func (m *Thread) Switch(g uint64) *Thread {
	m.g = g
	return m.event(evGoSwitch, g, next(m.w.gSeq, g))
}

// Syscall enters a system call, or a C call by its stack.
func (m *Thread) Syscall(p uint64, stack ...string) *Thread {
	return m.event(evGoSyscallBegin, next(m.w.pSeq, p), m.w.stack(stack))
}

// SyscallEnd leaves it with the P.
func (m *Thread) SyscallEnd() *Thread { return m.event(evGoSyscallEnd) }

// SyscallEndBlocked leaves it without the P, which was taken: the goroutine is ready.
func (m *Thread) SyscallEndBlocked() *Thread { return m.event(evGoSyscallEndBlock) }

// STWBegin begins to stop the world, and STWEnd starts it.
func (m *Thread) STWBegin(reason string) *Thread { return m.event(evSTWBegin, m.w.string(reason), 0) }
func (m *Thread) STWEnd() *Thread                { return m.event(evSTWEnd) }

// GCBegin and GCEnd bound a mark phase.
func (m *Thread) GCBegin() *Thread {
	m.w.gcSeq++
	return m.event(evGCBegin, m.w.gcSeq, 0)
}

func (m *Thread) GCEnd() *Thread {
	m.w.gcSeq++
	return m.event(evGCEnd, m.w.gcSeq)
}

// AssistBegin and AssistEnd bound what the goroutine marks.
func (m *Thread) AssistBegin() *Thread { return m.event(evMarkAssistBegin, 0) }
func (m *Thread) AssistEnd() *Thread   { return m.event(evMarkAssistEnd) }

// Label gives the goroutine a label, such as "GC (dedicated)".
func (m *Thread) Label(label string) *Thread { return m.event(evGoLabel, m.w.string(label)) }

// Log writes a line of the program's.
func (m *Thread) Log(category, message string) *Thread {
	return m.event(evUserLog, 0, m.w.string(category), m.w.string(message), 0)
}
