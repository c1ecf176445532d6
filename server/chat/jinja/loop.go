package jinja

// loop is the variable loop.
type loop struct {
	items   []Value
	index0  int
	depth0  int
	node    *forNode
	scope   *scope // around the loop
	changed []Value
}

// attr returns an attribute, nil if there is none of that name.
func (l *loop) attr(name string) Value {
	switch name {
	case "index":
		return integer(l.index0 + 1)
	case "index0":
		return integer(l.index0)
	case "revindex":
		return integer(len(l.items) - l.index0)
	case "revindex0":
		return integer(len(l.items) - l.index0 - 1)
	case "first":
		return truthOf(l.index0 == 0)
	case "last":
		return truthOf(l.index0 == len(l.items)-1)
	case "length":
		return integer(len(l.items))
	case "depth":
		return integer(l.depth0 + 1)
	case "depth0":
		return integer(l.depth0)
	case "previtem":
		if l.index0 == 0 {
			return &Undefined{"there is no previous item"}
		}
		return l.items[l.index0-1]
	case "nextitem":
		if l.index0 == len(l.items)-1 {
			return &Undefined{"there is no next item"}
		}
		return l.items[l.index0+1]
	case "cycle":
		return &function{name: "loop.cycle", call: l.cycle}
	case "changed":
		return &function{name: "loop.changed", call: l.hasChanged}
	}
	return nil
}

func (l *loop) cycle(_ *run, a *args) Value {
	if len(a.pos) == 0 || len(a.kw) > 0 {
		fail("loop.cycle has no items")
	}
	return a.pos[l.index0%len(a.pos)]
}

func (l *loop) hasChanged(r *run, a *args) Value {
	same := l.changed != nil && len(l.changed) == len(a.pos)
	for i := 0; same && i < len(a.pos); i++ {
		same = r.equal(l.changed[i], a.pos[i])
	}
	if !same {
		l.changed = append([]Value{}, a.pos...)
	}
	return truthOf(!same)
}

// recurse is loop(items) in a recursive loop.
func (l *loop) recurse(r *run, a *args) Value {
	if !l.node.recursive {
		fail("a loop must be recursive to be called")
	}
	items := a.bind(1, "iterable")[0]
	r.enter()
	defer r.leave()
	outer := r.out
	b := r.builder()
	r.out = &b
	l.node.iterate(r, l.scope, items, l.depth0+1)
	text := b.str()
	r.out = outer
	return text
}

// items lists what Python's iter(v) would give.
func (r *run) items(v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.items
	case *Tuple:
		return v.items
	case *Dict:
		return v.keys(r)
	case *Undefined:
		return nil
	case *Str:
		return r.characters(v)
	case *span:
		r.takeTimes(int(v.n), 2*valueBytes)
		items := make([]Value, v.n)
		for i := range items {
			items[i] = Int{n: v.start + int64(i)*v.step}
		}
		return items
	case *view:
		switch v.kind {
		case "dict_keys":
			return v.dict.keys(r)
		case "dict_values":
			return v.dict.values(r)
		}
		return v.dict.pairs(r)
	case *iterator:
		rest := v.rest
		v.rest = nil
		return rest
	}
	fail("'%s' object is not iterable", typeName(v))
	return nil
}

func (r *run) characters(s *Str) []Value {
	n := s.runes(r)
	r.takeTimes(n, 64)
	items := make([]Value, 0, n)
	for at, c := range s.text {
		items = append(items, s.cut(at, at+len(string(c))))
	}
	return items
}
