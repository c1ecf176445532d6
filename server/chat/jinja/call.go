package jinja

// args are the arguments of one call.
type args struct {
	what string // is called
	pos  []Value
	kw   []keyword
}

type keyword struct {
	name  string
	value Value
}

// done takes back arguments that nobody uses any more.
func (r *run) done(a *args) {
	*a = args{}
	r.spare = append(r.spare, a)
}

func (l *argList) eval(r *run, s *scope) *args {
	a := &args{}
	if n := len(r.spare); n > 0 {
		a, r.spare = r.spare[n-1], r.spare[:n-1]
	}
	if l == nil {
		return a
	}
	if len(l.pos) > 0 {
		a.pos = evalAll(r, s, l.pos)
	}
	for i, name := range l.names {
		r.take(2 * valueBytes)
		a.kw = append(a.kw, keyword{name, l.named[i].eval(r, s)})
	}
	if l.rest != nil {
		more := r.items(l.rest.eval(r, s))
		r.takeTimes(len(more), valueBytes)
		a.pos = append(a.pos, more...)
	}
	if l.restNamed != nil {
		d, ok := l.restNamed.eval(r, s).(*Dict)
		if !ok {
			fail("argument after ** must be a mapping")
		}
		r.takeTimes(d.Len(), 2*valueBytes)
		for i := range d.entries {
			key, ok := d.entries[i].name(d.client).(*Str)
			if _, again := a.named(d.entries[i].hash.text); !ok || again {
				fail("keywords must be strings, each given once")
			}
			a.kw = append(a.kw, keyword{key.text, d.entries[i].value})
		}
	}
	return a
}

func (a *args) named(name string) (int, bool) {
	for i := range a.kw {
		if a.kw[i].name == name {
			return i, true
		}
	}
	return 0, false
}

// maxParams is how many parameters the package's own functions have at most.
const maxParams = 6

// bind returns the arguments in the order of the names of parameters, of which
// the first so many must be given; nil stands for one that is not.
func (a *args) bind(required int, names ...string) (bound [maxParams]Value) {
	if len(a.pos) > len(names) {
		fail("%s takes at most %d arguments, not %d", a.what, len(names), len(a.pos))
	}
	copy(bound[:], a.pos)
	for _, k := range a.kw {
		at := -1
		for i, name := range names {
			if name == k.name {
				at = i
			}
		}
		if at < 0 || bound[at] != nil {
			fail("%s has no parameter %q, or it is given twice", a.what, k.name)
		}
		bound[at] = k.value
	}
	for i := range required {
		if bound[i] == nil {
			fail("%s lacks its argument %q", a.what, names[i])
		}
	}
	return bound
}

// call calls what can be called.
func (r *run) call(callee Value, a *args) Value {
	switch f := callee.(type) {
	case *function:
		if f.call != nil {
			a.what = f.name
			return f.call(r, a)
		}
	case *macro:
		return f.call(r, a)
	case *loop:
		return f.recurse(r, a)
	case *Undefined:
		use(f)
	}
	fail("'%s' object is not callable", typeName(callee))
	return nil
}

// macro is a macro, or the body of a call block.
type macro struct {
	node  *macroNode
	scope *scope // where it is defined
}

func (m *macro) call(r *run, a *args) Value {
	r.enter()
	defer r.leave()
	line := r.line
	r.takeTimes(len(m.node.params)+4, 2*valueBytes)
	inner := m.scope.inner()
	m.bind(r, a, inner)
	text, _ := r.captured(m.node.body, inner)
	r.line = line
	return text
}

// bind gives a macro's parameters their values.
func (m *macro) bind(r *run, a *args, inner *scope) {
	n := m.node
	taken := min(len(a.pos), len(n.params))
	for i := range taken {
		inner.set(n.params[i], a.pos[i])
	}
	kw := a.kw
	explicitCaller := false
	for i, param := range n.params[taken:] {
		explicitCaller = explicitCaller || param == "caller"
		if at, ok := a.named(param); ok {
			inner.set(param, a.kw[at].value)
			kw = without(kw, param)
			continue
		}
		if at := taken + i - (len(n.params) - len(n.defaults)); at >= 0 {
			inner.set(param, n.defaults[at].eval(r, inner))
		} else {
			inner.set(param, &Undefined{"the parameter " + param + " was not provided"})
		}
	}
	if n.caller && !explicitCaller {
		inner.set("caller", &Undefined{"there is no caller"})
		if at, ok := a.named("caller"); ok {
			inner.set("caller", a.kw[at].value)
			kw = without(kw, "caller")
		}
	}
	if n.kwargs {
		rest := NewDict(len(kw), true)
		for _, k := range kw {
			rest.store(r, own(k.name), k.value)
		}
		inner.set("kwargs", rest)
	} else if len(kw) > 0 {
		fail("macro %s takes no keyword argument %q", n.name, kw[0].name)
	}
	if n.varargs {
		r.takeTimes(len(a.pos)-taken, valueBytes)
		inner.set("varargs", &Tuple{items: a.pos[taken:]})
	} else if len(a.pos) > taken {
		fail("macro %s takes not more than %d arguments", n.name, len(n.params))
	}
}

func without(kw []keyword, name string) []keyword {
	rest := make([]keyword, 0, len(kw))
	for _, k := range kw {
		if k.name != name {
			rest = append(rest, k)
		}
	}
	return rest
}
