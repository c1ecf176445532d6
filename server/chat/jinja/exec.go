package jinja

// body executes statements in turn.
func (r *run) body(nodes []node, s *scope) flow {
	for _, n := range nodes {
		r.step()
		if f := n.exec(r, s); f != goOn {
			return f
		}
	}
	return goOn
}

// captured executes statements and returns what they print.
func (r *run) captured(nodes []node, s *scope) (*Str, flow) {
	outer := r.out
	b := r.builder()
	r.out = &b
	f := r.body(nodes, s)
	text := b.str()
	r.out = outer
	return text, f
}

func (n *textNode) exec(r *run, _ *scope) flow {
	r.out.add(n.text)
	return goOn
}

func (n *printNode) exec(r *run, s *scope) flow {
	r.line = n.line
	r.out.print(n.value.eval(r, s))
	return goOn
}

func (n *ifNode) exec(r *run, s *scope) flow {
	r.line = n.line
	for i, test := range n.tests {
		if truth(test.eval(r, s)) {
			return r.body(n.branches[i], s)
		}
	}
	return r.body(n.branches[len(n.tests)], s)
}

func (n *forNode) exec(r *run, s *scope) flow {
	r.line = n.line
	return n.iterate(r, s, n.over.eval(r, s), 0)
}

func (n *forNode) iterate(r *run, s *scope, over Value, depth int) flow {
	items := r.items(over)
	inner := s.inner()
	if n.test != nil {
		items = n.passing(r, inner, items)
	}
	l := &loop{items: items, depth0: depth, node: n, scope: s}
	completed := false // an iteration that continues or breaks is none to jinja2's else
	for i, item := range items {
		r.step()
		l.index0 = i
		if n.keeps {
			r.take(64)
			inner = s.inner()
		} else {
			inner.reset()
		}
		inner.set("loop", l)
		n.target.assign(r, inner, item)
		f := r.body(n.body, inner)
		if f == breakLoop {
			break
		}
		completed = completed || f == goOn
	}
	if !completed {
		return r.body(n.otherwise, s.inner())
	}
	return goOn
}

// passing returns the items for which the loop's test holds.
func (n *forNode) passing(r *run, inner *scope, items []Value) []Value {
	r.takeTimes(len(items), valueBytes)
	passing := make([]Value, 0, len(items))
	for _, item := range items {
		r.step()
		inner.reset()
		n.target.assign(r, inner, item)
		if truth(n.test.eval(r, inner)) {
			passing = append(passing, item)
		}
	}
	return passing
}

func (n *setNode) exec(r *run, s *scope) flow {
	r.line = n.line
	r.take(valueBytes)
	n.target.assign(r, s, n.value.eval(r, s))
	return goOn
}

func (n *setBlockNode) exec(r *run, s *scope) flow {
	text, f := r.captured(n.body, s.inner())
	r.line = n.line
	value := Value(text)
	if n.filter != nil {
		value = n.filter.from(r, s, value)
	}
	n.target.assign(r, s, value)
	return f
}

func (n *withNode) exec(r *run, s *scope) flow {
	r.line = n.line
	inner := s.inner()
	for i, value := range n.values {
		n.targets[i].assign(r, inner, value.eval(r, s))
	}
	return r.body(n.body, inner)
}

func (n *filterNode) exec(r *run, s *scope) flow {
	inner := s.inner()
	text, f := r.captured(n.body, inner)
	r.line = n.line
	r.out.block(n.filter.from(r, inner, text))
	return f
}

// block appends what a filter block or a call block gives, which jinja2 does not
// turn into text.
func (b *builder) block(v Value) {
	s, ok := v.(*Str)
	if !ok {
		fail("the block gives no text, but '%s'", typeName(v))
	}
	b.add(s)
}

func (n *macroNode) exec(r *run, s *scope) flow {
	r.take(64)
	s.set(n.name, &macro{node: n, scope: s})
	return goOn
}

func (n *callNode) exec(r *run, s *scope) flow {
	r.line = n.line
	last := len(n.call.steps) - 1
	callee := (&path{base: n.call.base, steps: n.call.steps[:last]}).eval(r, s)
	caller := &macro{node: n.caller, scope: s}
	step, ok := n.call.steps[last].(*methodStep)
	var a *args
	if ok {
		callee = step.attr.apply(r, s, callee)
		a = step.args.eval(r, s)
	} else {
		a = n.call.steps[last].(*callStep).args.eval(r, s)
	}
	a.kw = append(a.kw, keyword{"caller", caller})
	r.out.block(r.call(callee, a))
	return goOn
}

func (n *blockNode) exec(r *run, s *scope) flow {
	if !n.scoped {
		s = r.root
	}
	r.enter()
	defer r.leave()
	return r.body(n.body, s.inner())
}

func (n *groupNode) exec(r *run, s *scope) flow {
	return r.body(n.body, s.inner())
}

func (n *flowNode) exec(*run, *scope) flow { return n.flow }

func (n *refuseNode) exec(r *run, _ *scope) flow {
	r.line = n.line
	fail("%s is not supported: write the template as one file", n.what)
	return goOn
}
