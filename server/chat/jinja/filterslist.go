package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func listOf(r *run, v Value) *List {
	return &List{items: r.items(v), client: fromClient(v)}
}

func generator(items []Value) *iterator { return &iterator{"generator", items} }

// size is Python's len(v).
func (r *run) size(v Value) int {
	switch v := v.(type) {
	case *Str:
		return v.runes(r)
	case *List:
		return len(v.items)
	case *Tuple:
		return len(v.items)
	case *Dict:
		return v.Len()
	case *view:
		return v.dict.Len()
	case *span:
		return int(v.n)
	case *loop:
		return len(v.items)
	case *Undefined:
		return 0
	}
	fail("object of type '%s' has no len()", typeName(v))
	return 0
}

func length(r *run, v Value, a *args) Value {
	a.bind(0)
	return integer(r.size(v))
}

func first(r *run, v Value, a *args) Value {
	a.bind(0)
	switch v := v.(type) {
	case *Str:
		if v.text != "" {
			return v.cut(0, v.sizeAt(0))
		}
	case *iterator:
		if len(v.rest) > 0 {
			item := v.rest[0]
			v.rest = v.rest[1:]
			return item
		}
	default:
		if items := r.items(v); len(items) > 0 {
			return items[0]
		}
	}
	return &Undefined{"there is no first item: the sequence is empty"}
}

func last(r *run, v Value, a *args) Value {
	a.bind(0)
	if _, ok := v.(*iterator); ok {
		fail("'%s' object is not reversible", typeName(v))
	}
	if items := r.items(v); len(items) > 0 {
		return items[len(items)-1]
	}
	return &Undefined{"there is no last item: the sequence is empty"}
}

func reverse(r *run, v Value, a *args) Value {
	a.bind(0)
	if s, ok := v.(*Str); ok {
		return r.slice(s, None(0), None(0), Int{n: -1})
	}
	items := r.items(v)
	r.takeTimes(len(items), valueBytes)
	reversed := slices.Clone(items)
	slices.Reverse(reversed)
	if _, ok := v.(*iterator); ok {
		return &List{items: reversed}
	}
	return &iterator{"list_reverseiterator", reversed}
}

func itemsFilter(r *run, v Value, a *args) Value {
	a.bind(0)
	switch v := v.(type) {
	case *Undefined:
		return generator(nil)
	case *Dict:
		return generator(v.pairs(r))
	}
	fail("can only get item pairs from a mapping")
	return nil
}

func joinFilter(r *run, v Value, a *args) Value {
	p := a.bind(0, "d", "attribute")
	sep := own("")
	if p[0] != nil {
		sep = r.str(p[0])
	}
	items := r.items(v)
	if attribute, ok := optional(p[1]); ok {
		items = r.attributes(items, attribute, nil)
	}
	return r.join(sep, items, false)
}

// attribute is what filters mean by attribute=: "a.b" or a number.
func (r *run) attribute(v, attribute, otherwise Value) Value {
	keys := []Value{attribute}
	if s, ok := attribute.(*Str); ok {
		keys = keys[:0]
		for _, part := range strings.Split(s.text, ".") {
			keys = append(keys, attributeKey(part))
		}
	}
	for _, key := range keys {
		r.step()
		found := r.item(v, key)
		if found == nil {
			found = &Undefined{"there is no such attribute"}
		}
		if _, missing := found.(*Undefined); missing && otherwise != nil {
			found = otherwise
		}
		v = found
	}
	return v
}

func attributeKey(part string) Value {
	if part != "" && strings.Trim(part, "0123456789") == "" {
		if n, err := strconv.Atoi(part); err == nil {
			return integer(n)
		}
	}
	return own(part)
}

func (r *run) attributes(items []Value, attribute, otherwise Value) []Value {
	r.takeTimes(len(items), valueBytes)
	values := make([]Value, len(items))
	for i, item := range items {
		values[i] = r.attribute(item, attribute, otherwise)
	}
	return values
}

// itemsIfAny is items, but takes what is false for empty, as map, select and
// their like do.
func (r *run) itemsIfAny(v Value) []Value {
	if !truth(v) {
		return nil
	}
	return r.items(v)
}

// mapFilter is map('filter', …) or map(attribute=…).
func mapFilter(r *run, v Value, a *args) Value {
	items := r.itemsIfAny(v)
	if len(a.pos) == 0 {
		p := a.bind(0, "attribute", "default")
		if p[0] == nil {
			fail("map needs a filter or an attribute")
		}
		otherwise, _ := optional(p[1])
		return generator(r.attributes(items, p[0], otherwise))
	}
	name := text(a.pos[0]).text
	r.takeTimes(len(items), valueBytes)
	mapped := make([]Value, len(items))
	for i, item := range items {
		r.step()
		mapped[i] = r.filter(name, item, &args{pos: a.pos[1:], kw: slices.Clone(a.kw)})
	}
	return generator(mapped)
}

// selectFilter is select and its kin: of an element or of its attribute, by a
// test or by its truth.
func selectFilter(keep, byAttribute bool) method {
	return func(r *run, v Value, a *args) Value {
		rest := a.pos
		var attribute Value
		if byAttribute {
			if len(rest) == 0 {
				fail("%s lacks the attribute", a.what)
			}
			attribute, rest = rest[0], rest[1:]
		}
		items := r.itemsIfAny(v)
		r.takeTimes(len(items), valueBytes)
		var kept []Value
		for _, item := range items {
			r.step()
			value, ok := item, false
			if byAttribute {
				value = r.attribute(item, attribute, nil)
			}
			if len(rest) == 0 {
				ok = truth(value)
			} else {
				ok = r.test(text(rest[0]).text, value, &args{pos: rest[1:], kw: slices.Clone(a.kw)})
			}
			if ok == keep {
				kept = append(kept, item)
			}
		}
		return generator(kept)
	}
}

// batch gives lists of so many.
func batch(r *run, v Value, a *args) Value {
	p := a.bind(1, "linecount", "fill_with")
	size, items := number(p[0], 0), r.items(v)
	if size <= 0 {
		size = 1
	}
	var lists []Value
	for from := 0; from < len(items); from += size {
		part := items[from:min(from+size, len(items))]
		if fill, ok := optional(p[1]); ok && len(part) < size {
			part = r.joined(part, r.times([]Value{fill}, size-len(part)))
		}
		lists = append(lists, r.list(part))
	}
	return generator(lists)
}

// sliceFilter gives so many lists.
func sliceFilter(r *run, v Value, a *args) Value {
	p := a.bind(1, "slices", "fill_with")
	n, items := number(p[0], 0), r.items(v)
	if n <= 0 {
		fail("slice: %d slices", n)
	}
	r.takeTimes(n, 4*valueBytes)
	lists := make([]Value, n)
	size, more := len(items)/n, len(items)%n
	from := 0
	for i := range lists {
		to := from + size
		if i < more {
			to++
		}
		part := items[from:to]
		if fill, ok := optional(p[1]); ok && i >= more {
			part = r.joined(part, []Value{fill})
		}
		lists[i] = &List{items: part}
		from = to
	}
	return generator(lists)
}
