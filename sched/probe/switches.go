package probe

import (
	"github.com/cilium/ebpf/asm"
)

// Arguments of the tracepoint sched_switch, since Linux 5.18.
const (
	argPreempt   = 0  // bool: the thread did not ask for it
	argPrev      = 8  // task that leaves the processor
	argNext      = 16 // task that comes
	argPrevState = 24 // 0: it could run on
)

const taskDead = 0x80 // a thread's last state

// taskOffsets are those of fields of the kernel's task_struct.
type taskOffsets struct{ pid, tgid int16 }

// switchProgram accounts for what the process's threads do not get of the processors.
// It runs at each switch of the machine, and mostly finds that it is none of its own.
//
// R9 is the time, R8 a task, then a thread's record; R7 the process, then which kind
// of absence ends; R6 the arguments, then the group's counters.
func switchProgram(task taskOffsets) asm.Instructions {
	c := &code{}
	c.do(asm.Mov.Reg(asm.R6, asm.R1))
	c.world(asm.R1)
	c.do(
		field(asm.R7, asm.R1, worldProcess),
		asm.JEq.Imm(asm.R7, 0, "out"),
	)
	belongs := func(arg int16) {
		c.do(
			asm.LoadMem(asm.R8, asm.R6, arg, asm.DWord),
			asm.LoadMem(asm.R1, asm.R8, task.tgid, asm.Word),
		)
	}
	key := func() {
		c.do(
			asm.LoadMem(asm.R1, asm.R8, task.pid, asm.Word),
			store(slotKey, asm.R1),
		)
	}
	belongs(argPrev)
	c.do(asm.JEq.Reg(asm.R1, asm.R7, "ours"))
	belongs(argNext)
	c.do(asm.JNE.Reg(asm.R1, asm.R7, "out"))
	c.at("ours")
	c.do(
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),
	)

	belongs(argPrev)
	c.do(asm.JNE.Reg(asm.R1, asm.R7, "next"))
	key()
	c.leave()
	c.at("next")

	belongs(argNext)
	c.do(asm.JNE.Reg(asm.R1, asm.R7, "out"))
	key()
	c.comeBack()
	return c.end("out")
}

// leave notes that the thread in slotKey leaves the processor, and why.
func (c *code) leave() {
	c.do(
		asm.LoadMem(asm.R1, asm.R6, argPrevState, asm.DWord),
		asm.JSet.Imm(asm.R1, taskDead, "dead"),
	)
	c.findOrMake(mapThreads, threadOnSince)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "next"),
		setField(asm.R0, threadSince, asm.R9),
		field(asm.R1, asm.R0, threadOnSince),
		asm.JEq.Imm(asm.R1, 0, "why"),
		asm.Mov.Reg(asm.R2, asm.R9),
		asm.Sub.Reg(asm.R2, asm.R1),
		field(asm.R3, asm.R0, threadOnNs),
		asm.Add.Reg(asm.R3, asm.R2),
		setField(asm.R0, threadOnNs, asm.R3),
		asm.Mov.Imm(asm.R1, 0),
		setField(asm.R0, threadOnSince, asm.R1),
	)
	c.at("why")
	c.do(
		asm.Mov.Imm(asm.R1, kindStolen),
		asm.LoadMem(asm.R2, asm.R6, argPreempt, asm.DWord),
		asm.JNE.Imm(asm.R2, 0, "because"),
		asm.LoadMem(asm.R2, asm.R6, argPrevState, asm.DWord),
		asm.JEq.Imm(asm.R2, 0, "because"),
		asm.Mov.Imm(asm.R1, kindAsleep),
	)
	c.at("because")
	c.do(
		setField(asm.R0, threadKind, asm.R1),
		asm.Ja.Label("next"),
	)
	c.at("dead")
	c.forget(mapThreads)
}

// comeBack charges the thread in slotKey, its group and its goroutine with its absence.
func (c *code) comeBack() {
	c.findOrMake(mapThreads, threadOnSince)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R8, asm.R0),
		setField(asm.R8, threadOnSince, asm.R9),
		field(asm.R1, asm.R8, threadSince),
		asm.JEq.Imm(asm.R1, 0, "out"),
		asm.Mov.Imm(asm.R2, 0),
		setField(asm.R8, threadSince, asm.R2),
		asm.Sub.Reg(asm.R9, asm.R1),
		asm.JSLT.Imm(asm.R9, 0, "out"), // R9 is how long it was away from here on

		field32(asm.R7, asm.R8, threadMode),
		asm.JGE.Imm(asm.R7, modes, "out"),
		field(asm.R3, asm.R8, threadKind),
		asm.JGE.Imm(asm.R3, kinds, "out"),
		asm.Mul.Imm(asm.R7, kinds),
		asm.Add.Reg(asm.R7, asm.R3),
	)
	c.addOff(asm.R8, threadOff)
	c.do(
		field32(asm.R1, asm.R8, threadGroup),
		store(slotKey, asm.R1),
	)
	c.find(mapGroups)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R6, asm.R0),
	)
	c.addOff(asm.R6, groupOff)

	const stolen, asleep = modeGo*kinds + kindStolen, modeGo*kinds + kindAsleep
	c.do(
		asm.JEq.Imm(asm.R7, asleep, "goroutine"),
		asm.JNE.Imm(asm.R7, stolen, "out"),
		asm.Mov.Reg(asm.R1, asm.R9),
	)
	c.bucket()
	c.increment(asm.R6, groupStolen, asm.R2)
	c.at("goroutine")
	c.do(
		field(asm.R1, asm.R8, threadGoid),
		store(slotKey, asm.R1),
	)
	c.find(mapGoroutines)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.JEq.Imm(asm.R7, stolen, "stolen"),
		add(asm.R0, goroutineAsleepNs, asm.R9),
		asm.Ja.Label("out"),
	)
	c.at("stolen")
	c.do(add(asm.R0, goroutineStolenNs, asm.R9))
}

// addOff adds R9 to the absences of kind R7 in a record. It spoils R1 and R2.
func (c *code) addOff(record asm.Register, offset uintptr) {
	c.do(
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.Mul.Imm(asm.R1, int32(offSize)),
		asm.Add.Reg(asm.R1, record),
		asm.Mov.Imm(asm.R2, 1),
		add(asm.R1, offset+offCount, asm.R2),
		add(asm.R1, offset+offNs, asm.R9),
	)
}
