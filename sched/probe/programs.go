package probe

import (
	"github.com/cilium/ebpf/asm"
)

// Registers of the interrupted thread, in pt_regs of amd64.
const (
	regsAX = 80 // the goroutine's id
	regsBX = 40 // its group
	regsCX = 88 // of the collector's: its event and cycle
	regsDX = 96 // the P, -1 for none
)

// An effect is what a point says of a goroutine and of the thread that is there.
type effect struct {
	state State
	mode  int
}

// A system call, or call of C, is one here once it has lost its P: its thread goes on
// in it, and it is another one that tells, maybe.
var effects = [goroutinePoints]effect{
	pointStart:        {Runnable, modeKept},
	pointReady:        {Runnable, modeKept},
	pointRun:          {Running, modeGo},
	pointPreempt:      {Runnable, modeScheduler},
	pointPark:         {Waiting, modeScheduler},
	pointExit:         {dead, modeScheduler},
	pointSyscallEnter: {InCall, modeCall},
	pointSyscallExit:  {Running, modeGo},
}

// exitWithoutP is the effect of pointSyscallExit where no P was free.
var exitWithoutP = effect{Runnable, modeScheduler}

// cookie tells a program which point it is called at, and that point's effect.
func cookie(point int) uint64 {
	if point >= goroutinePoints {
		return uint64(point)
	}
	return effects[point].cookie(point)
}

func (e effect) cookie(point int) uint64 {
	return uint64(point) | uint64(e.state)<<8 | uint64(e.mode)<<16
}

// loadCookie loads the point, its state (shift 8) or its mode (16).
func loadCookie(dst asm.Register, shift int32) []asm.Instruction {
	return []asm.Instruction{load(dst, slotCookie), asm.RSh.Imm(dst, shift), asm.And.Imm(dst, 0xff)}
}

// goroutineProgram counts an event of a goroutine, moves it to its new state and notes
// what the thread does now.
//
// R9 is the time, R8 the group's counters, R7 the goroutine's record, then the mode;
// R6 the P, then the process.
func goroutineProgram() asm.Instructions {
	c := &code{}
	c.do(
		asm.LoadMem(asm.R2, asm.R1, regsAX, asm.DWord),
		store(slotGoid, asm.R2),
		asm.LoadMem(asm.R8, asm.R1, regsBX, asm.DWord),
		asm.LoadMem(asm.R6, asm.R1, regsDX, asm.DWord),
		asm.Mov.Imm(asm.R2, 0),
		store(slotThread, asm.R2),
		asm.FnGetAttachCookie.Call(),
		asm.JNE.Imm32(asm.R6, -1, "effect"),
		asm.Mov.Reg(asm.R1, asm.R0),
		asm.And.Imm(asm.R1, 0xff),
		asm.JNE.Imm(asm.R1, pointSyscallExit, "effect"),
		asm.Mov.Imm(asm.R0, int32(exitWithoutP.cookie(pointSyscallExit))),
	)
	c.at("effect")
	c.do(
		store(slotCookie, asm.R0),
		asm.FnGetCurrentPidTgid.Call(),
		store(slotTask, asm.R0),
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),

		asm.JLE.Imm(asm.R8, maxGroup, "group"),
		asm.Mov.Imm(asm.R8, 0),
	)
	c.at("group")
	c.do(
		store(slotGroup, asm.R8),
		store(slotKey, asm.R8),
	)
	c.find(mapGroups)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R8, asm.R0),
	)
	c.do(loadCookie(asm.R1, 0)...)
	c.do(asm.JGE.Imm(asm.R1, goroutinePoints, "out"))
	c.increment(asm.R8, groupEvents, asm.R1)

	c.do(
		load(asm.R1, slotGoid),
		store(slotKey, asm.R1),
	)
	c.findOrMake(mapGoroutines, goroutineSince)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "thread"),
		asm.Mov.Reg(asm.R7, asm.R0),
		field32(asm.R1, asm.R7, goroutineThread),
		store(slotThread, asm.R1),
	)
	c.endStay()
	c.beginStay()
	c.at("thread")
	c.noteThread()
	return c.end("out")
}

// endStay charges the time that the goroutine, R7, was in the state that it leaves.
func (c *code) endStay() {
	c.do(
		asm.Mov.Reg(asm.R5, asm.R9),
		field(asm.R2, asm.R7, goroutineSince),
		asm.Sub.Reg(asm.R5, asm.R2),
		asm.JSGE.Imm(asm.R5, 0, "forward"),
		asm.Mov.Imm(asm.R5, 0),
	)
	c.at("forward")
	c.do(
		field32(asm.R4, asm.R7, goroutineState),
		asm.JGE.Imm(asm.R4, states, "thread"),
	)
	c.addAt(asm.R7, goroutineStateNs, asm.R4, asm.R5)
	c.addAt(asm.R8, groupStateNs, asm.R4, asm.R5)

	c.do(asm.JNE.Imm(asm.R4, int32(Runnable), "moved"))
	c.do(loadCookie(asm.R3, 8)...)
	c.do(
		asm.JNE.Imm(asm.R3, int32(Running), "moved"),
		asm.Mov.Reg(asm.R1, asm.R5),
	)
	c.bucket()
	c.increment(asm.R8, groupWait, asm.R2)
	c.at("moved")
}

// beginStay puts the goroutine, R7, into its new state, or out of the table.
func (c *code) beginStay() {
	c.do(loadCookie(asm.R3, 8)...)
	c.do(
		setField(asm.R7, goroutineSince, asm.R9),
		setField32(asm.R7, goroutineState, asm.R3),
		load(asm.R1, slotGroup),
		setField32(asm.R7, goroutineGroup, asm.R1),
		asm.JNE.Imm(asm.R3, int32(Running), "stands"),
		asm.Mov.Imm(asm.R1, 1),
		add(asm.R7, goroutineRuns, asm.R1),
		load(asm.R1, slotTask),
		setField32(asm.R7, goroutineThread, asm.R1),
	)
	c.at("stands")
	c.do(asm.JNE.Imm(asm.R3, int32(dead), "thread"))
	c.forget(mapGoroutines)
}

// noteThread writes down what the thread does from here on.
func (c *code) noteThread() {
	c.do(loadCookie(asm.R7, 16)...)
	c.do(
		asm.JEq.Imm(asm.R7, modeKept, "out"),
		asm.JEq.Imm(asm.R7, modeCall, "call"),
		load(asm.R6, slotTask),
		store(slotKey, asm.R6), // the thread is its lower half
		asm.RSh.Imm(asm.R6, 32),
	)
	c.findOrMake(mapThreads, threadOnSince)
	c.do(asm.JEq.Imm(asm.R0, 0, "out"))
	c.world(asm.R1)
	c.do(
		field(asm.R2, asm.R1, worldProcess),
		asm.JEq.Reg(asm.R2, asm.R6, "known"),
		setField(asm.R1, worldProcess, asm.R6),
	)
	c.at("known")
	c.do(
		asm.Mov.Imm(asm.R1, 0),
		asm.Mov.Imm(asm.R2, 0),
		asm.JEq.Imm(asm.R7, modeScheduler, "scheduler"),
		load(asm.R1, slotGoid),
		load(asm.R2, slotGroup),
	)
	c.at("scheduler")
	c.do(
		setField(asm.R0, threadGoid, asm.R1),
		setField32(asm.R0, threadGroup, asm.R2),
		setField32(asm.R0, threadMode, asm.R7),
		asm.Ja.Label("out"),
	)

	c.at("call") // of the thread that ran the goroutine last, if it still does
	c.do(
		load(asm.R1, slotThread),
		store(slotKey, asm.R1),
	)
	c.find(mapThreads)
	c.do(
		asm.JEq.Imm(asm.R0, 0, "out"),
		field(asm.R1, asm.R0, threadGoid),
		load(asm.R2, slotGoid),
		asm.JNE.Reg(asm.R1, asm.R2, "out"),
		setField32(asm.R0, threadMode, asm.R7),
	)
}

// Events of the collector, in the upper byte of what it passes.
const (
	gcStart       = 9
	gcEnd         = 11
	gcAssistStart = 12

	gcEventShift = 56
)

// worldProgram counts what the collector does and measures how long the world stands.
//
// R9 is the time, R8 the world's record, R7 the point; R6 the collector's event.
func worldProgram() asm.Instructions {
	c := &code{}
	c.do(
		asm.LoadMem(asm.R6, asm.R1, regsCX, asm.DWord),
		asm.RSh.Imm(asm.R6, gcEventShift),
		asm.FnGetAttachCookie.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),
	)
	c.world(asm.R8)
	c.do(
		asm.JEq.Imm(asm.R7, pointSTWStart, "stop"),
		asm.JEq.Imm(asm.R7, pointSTWEnd, "start"),
		asm.JEq.Imm(asm.R6, gcStart, "cycle"),
		asm.JEq.Imm(asm.R6, gcEnd, "swept"),
		asm.JNE.Imm(asm.R6, gcAssistStart, "out"),
		asm.Mov.Imm(asm.R1, 1),
		add(asm.R8, worldAssists, asm.R1),
		asm.Ja.Label("out"),
	)
	begin := func(label string, since uintptr) {
		c.at(label)
		c.do(
			setField(asm.R8, since, asm.R9),
			asm.Ja.Label("out"),
		)
	}
	// end puts what has gone by into R1; not if it began before anybody watched.
	end := func(label string, since uintptr) {
		c.at(label)
		c.do(
			field(asm.R2, asm.R8, since),
			asm.JEq.Imm(asm.R2, 0, "out"),
			asm.Mov.Reg(asm.R1, asm.R9),
			asm.Sub.Reg(asm.R1, asm.R2),
			asm.Mov.Imm(asm.R2, 0),
			setField(asm.R8, since, asm.R2),
			asm.JSLT.Imm(asm.R1, 0, "out"),
		)
	}
	begin("cycle", worldCycleSince)
	end("swept", worldCycleSince)
	c.do(
		add(asm.R8, worldCycleNs, asm.R1),
		asm.Mov.Imm(asm.R1, 1),
		add(asm.R8, worldCycles, asm.R1),
		asm.Ja.Label("out"),
	)
	begin("stop", worldStopSince)
	end("start", worldStopSince)
	c.do(add(asm.R8, worldStopNs, asm.R1))
	c.bucket()
	c.increment(asm.R8, worldStop, asm.R2)
	return c.end("out")
}
