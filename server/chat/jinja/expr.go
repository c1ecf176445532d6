package jinja

func (e *constant) eval(*run, *scope) Value { return e.value }

func (e *name) eval(r *run, s *scope) Value {
	if v, ok := s.get(e.name); ok {
		return v
	}
	if v, ok := globals[e.name]; ok {
		return v
	}
	return e.missing
}

func evalAll(r *run, s *scope, parts []expr) []Value {
	r.takeTimes(len(parts), valueBytes)
	values := make([]Value, len(parts))
	for i, part := range parts {
		values[i] = part.eval(r, s)
	}
	return values
}

func (e *listExpr) eval(r *run, s *scope) Value { return &List{items: evalAll(r, s, e.items)} }

func (e *tupleExpr) eval(r *run, s *scope) Value { return &Tuple{items: evalAll(r, s, e.items)} }

func (e *dictExpr) eval(r *run, s *scope) Value {
	d := NewDict(len(e.keys), true)
	for i := range e.keys {
		key := e.keys[i].eval(r, s)
		d.store(r, key, e.values[i].eval(r, s))
	}
	return d
}

func (e *anyOf) eval(r *run, s *scope) Value {
	var v Value
	for _, part := range e.parts {
		if v = part.eval(r, s); truth(v) {
			break
		}
	}
	return v
}

func (e *allOf) eval(r *run, s *scope) Value {
	var v Value
	for _, part := range e.parts {
		if v = part.eval(r, s); !truth(v) {
			break
		}
	}
	return v
}

func (e *notExpr) eval(r *run, s *scope) Value { return truthOf(!truth(e.value.eval(r, s))) }

func (e *condition) eval(r *run, s *scope) Value {
	switch {
	case truth(e.test.eval(r, s)):
		return e.yes.eval(r, s)
	case e.no != nil:
		return e.no.eval(r, s)
	}
	return e.missing
}

func (e *comparison) eval(r *run, s *scope) Value {
	left := e.first.eval(r, s)
	for _, l := range e.rest {
		r.step()
		right := l.value.eval(r, s)
		if !r.compare(l.operator, left, right) {
			return truthOf(false)
		}
		left = right
	}
	return truthOf(true)
}

// compare is one comparison operator of Python's.
func (r *run) compare(operator string, a, b Value) bool {
	switch operator {
	case "==":
		return r.equal(a, b)
	case "!=":
		return !r.equal(a, b)
	case "in":
		return r.contains(b, a)
	case "not in":
		return !r.contains(b, a)
	}
	order, ordered := r.order(a, b, operator)
	switch operator {
	case "<":
		return ordered && order < 0
	case "<=":
		return ordered && order <= 0
	case ">":
		return ordered && order > 0
	}
	return ordered && order >= 0
}

func (e *arithmetic) eval(r *run, s *scope) Value {
	v := e.first.eval(r, s)
	for i := 0; i < len(e.rest); i++ {
		r.step()
		right := e.rest[i].value.eval(r, s)
		a, ok := v.(*Str)
		c, also := right.(*Str)
		if e.rest[i].operator != "+" || !ok || !also {
			v = r.arithmetic(e.rest[i].operator, v, right)
			continue
		}
		v, i = e.joined(r, s, a, c, i)
	}
	return v
}

// joined adds strings from operator i on, as far as they go, into one. It
// returns the last operator that it carried out.
func (e *arithmetic) joined(r *run, s *scope, a, c *Str, i int) (Value, int) {
	if i == len(e.rest)-1 {
		return r.concat(a, c), i
	}
	b := r.builder()
	b.add(a)
	b.add(c)
	for i+1 < len(e.rest) && e.rest[i+1].operator == "+" {
		r.step()
		i++
		right := e.rest[i].value.eval(r, s)
		more, ok := right.(*Str)
		if !ok {
			return r.arithmetic("+", b.str(), right), i
		}
		b.add(more)
	}
	return b.str(), i
}

func (e *concatenation) eval(r *run, s *scope) Value {
	b := r.builder()
	for _, part := range e.parts {
		r.step()
		b.print(part.eval(r, s))
	}
	return b.str()
}

func (e *sign) eval(r *run, s *scope) Value {
	v := use(e.value.eval(r, s))
	switch v.(type) {
	case Bool, Int, *Big, Float:
		if e.negative {
			return r.arithmetic("-", Int{}, v)
		}
		return r.arithmetic("+", Int{}, v)
	}
	fail("bad operand type for unary sign: '%s'", typeName(v))
	return nil
}

func (e *path) eval(r *run, s *scope) Value { return e.from(r, s, e.base.eval(r, s)) }

// from applies the path's steps to a value.
func (e *path) from(r *run, s *scope, v Value) Value {
	for _, step := range e.steps {
		r.step()
		v = step.apply(r, s, v)
	}
	return v
}

func (p *attrStep) apply(r *run, _ *scope, v Value) Value {
	if found := r.attr(v, p.name); found != nil {
		return found
	}
	return p.missing
}

func (p *itemStep) apply(r *run, s *scope, v Value) Value {
	if found := r.item(v, p.key.eval(r, s)); found != nil {
		return found
	}
	return p.missing
}

func (p *sliceStep) apply(r *run, s *scope, v Value) Value {
	at := func(e expr) Value {
		if e == nil {
			return None(0)
		}
		return e.eval(r, s)
	}
	return r.slice(v, at(p.from), at(p.to), at(p.by))
}

func (p *callStep) apply(r *run, s *scope, v Value) Value {
	a := p.args.eval(r, s)
	v = r.call(v, a)
	r.done(a)
	return v
}

func (p *methodStep) apply(r *run, s *scope, v Value) Value {
	if method := methodOf(v, p.attr.name); method != nil {
		a := p.args.eval(r, s)
		a.what = p.attr.name
		v = method(r, v, a)
		r.done(a)
		return v
	}
	v = p.attr.apply(r, s, v)
	a := p.args.eval(r, s)
	v = r.call(v, a)
	r.done(a)
	return v
}

func (p *filterStep) apply(r *run, s *scope, v Value) Value {
	a := p.args.eval(r, s)
	v = r.filter(p.name, v, a)
	r.done(a)
	return v
}

func (p *testStep) apply(r *run, s *scope, v Value) Value {
	a := p.args.eval(r, s)
	ok := r.test(p.name, v, a)
	r.done(a)
	return truthOf(ok != p.negate)
}
