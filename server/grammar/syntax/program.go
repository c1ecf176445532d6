package syntax

import (
	"context"
	"fmt"
	"math"
)

// Op is what an instruction does.
type Op uint8

const (
	Byte    Op = iota // reads a byte of Sets[A], then goes to B
	Call              // runs the rule that begins at A, then goes to B
	Split             // goes to all of To
	Loop              // runs the part at A, Min to Max times, each ended by Return, then goes to B
	Return            // goes back to who called
	Nowhere           // goes nowhere
)

// NoMax is the Max of a Loop without one.
const NoMax = math.MaxUint32

// Instruction is one step of a program.
type Instruction struct {
	Op Op
	// Recursive is a call of a rule that may lead to this one again.
	Recursive bool
	A, B      uint32
	Min, Max  uint32
	To        []uint32
}

// Set is bytes, a bit each.
type Set [4]uint64

// Has reports whether b is in the set.
func (s *Set) Has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s *Set) add(from, to byte) {
	for b := int(from); b <= int(to); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
}

// Program is what a grammar is run as.
type Program struct {
	Start uint32 // where the root begins
	Code  []Instruction
	Sets  []Set
	// ClassOf numbers the bytes so that two of the same number are in the same
	// sets; Classes is how many there are.
	ClassOf [256]uint8
	Classes int
}

// Compile checks the grammar's rules and makes their program. Errors are an
// *Error, or ctx's.
func Compile(ctx context.Context, g *Grammar) (*Program, error) {
	if g.Rules() > MaxRules {
		return nil, &Error{g.Root, fmt.Sprintf("the grammar has more than %d rules", MaxRules)}
	}
	f, err := check(ctx, g)
	if err != nil {
		return nil, err
	}
	c := &compiler{facts: f, sets: map[Set]uint32{}, bytes: map[[2]uint32]uint32{}, begins: make([]uint32, g.Rules())}
	c.returns = c.emit(Instruction{Op: Return})
	c.never = c.emit(Instruction{Op: Nowhere})
	for i := range c.begins {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.rule = RuleID(i)
		if f.ends[i] {
			c.begins[i] = c.expr(g.bodies[i], c.returns)
		}
		if c.err == nil && len(c.program.Code) > MaxInstructions {
			c.fail(fmt.Sprintf("the grammar has more than %d instructions", MaxInstructions))
		}
		if c.err != nil {
			return nil, c.err
		}
	}
	p := &c.program
	for i := range p.Code {
		if in := &p.Code[i]; in.Op == Call {
			in.A = c.begins[in.A]
		}
	}
	p.Start = c.begins[g.Root]
	p.classify()
	return p, nil
}

// classify finds the classes of bytes.
func (p *Program) classify() {
	p.Classes = 1
	for i := range p.Sets {
		type part struct {
			class uint8
			in    bool
		}
		parts := map[part]uint8{}
		for b := range 256 {
			key := part{p.ClassOf[b], p.Sets[i].Has(byte(b))}
			class, ok := parts[key]
			if !ok {
				class = uint8(len(parts))
				parts[key] = class
			}
			p.ClassOf[b] = class
		}
		p.Classes = len(parts)
	}
}
