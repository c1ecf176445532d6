package probe

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// code collects a program's instructions.
type code struct {
	ins    asm.Instructions
	label  string // of the next instruction
	labels int
}

func (c *code) do(ins ...asm.Instruction) {
	for _, in := range ins {
		if c.label != "" {
			in = in.WithSymbol(c.label)
			c.label = ""
		}
		c.ins = append(c.ins, in)
	}
}

// at puts a label on the next instruction.
func (c *code) at(label string) {
	if c.label != "" { // two labels at one place: the first gets an instruction of its own
		c.do(asm.Ja.Label(label))
	}
	c.label = label
}

// fresh is a label that is not used yet.
func (c *code) fresh(name string) string {
	c.labels++
	return fmt.Sprintf("%s_%d", name, c.labels)
}

// stack slots, below the frame pointer R10.
const (
	slotKey    = -8 // a map's key
	slotCookie = -16
	slotGroup  = -24
	slotGoid   = -32
	slotTask   = -40 // process and thread that are here
	slotThread = -48 // that ran the goroutine last
)

func store(slot int16, src asm.Register) asm.Instruction {
	return asm.StoreMem(asm.R10, slot, src, asm.DWord)
}

func load(dst asm.Register, slot int16) asm.Instruction {
	return asm.LoadMem(dst, asm.R10, slot, asm.DWord)
}

// field loads 8 bytes at an offset of a record.
func field(dst, record asm.Register, offset uintptr) asm.Instruction {
	return asm.LoadMem(dst, record, int16(offset), asm.DWord)
}

// field32 loads 4.
func field32(dst, record asm.Register, offset uintptr) asm.Instruction {
	return asm.LoadMem(dst, record, int16(offset), asm.Word)
}

func setField(record asm.Register, offset uintptr, src asm.Register) asm.Instruction {
	return asm.StoreMem(record, int16(offset), src, asm.DWord)
}

func setField32(record asm.Register, offset uintptr, src asm.Register) asm.Instruction {
	return asm.StoreMem(record, int16(offset), src, asm.Word)
}

// add adds to 8 bytes of a record, atomically.
func add(record asm.Register, offset uintptr, src asm.Register) asm.Instruction {
	return asm.AddAtomic.Mem(record, src, asm.DWord, int16(offset))
}

// increment adds one to element index of an array in a record. It spoils R1 and R2,
// of which one may be the index; the verifier must know its bounds.
func (c *code) increment(record asm.Register, offset uintptr, index asm.Register) {
	c.do(
		asm.Mov.Reg(asm.R1, index),
		asm.LSh.Imm(asm.R1, 3),
		asm.Add.Reg(asm.R1, record),
		asm.Mov.Imm(asm.R2, 1),
		add(asm.R1, offset, asm.R2),
	)
}

// addAt adds src to element index of an array in a record. It spoils R1.
func (c *code) addAt(record asm.Register, offset uintptr, index, src asm.Register) {
	c.do(
		asm.Mov.Reg(asm.R1, index),
		asm.LSh.Imm(asm.R1, 3),
		asm.Add.Reg(asm.R1, record),
		add(asm.R1, offset, src),
	)
}

// bucket puts the bucket of the duration in R1 into R2. It spoils R1 and R3.
func (c *code) bucket() {
	c.do(asm.Mov.Imm(asm.R2, 0))
	for shift := int32(32); shift > 0; shift /= 2 {
		below := c.fresh("below")
		c.do(
			asm.Mov.Reg(asm.R3, asm.R1),
			asm.RSh.Imm(asm.R3, shift),
			asm.JEq.Imm(asm.R3, 0, below),
			asm.Mov.Reg(asm.R1, asm.R3),
			asm.Add.Imm(asm.R2, shift),
		)
		c.at(below)
	}
	in := c.fresh("in")
	c.do(
		asm.JLT.Imm(asm.R2, Buckets, in),
		asm.Mov.Imm(asm.R2, Buckets-1),
	)
	c.at(in)
}

// find looks the key in slotKey up: R0 is the record's address or 0. It spoils R1 to R5.
func (c *code) find(name string) {
	c.do(
		asm.LoadMapPtr(asm.R1, 0).WithReference(name),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, slotKey),
		asm.FnMapLookupElem.Call(),
	)
}

// findOrMake is find of a record that is made of zeroes where there is none: with
// its time of beginning, R9, at offset since. Where there is no room, that is counted
// and R0 is 0.
func (c *code) findOrMake(name string, since uintptr) {
	found := c.fresh("found")
	full := c.fresh("full")
	c.find(name)
	c.do(
		asm.JNE.Imm(asm.R0, 0, found),
		asm.LoadMapPtr(asm.R1, 0).WithReference(name),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, slotKey),
		asm.LoadMapValue(asm.R3, 0, 0).WithReference(mapZero),
		asm.Mov.Imm(asm.R4, int32(ebpf.UpdateNoExist)), // a switch may have come between
		asm.FnMapUpdateElem.Call(),
	)
	c.find(name)
	c.do(
		asm.JEq.Imm(asm.R0, 0, full),
		setField(asm.R0, since, asm.R9),
		asm.Ja.Label(found),
	)
	c.at(full)
	c.world(asm.R1)
	c.do(
		asm.Mov.Imm(asm.R2, 1),
		add(asm.R1, worldLost, asm.R2),
		asm.Mov.Imm(asm.R0, 0),
	)
	c.at(found)
}

// forget takes what has the key in slotKey out of a map.
func (c *code) forget(name string) {
	c.do(
		asm.LoadMapPtr(asm.R1, 0).WithReference(name),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, slotKey),
		asm.FnMapDeleteElem.Call(),
	)
}

// world puts the address of the worldRecord into dst.
func (c *code) world(dst asm.Register) {
	c.do(asm.LoadMapValue(dst, 0, 0).WithReference(mapWorld))
}

// end ends the program, with what has this label.
func (c *code) end(label string) asm.Instructions {
	c.at(label)
	c.do(asm.Mov.Imm(asm.R0, 0), asm.Return())
	return c.ins
}
