package jinja

import (
	"math/big"
)

// Value is one of None, Bool, Int, *Big, Float, *Str, *List, *Tuple, *Dict,
// *Undefined and what functions of templates return.
type Value any

// None is Python's None; 1 if a client sent it.
type None uint8

// Bool is Python's bool: bit 0 is the value, bit 1 is set if a client sent it.
type Bool uint8

// Int is an integer that fits.
type Int struct {
	n      int64
	client bool
}

// Big is an integer that does not fit Int.
type Big struct {
	n      *big.Int
	client bool
}

// Float is Python's float.
type Float struct {
	f      float64
	client bool
}

// List is Python's list. No template can change it.
type List struct {
	items  []Value
	client bool
}

// Tuple is Python's tuple; names are set for what groupby gives.
type Tuple struct {
	items  []Value
	names  []string
	client bool
}

// Undefined is what a name or an element that is not there gives. why says so.
type Undefined struct {
	why string
}

// Namespace is what namespace() makes: the one thing that templates change.
type Namespace struct{ dict *Dict }

// span is a range().
type span struct{ start, stop, step, n int64 }

// view is what keys, values and items of a dict give.
type view struct {
	kind string
	dict *Dict
}

// iterator is read once: what map, select and their like give.
type iterator struct {
	kind string
	rest []Value
}

// function is something to call.
type function struct {
	name string
	call func(r *run, a *args) Value
}

// NewBool returns a bool.
func NewBool(b, trusted bool) Bool {
	v := Bool(0)
	if b {
		v = 1
	}
	if !trusted {
		v |= 2
	}
	return v
}

func truthOf(b bool) Bool { return NewBool(b, true) }

func integer(n int) Int { return Int{n: int64(n)} }

// NewList returns a list of items, which belong to it from now on.
func NewList(items []Value, trusted bool) *List { return &List{items: items, client: !trusted} }

// Items returns a list's elements, which are not to be changed.
func (l *List) Items() []Value { return l.items }

// list makes a list of the template's own.
func (r *run) list(items []Value) *List {
	r.takeTimes(len(items), valueBytes)
	return &List{items: items}
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch v := v.(type) {
	case None, *Undefined:
		return false
	case Bool:
		return v&1 != 0
	case Int:
		return v.n != 0
	case Float:
		return v.f != 0
	case *Str:
		return v.text != ""
	case *List:
		return len(v.items) > 0
	case *Tuple:
		return len(v.items) > 0
	case *Dict:
		return v.Len() > 0
	case *view:
		return v.dict.Len() > 0
	case *span:
		return v.n > 0
	case *loop:
		return len(v.items) > 0
	}
	return true
}

// typeName is the name of a value's type in Python.
func typeName(v Value) string {
	switch v := v.(type) {
	case None:
		return "NoneType"
	case Bool:
		return "bool"
	case Int, *Big:
		return "int"
	case Float:
		return "float"
	case *Str:
		return "str"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *Undefined:
		return "Undefined"
	case *Namespace:
		return "Namespace"
	case *span:
		return "range"
	case *view:
		return v.kind
	case *iterator:
		return v.kind
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	}
	return "function"
}

// use fails for what is undefined.
func use(v Value) Value {
	if u, ok := v.(*Undefined); ok {
		fail("%s", u.why)
	}
	return v
}
