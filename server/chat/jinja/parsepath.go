package jinja

// postfix parses attributes, elements and calls.
func (p *parser) postfix(e *path) {
	for {
		switch {
		case p.is(tokenOperator, "."):
			p.take()
			e.steps = append(e.steps, p.attribute())
		case p.is(tokenOperator, "["):
			p.take()
			e.steps = append(e.steps, p.subscript())
		case p.is(tokenOperator, "("):
			p.call(e)
		default:
			return
		}
	}
}

func (p *parser) attribute() pathStep {
	switch t := p.take(); t.kind {
	case tokenName:
		return &attrStep{t.text, &Undefined{"there is no attribute '" + t.text + "'"}}
	case tokenNumber:
		if _, ok := asInt(t.value); ok {
			return &itemStep{&constant{t.value}, &Undefined{"there is no element " + t.text}}
		}
	}
	p.at--
	p.unexpected("a name or a number")
	return nil
}

func (p *parser) call(e *path) {
	a := p.arguments()
	if n := len(e.steps); n > 0 {
		if attr, ok := e.steps[n-1].(*attrStep); ok {
			e.steps[n-1] = &methodStep{*attr, a}
			return
		}
	}
	e.steps = append(e.steps, &callStep{a})
}

func (p *parser) subscript() pathStep {
	var keys []expr
	for !p.is(tokenOperator, "]") {
		if len(keys) > 0 {
			p.expectOperator(",")
		}
		if !p.is(tokenOperator, ":") {
			keys = append(keys, p.expression())
		}
		if p.is(tokenOperator, ":") {
			if len(keys) > 1 {
				fail("slices within tuples are not supported")
			}
			return p.slice(keys)
		}
	}
	p.take()
	missing := &Undefined{"there is no such element"}
	if len(keys) == 1 {
		if c, ok := keys[0].(*constant); ok {
			if s, ok := c.value.(*Str); ok {
				missing.why = "there is no element '" + s.text + "'"
			}
		}
		return &itemStep{keys[0], missing}
	}
	return &itemStep{&tupleExpr{keys}, missing}
}

// slice parses from the first colon on.
func (p *parser) slice(from []expr) pathStep {
	s := &sliceStep{}
	if len(from) > 0 {
		s.from = from[0]
	}
	bound := func() expr {
		if p.is(tokenOperator, ":") || p.is(tokenOperator, "]") {
			return nil
		}
		return p.expression()
	}
	p.expectOperator(":")
	s.to = bound()
	if p.operator(":") {
		s.by = bound()
	}
	p.expectOperator("]")
	return s
}

// filterSteps parses filters, tests and calls of what they give. A block's
// filter stands without its first bar, and without tests.
func (p *parser) filterSteps(e *path, block bool) {
	inline := block
	for {
		switch {
		case inline || p.is(tokenOperator, "|"):
			if !inline {
				p.take()
			}
			inline = false
			f := &filterStep{name: p.dotted()}
			if p.is(tokenOperator, "(") {
				f.args = p.arguments()
			}
			e.steps = append(e.steps, f)
		case e.base != nil && p.is(tokenName, "is"):
			p.take()
			e.steps = append(e.steps, p.test())
		case e.base != nil && p.is(tokenOperator, "("):
			p.call(e)
		default:
			return
		}
	}
}

func (p *parser) dotted() string {
	name := p.expectName()
	for p.operator(".") {
		name += "." + p.expectName()
	}
	return name
}

func (p *parser) test() pathStep {
	t := &testStep{negate: p.keyword("not")}
	t.name = p.dotted()
	switch next := p.peek(); next.kind {
	case tokenName:
		switch next.text {
		case "else", "or", "and":
			return t
		case "is":
			fail("tests cannot be chained")
		}
	case tokenOperator:
		if next.text == "(" {
			t.args = p.arguments()
			return t
		}
		if next.text != "[" && next.text != "{" {
			return t
		}
	case tokenString, tokenNumber:
	default:
		return t
	}
	e := &path{base: p.primary()}
	p.postfix(e)
	t.args = &argList{pos: []expr{e}}
	return t
}

// arguments parses what stands in the parentheses of a call.
func (p *parser) arguments() *argList {
	p.expectOperator("(")
	p.deeper()
	defer func() { p.depth-- }()
	a := &argList{}
	for first := true; !p.operator(")"); first = false {
		if !first {
			p.expectOperator(",")
			if p.operator(")") {
				break
			}
		}
		wellOrdered := a.restNamed == nil
		switch next := p.tokens[min(p.at+1, len(p.tokens)-1)]; {
		case p.operator("*"):
			wellOrdered = wellOrdered && a.rest == nil
			a.rest = p.expression()
		case p.operator("**"):
			a.restNamed = p.expression()
		case p.peek().kind == tokenName && next.kind == tokenOperator && next.text == "=":
			a.names = append(a.names, p.take().text)
			p.take()
			a.named = append(a.named, p.expression())
		default:
			wellOrdered = wellOrdered && a.rest == nil && a.names == nil
			a.pos = append(a.pos, p.expression())
		}
		if !wellOrdered {
			fail("the arguments of a call are out of order")
		}
	}
	return a
}
