package syntax

import (
	"context"
	"strings"
)

// Error is a rule that cannot be run.
type Error struct {
	Rule RuleID
	What string
}

func (e *Error) Error() string { return e.What }

// facts are what is known about each rule.
type facts struct {
	grammar  *Grammar
	nullable []bool    // it derives the empty text
	ends     []bool    // it derives a finite text
	calls    [][]int32 // the rules in its body
	leftmost [][]int32 // those that may come before any byte
	circle   []int32   // rules of the same number derive each other
}

// check learns the facts, and refuses what cannot be run.
func check(ctx context.Context, g *Grammar) (*facts, error) {
	n := g.Rules()
	f := &facts{grammar: g, nullable: make([]bool, n), ends: make([]bool, n), calls: make([][]int32, n), leftmost: make([][]int32, n)}
	callers := make([][]int32, n)
	for i, body := range g.bodies {
		if body == nil {
			return nil, &Error{RuleID(i), "the rule " + g.names[i] + " is not defined"}
		}
		f.calls[i] = body.rules(nil)
		for _, c := range f.calls[i] {
			callers[c] = append(callers[c], int32(i))
		}
	}
	f.settle(ctx, f.nullable, callers, f.isNullable)
	f.settle(ctx, f.ends, callers, f.isFinite)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !f.ends[g.Root] {
		return nil, &Error{g.Root, "the rule " + g.names[g.Root] + " derives no finite text"}
	}
	for i, body := range g.bodies {
		f.leftmost[i] = f.left(nil, body)
	}
	if circle := circleOf(f.leftmost); circle != nil {
		names := make([]string, 0, len(circle)+1)
		for _, r := range append(circle, circle[0]) {
			if names = append(names, g.names[r]); len(names) == 8 {
				break
			}
		}
		return nil, &Error{RuleID(circle[0]), "left recursion: " + strings.Join(names, " → ")}
	}
	f.circle = components(f.calls)
	return f, nil
}

// settle computes the least set of rules for which of holds. A rule is looked at
// again when some that it refers to have come to be in the set.
func (f *facts) settle(ctx context.Context, in []bool, callers [][]int32, of func(*Expr) bool) {
	queue := make([]int32, len(in))
	queued := make([]bool, len(in))
	for i := range queue {
		queue[i], queued[i] = int32(len(in)-1-i), true // rules mostly come before those that they refer to
	}
	for n := 0; n < len(queue); n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return
		}
		rule := queue[n]
		if queued[rule] = false; in[rule] || !of(f.grammar.bodies[rule]) {
			continue
		}
		in[rule] = true
		for _, c := range callers[rule] {
			if !in[c] && !queued[c] {
				queued[c] = true
				queue = append(queue, c)
			}
		}
	}
}

// An expression is as deep as who made it has nested it, which is bounded there:
// the functions below call themselves for its parts.

func (f *facts) isNullable(x *Expr) bool {
	switch x.kind {
	case text:
		return x.text == ""
	case class:
		return false
	case seq:
		for _, p := range x.parts {
			if !f.isNullable(p) {
				return false
			}
		}
		return true
	case choice:
		for _, p := range x.parts {
			if f.isNullable(p) {
				return true
			}
		}
		return false
	case repeat:
		return x.min == 0 || f.isNullable(x.parts[0])
	}
	return f.nullable[x.rule]
}

func (f *facts) isFinite(x *Expr) bool {
	switch x.kind {
	case text:
		return true
	case class:
		return len(x.ranges) > 0
	case seq:
		for _, p := range x.parts {
			if !f.isFinite(p) {
				return false
			}
		}
		return true
	case choice:
		for _, p := range x.parts {
			if f.isFinite(p) {
				return true
			}
		}
		return false
	case repeat:
		return x.min == 0 || f.isFinite(x.parts[0])
	}
	return f.ends[x.rule]
}

// left appends the rules that may come first in x.
func (f *facts) left(dst []int32, x *Expr) []int32 {
	switch x.kind {
	case seq:
		for _, p := range x.parts {
			dst = f.left(dst, p)
			if !f.isNullable(p) {
				break
			}
		}
	case choice, repeat:
		for _, p := range x.parts {
			dst = f.left(dst, p)
		}
	case ref:
		dst = append(dst, int32(x.rule))
	}
	return dst
}

// rules appends all rules that x refers to.
func (x *Expr) rules(dst []int32) []int32 {
	if x.kind == ref {
		return append(dst, int32(x.rule))
	}
	for _, p := range x.parts {
		dst = p.rules(dst)
	}
	return dst
}
