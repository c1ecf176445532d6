package jinja

import "slices"

// constants cannot be assigned to.
var constants = []string{"true", "false", "none", "True", "False", "None"}

// target parses what is assigned to.
func (p *parser) target() target {
	var parts []target
	for {
		parts = append(parts, p.targetPart())
		if !p.operator(",") {
			if len(parts) == 1 {
				return parts[0]
			}
			return tupleTarget{parts}
		}
		if p.peek().kind == tokenStatementEnd || p.is(tokenOperator, ")") {
			return tupleTarget{parts}
		}
	}
}

func (p *parser) targetPart() target {
	if p.operator("(") {
		p.deeper()
		inner := p.target()
		p.depth--
		p.expectOperator(")")
		return inner
	}
	name := p.expectName()
	if slices.Contains(constants, name) {
		fail("cannot assign to %s", name)
	}
	if name == "loop" && p.loops > 0 {
		fail("cannot assign to loop within a loop")
	}
	return nameTarget{name}
}

// setTarget is target, or a namespace's attribute.
func (p *parser) setTarget() target {
	next := p.tokens[min(p.at+1, len(p.tokens)-1)]
	if next.kind == tokenOperator && next.text == "." {
		name := p.expectName()
		p.mention(name)
		p.take()
		return namespaceTarget{name, p.expectName()}
	}
	return p.target()
}

// mention notes a name for the macros around.
func (p *parser) mention(name string) {
	if name == "varargs" || name == "kwargs" || name == "caller" {
		for _, names := range p.names {
			names[name] = true
		}
	}
}
