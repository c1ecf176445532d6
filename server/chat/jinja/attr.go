package jinja

import (
	"slices"
	"strings"
)

// method is a function of a type's. v is of that type.
type method func(r *run, v Value, a *args) Value

// methodOf returns a method of a value, nil if it has none of that name.
func methodOf(v Value, name string) method {
	switch v.(type) {
	case *Str:
		return strMethods[name]
	case *Dict:
		return dictMethods[name]
	case *List, *Tuple:
		return sequenceMethods[name]
	}
	return nil
}

// The methods that the immutable sandbox keeps from templates.
var (
	changesDict = []string{"clear", "pop", "popitem", "setdefault", "update"}
	changesList = []string{"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}
)

// attr is v.name, nil if there is none.
func (r *run) attr(v Value, name string) Value {
	if m := methodOf(v, name); m != nil {
		return &function{name: name, call: func(r *run, a *args) Value { return m(r, v, a) }}
	}
	switch v := v.(type) {
	case *Undefined:
		use(v)
	case *Dict:
		if slices.Contains(changesDict, name) {
			return unsafe(name)
		}
		if found, ok := v.Get(name); ok {
			return found
		}
	case *List:
		if slices.Contains(changesList, name) {
			return unsafe(name)
		}
	case *Tuple:
		for i := range v.names {
			if v.names[i] == name {
				return v.items[i]
			}
		}
	case *Namespace:
		if found, ok := v.dict.Get(name); ok {
			return found
		}
	case *loop:
		if found := v.attr(name); found != nil {
			return found
		}
	case *macro:
		if name == "name" {
			return own(v.node.name)
		}
	}
	if strings.HasPrefix(name, "__") {
		return unsafe(name)
	}
	return nil
}

// unsafe is what the sandbox gives instead of an attribute.
func unsafe(name string) Value {
	return &Undefined{"access to the attribute " + name + " is unsafe"}
}

// item is v[key], nil if there is none.
func (r *run) item(v, key Value) Value {
	switch v := v.(type) {
	case *Undefined:
		use(v)
	case *Dict:
		switch key.(type) {
		case *List, *Dict:
			return nil
		}
		if found, ok := v.find(r.hash(key)); ok {
			return found
		}
	case *List:
		if at, ok := index(key, len(v.items)); ok {
			return v.items[at]
		}
	case *Tuple:
		if at, ok := index(key, len(v.items)); ok {
			return v.items[at]
		}
	case *span:
		if at, ok := index(key, int(v.n)); ok {
			return Int{n: v.start + int64(at)*v.step}
		}
	case *Str:
		if _, ok := asInt(key); !ok {
			break
		}
		n := v.runes(r)
		if at, ok := index(key, n); ok {
			from := v.offset(r, at, n)
			return v.cut(from, from+v.sizeAt(from))
		}
	}
	if name, ok := key.(*Str); ok {
		return r.attr(v, name.text)
	}
	return nil
}

// index returns the place that a key means in a sequence of n.
func index(key Value, n int) (at int, ok bool) {
	i, ok := asInt(key)
	if i < 0 {
		i += int64(n)
	}
	return int(i), ok && i >= 0 && i < int64(n)
}

// slice is v[from:to:by].
func (r *run) slice(v, from, to, by Value) Value {
	switch v := use(v).(type) {
	case *List:
		return &List{items: r.sliced(v.items, from, to, by), client: v.client}
	case *Tuple:
		return &Tuple{items: r.sliced(v.items, from, to, by)}
	case *span:
		start, stop, step, n := bounds(int(v.n), from, to, by)
		return &span{v.start + int64(start)*v.step, v.start + int64(stop)*v.step, v.step * int64(step), int64(n)}
	case *Str:
		length := v.runes(r)
		start, _, step, n := bounds(length, from, to, by)
		if n == 0 {
			return &Str{trusted: v.trusted}
		}
		if step == 1 {
			low := v.offset(r, start, length)
			high := len(v.text)
			if start+n < length {
				high = v.offset(r, start+n, length)
			}
			return v.cut(low, high)
		}
		b := r.builder()
		characters := r.characters(v)
		for i := range n {
			b.add(characters[start+i*step].(*Str))
		}
		return b.str()
	}
	fail("'%s' object cannot be sliced", typeName(v))
	return nil
}

func (r *run) sliced(items []Value, from, to, by Value) []Value {
	start, _, step, n := bounds(len(items), from, to, by)
	if step == 1 {
		return items[start : start+n : start+n]
	}
	r.takeTimes(n, valueBytes)
	sliced := make([]Value, n)
	for i := range sliced {
		sliced[i] = items[start+i*step]
	}
	return sliced
}

// bounds returns what Python's slice(from, to, by) takes of n items.
func bounds(n int, from, to, by Value) (start, stop, step, count int) {
	limit := func(v Value, missing, low, high int) int {
		if _, none := v.(None); none {
			return missing
		}
		i, ok := asInt(v)
		if !ok {
			fail("slice indices must be integers or None")
		}
		if i < 0 {
			i += int64(n)
		}
		return int(min(max(i, int64(low)), int64(high)))
	}
	step = 1
	if _, none := by.(None); !none {
		i, ok := asInt(by)
		if !ok || i == 0 {
			fail("a slice's step must be an integer other than 0")
		}
		step = int(min(max(i, -1<<31), 1<<31)) // no sequence is that long
	}
	if step > 0 {
		start = limit(from, 0, 0, n)
		stop = limit(to, n, 0, n)
		return start, stop, step, max(0, (stop-start+step-1)/step)
	}
	start = limit(from, n-1, -1, n-1)
	stop = limit(to, -1, -1, n-1)
	return start, stop, step, max(0, (start-stop-step-1)/-step)
}
