package syntax

import "unicode/utf8"

// Bounds of a program.
const (
	MaxRules        = 1 << 15
	MaxInstructions = 1 << 18
	// MaxEmptyRepeats is how often what may be empty is repeated, if there is a
	// bound.
	MaxEmptyRepeats = 64
)

// Unbounded is the greatest count of a repetition without one.
const Unbounded = -1

// Range is characters from Low to High, both included.
type Range struct{ Low, High rune }

// RuleID names a rule of a Grammar.
type RuleID int32

// Expr is what a rule or a part of it derives. It is not changed once made, and
// may be part of several others.
type Expr struct {
	kind     exprKind
	text     string
	ranges   []Range
	parts    []*Expr
	min, max int
	rule     RuleID
}

type exprKind uint8

const (
	text   exprKind = iota // the bytes of text
	class                  // a character in ranges
	seq                    // parts, one after the other
	choice                 // one of parts
	repeat                 // parts[0], min to max times
	ref                    // rule
)

// Text derives exactly s.
func Text(s string) *Expr { return &Expr{kind: text, text: s} }

// Class derives one character that is in one of the ranges.
func Class(ranges ...Range) *Expr { return &Expr{kind: class, ranges: merged(ranges)} }

// Except derives one character that is in none of the ranges.
func Except(ranges ...Range) *Expr { return &Expr{kind: class, ranges: complement(merged(ranges))} }

// Any derives one character.
func Any() *Expr { return Except() }

// Seq derives what its parts do, in order; without parts, the empty text.
func Seq(parts ...*Expr) *Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return &Expr{kind: seq, parts: parts}
}

// Choice derives what one of its parts does; without parts, nothing at all.
func Choice(parts ...*Expr) *Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return &Expr{kind: choice, parts: parts}
}

// Repeat derives x min to max times.
func Repeat(x *Expr, min, max int) *Expr {
	if min == 1 && max == 1 {
		return x
	}
	return &Expr{kind: repeat, parts: []*Expr{x}, min: min, max: max}
}

// Optional derives x or the empty text.
func Optional(x *Expr) *Expr { return Repeat(x, 0, 1) }

// Ref derives what a rule does.
func Ref(rule RuleID) *Expr { return &Expr{kind: ref, rule: rule} }

// Never derives nothing at all.
func Never() *Expr { return Choice() }

// Single returns the ranges of an expression that derives one character of a
// class, and false for any other.
func (x *Expr) Single() ([]Range, bool) {
	switch {
	case x.kind == class:
		return x.ranges, true
	case x.kind == text && utf8.RuneCountInString(x.text) == 1:
		r, _ := utf8.DecodeRuneInString(x.text)
		return []Range{{r, r}}, true
	}
	return nil, false
}

// Repeated takes a repetition apart; anything else is repeated once.
func (x *Expr) Repeated() (part *Expr, min, max int) {
	if x.kind == repeat {
		return x.parts[0], x.min, x.max
	}
	return x, 1, 1
}

// Grammar is rules. The zero value has none.
type Grammar struct {
	Root   RuleID
	names  []string
	bodies []*Expr
}

// Rule makes a rule that is not defined yet.
func (g *Grammar) Rule(name string) RuleID {
	g.names = append(g.names, name)
	g.bodies = append(g.bodies, nil)
	return RuleID(len(g.names) - 1)
}

// Define says what a rule derives.
func (g *Grammar) Define(rule RuleID, body *Expr) { g.bodies[rule] = body }

// Defined reports whether the rule has been defined.
func (g *Grammar) Defined(rule RuleID) bool { return g.bodies[rule] != nil }

// Name returns a rule's name.
func (g *Grammar) Name(rule RuleID) string { return g.names[rule] }

// Rules returns how many rules there are.
func (g *Grammar) Rules() int { return len(g.names) }

// Named makes a rule with a body, and returns an expression that refers to it.
func (g *Grammar) Named(name string, body *Expr) *Expr {
	rule := g.Rule(name)
	g.Define(rule, body)
	return Ref(rule)
}
