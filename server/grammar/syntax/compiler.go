package syntax

import "fmt"

// compiler makes a program from its end: each part knows what comes after it.
type compiler struct {
	facts   *facts
	program Program
	sets    map[Set]uint32
	bytes   map[[2]uint32]uint32 // set and next, to the instruction that reads it
	begins  []uint32             // of the rules
	rule    RuleID               // that is compiled
	returns uint32
	never   uint32
	err     error // the first
}

func (c *compiler) fail(what string) {
	if c.err == nil {
		c.err = &Error{c.rule, what}
	}
}

func (c *compiler) emit(in Instruction) uint32 {
	c.program.Code = append(c.program.Code, in)
	return uint32(len(c.program.Code) - 1)
}

// read returns the instruction that reads a byte of a set; equal ones are one.
func (c *compiler) read(s Set, next uint32) uint32 {
	id, ok := c.sets[s]
	if !ok {
		id = uint32(len(c.program.Sets))
		c.sets[s] = id
		c.program.Sets = append(c.program.Sets, s)
	}
	key := [2]uint32{id, next}
	at, ok := c.bytes[key]
	if !ok {
		at = c.emit(Instruction{Op: Byte, A: id, B: next})
		c.bytes[key] = at
	}
	return at
}

// split returns where all of to begin.
func (c *compiler) split(to []uint32) uint32 {
	switch len(to) {
	case 0:
		return c.never
	case 1:
		return to[0]
	}
	return c.emit(Instruction{Op: Split, To: to})
}

// expr returns where x begins, if next comes after it. What never ends is left
// out.
func (c *compiler) expr(x *Expr, next uint32) uint32 {
	if next == c.never || len(c.program.Code) > MaxInstructions {
		return c.never
	}
	switch x.kind {
	case text:
		for i := len(x.text) - 1; i >= 0; i-- {
			var s Set
			s.add(x.text[i], x.text[i])
			next = c.read(s, next)
		}
		return next
	case class:
		return c.class(x.ranges, next)
	case seq:
		for i := len(x.parts) - 1; i >= 0; i-- {
			next = c.expr(x.parts[i], next)
		}
		return next
	case choice:
		var to []uint32
		for _, p := range x.parts {
			if at := c.expr(p, next); at != c.never {
				to = append(to, at)
			}
		}
		return c.split(to)
	case repeat:
		return c.repeat(x, next)
	}
	if !c.facts.ends[x.rule] {
		return c.never
	}
	circle := c.facts.circle
	return c.emit(Instruction{
		Op: Call, A: uint32(x.rule), B: next,
		Recursive: circle[x.rule] >= 0 && circle[x.rule] == circle[c.rule],
	})
}

// class returns where a character of ranges is read. First bytes that go on alike
// are read together.
func (c *compiler) class(ranges []Range, next uint32) uint32 {
	var after []uint32
	var first []Set
	for _, r := range ranges {
		for _, sequence := range spans(nil, r) {
			at := next
			for i := len(sequence) - 1; i > 0; i-- {
				var s Set
				s.add(sequence[i].low, sequence[i].high)
				at = c.read(s, at)
			}
			i := 0
			for i < len(after) && after[i] != at {
				i++
			}
			if i == len(after) {
				after, first = append(after, at), append(first, Set{})
			}
			first[i].add(sequence[0].low, sequence[0].high)
		}
	}
	to := make([]uint32, len(after))
	for i := range after {
		to[i] = c.read(first[i], after[i])
	}
	return c.split(to)
}

// repeat returns where a repetition begins.
func (c *compiler) repeat(x *Expr, next uint32) uint32 {
	part, least, most := x.parts[0], x.min, x.max
	if !c.facts.isFinite(part) || most == 0 {
		if least > 0 && most != 0 {
			return c.never
		}
		return next
	}
	if c.facts.isNullable(part) {
		least = 0 // the rest may be empty
		if most > MaxEmptyRepeats {
			c.fail(fmt.Sprintf("the rule %s repeats what may be empty up to %d times: at most %d, or without a bound", c.facts.grammar.names[c.rule], most, MaxEmptyRepeats))
			return c.never
		}
	}
	switch {
	case most == 1 && least == 0:
		return c.split([]uint32{c.expr(part, next), next})
	case most == Unbounded && least <= 1:
		again := c.emit(Instruction{Op: Split})
		begin := c.expr(part, again)
		c.program.Code[again].To = []uint32{begin, next}
		if least == 1 {
			return begin
		}
		return again
	}
	limit := uint32(NoMax)
	if most != Unbounded {
		limit = uint32(most)
	}
	return c.emit(Instruction{Op: Loop, A: c.expr(part, c.returns), B: next, Min: uint32(least), Max: limit})
}
