package jinja

// scope holds the variables of a block, and knows the scope around it.
type scope struct {
	parent *scope
	names  []string
	values []Value
	table  map[string]Value // of the outermost scope, instead of the slices
	// room is where the first few variables lie.
	room struct {
		names  [4]string
		values [4]Value
	}
}

func (s *scope) inner() *scope {
	inner := &scope{parent: s}
	inner.names, inner.values = inner.room.names[:0], inner.room.values[:0]
	return inner
}

func (s *scope) get(name string) (Value, bool) {
	for ; s.table == nil; s = s.parent {
		for i := len(s.names) - 1; i >= 0; i-- {
			if s.names[i] == name {
				return s.values[i], true
			}
		}
	}
	v, ok := s.table[name]
	return v, ok
}

func (s *scope) set(name string, v Value) {
	if s.table != nil {
		s.table[name] = v
		return
	}
	for i := range s.names {
		if s.names[i] == name {
			s.values[i] = v
			return
		}
	}
	s.names, s.values = append(s.names, name), append(s.values, v)
}

// reset forgets all variables.
func (s *scope) reset() { s.names, s.values = s.names[:0], s.values[:0] }

func (t nameTarget) assign(_ *run, s *scope, v Value) { s.set(t.name, v) }

func (t namespaceTarget) assign(r *run, s *scope, v Value) {
	value, _ := s.get(t.name)
	ns, ok := value.(*Namespace)
	if !ok {
		fail("cannot assign the attribute %s: %s is no namespace", t.attribute, t.name)
	}
	ns.dict.store(r, own(t.attribute), v)
}

func (t tupleTarget) assign(r *run, s *scope, v Value) {
	items := r.items(v)
	if len(items) != len(t.parts) {
		fail("cannot unpack %d values into %d", len(items), len(t.parts))
	}
	for i, part := range t.parts {
		part.assign(r, s, items[i])
	}
}
