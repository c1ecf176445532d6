package jinja

import (
	"math"
	"math/big"
	"strings"
)

// equal is Python's ==.
func (r *run) equal(a, b Value) bool {
	if isNumber(a) && isNumber(b) {
		order, ordered := numberOrder(a, b)
		return ordered && order == 0
	}
	switch a := a.(type) {
	case *Str:
		b, ok := b.(*Str)
		if !ok || len(a.text) != len(b.text) {
			return false
		}
		r.scan(len(a.text))
		return a.text == b.text
	case None:
		_, ok := b.(None)
		return ok
	case *Undefined:
		_, ok := b.(*Undefined)
		return ok
	case *List:
		b, ok := b.(*List)
		return ok && r.allEqual(a.items, b.items)
	case *Tuple:
		b, ok := b.(*Tuple)
		return ok && r.allEqual(a.items, b.items)
	case *Dict:
		b, ok := b.(*Dict)
		return ok && r.dictsEqual(a, b)
	case *span:
		b, ok := b.(*span)
		return ok && a.n == b.n && (a.n == 0 || a.start == b.start && (a.n == 1 || a.step == b.step))
	case *view:
		b, ok := b.(*view)
		if !ok || a.kind != b.kind || a.kind == "dict_values" {
			return ok && a == b
		}
		return r.viewsEqual(a, b)
	}
	return a == b
}

func (r *run) allEqual(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	r.descend()
	defer r.ascend()
	for i := range a {
		r.step()
		if !r.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (r *run) dictsEqual(a, b *Dict) bool {
	if a.Len() != b.Len() {
		return false
	}
	r.descend()
	defer r.ascend()
	for i := range a.entries {
		r.step()
		other, ok := b.find(a.entries[i].hash)
		if !ok || !r.equal(a.entries[i].value, other) {
			return false
		}
	}
	return true
}

// viewsEqual compares keys or items as sets.
func (r *run) viewsEqual(a, b *view) bool {
	if a.kind == "dict_items" {
		return r.dictsEqual(a.dict, b.dict)
	}
	if a.dict.Len() != b.dict.Len() {
		return false
	}
	for i := range a.dict.entries {
		r.step()
		if b.dict.at(a.dict.entries[i].hash) < 0 {
			return false
		}
	}
	return true
}

// numberOrder compares numbers exactly; NaN has no order.
func numberOrder(a, b Value) (order int, ordered bool) {
	x, okA := asInt(a)
	y, okB := asInt(b)
	if okA && okB {
		return sign3(x < y, x > y), true
	}
	exact := func(v Value) *big.Float {
		if f, ok := v.(Float); ok {
			return new(big.Float).SetFloat64(f.f)
		}
		n, _ := asBig(v)
		return new(big.Float).SetInt(n)
	}
	for _, v := range []Value{a, b} {
		if f, ok := v.(Float); ok && math.IsNaN(f.f) {
			return 0, false
		}
	}
	return exact(a).Cmp(exact(b)), true
}

func sign3(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// order is Python's ordering, which fails for most mixed types.
func (r *run) order(a, b Value, operator string) (order int, ordered bool) {
	use(a)
	use(b)
	if isNumber(a) && isNumber(b) {
		return numberOrder(a, b)
	}
	switch a := a.(type) {
	case *Str:
		if b, ok := b.(*Str); ok {
			r.scan(min(len(a.text), len(b.text)))
			return strings.Compare(a.text, b.text), true
		}
	case *List:
		if b, ok := b.(*List); ok {
			return r.itemsOrder(a.items, b.items, operator)
		}
	case *Tuple:
		if b, ok := b.(*Tuple); ok {
			return r.itemsOrder(a.items, b.items, operator)
		}
	}
	fail("'%s' not supported between instances of '%s' and '%s'", operator, typeName(a), typeName(b))
	return 0, false
}

func (r *run) itemsOrder(a, b []Value, operator string) (order int, ordered bool) {
	r.descend()
	defer r.ascend()
	for i := range min(len(a), len(b)) {
		r.step()
		if !r.equal(a[i], b[i]) {
			return r.order(a[i], b[i], operator)
		}
	}
	return sign3(len(a) < len(b), len(a) > len(b)), true
}

// contains is item in v.
func (r *run) contains(v, item Value) bool {
	switch v := v.(type) {
	case *Str:
		s, ok := use(item).(*Str)
		if !ok {
			fail("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		r.scan(len(v.text))
		return strings.Contains(v.text, s.text)
	case *Dict:
		return v.at(r.hash(item)) >= 0
	case *view:
		if v.kind == "dict_keys" {
			return v.dict.at(r.hash(item)) >= 0
		}
	case *span:
		n, ok := asInt(item)
		if ok {
			at := (n - v.start) / v.step
			return at >= 0 && at < v.n && v.start+at*v.step == n
		}
	case *loop:
		return false
	}
	items := r.items(v)
	for i, other := range items {
		r.step()
		if r.equal(other, item) {
			if it, ok := v.(*iterator); ok {
				it.rest = items[i+1:]
			}
			return true
		}
	}
	return false
}
