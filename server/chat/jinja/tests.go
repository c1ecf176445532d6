package jinja

import "slices"

// test is "v is name(args)".
func (r *run) test(name string, v Value, a *args) bool {
	if isComparison(name) {
		other := a.bind(1, "other")[0]
		return r.compare(comparisonNames[name], v, other)
	}
	a.what = "the test " + name
	switch name {
	case "divisibleby":
		return r.equal(r.arithmetic("%", v, a.bind(1, "num")[0]), Int{})
	case "sameas":
		return same(v, a.bind(1, "other")[0])
	case "in":
		return r.contains(a.bind(1, "seq")[0], v)
	}
	is, ok := plainTests[name]
	if !ok {
		fail("unknown test '%s'", name)
	}
	a.bind(0)
	return is(r, v)
}

// comparisonNames are the tests that are operators.
var comparisonNames = map[string]string{
	"==": "==", "eq": "==", "equalto": "==", "!=": "!=", "ne": "!=", "<": "<", "lt": "<", "lessthan": "<",
	"<=": "<=", "le": "<=", ">": ">", "gt": ">", "greaterthan": ">", ">=": ">=", "ge": ">=",
}

func isComparison(name string) bool { return comparisonNames[name] != "" }

var plainTests map[string]func(r *run, v Value) bool

func init() {
	plainTests = map[string]func(r *run, v Value) bool{
		"defined":   func(_ *run, v Value) bool { return typeName(v) != "Undefined" },
		"undefined": func(_ *run, v Value) bool { return typeName(v) == "Undefined" },
		"none":      func(_ *run, v Value) bool { return typeName(v) == "NoneType" },
		"boolean":   func(_ *run, v Value) bool { return typeName(v) == "bool" },
		"true":      func(_ *run, v Value) bool { return typeName(v) == "bool" && truth(v) },
		"false":     func(_ *run, v Value) bool { return typeName(v) == "bool" && !truth(v) },
		"integer":   func(_ *run, v Value) bool { return typeName(v) == "int" },
		"float":     func(_ *run, v Value) bool { return typeName(v) == "float" },
		"number":    func(_ *run, v Value) bool { return isNumber(v) },
		"string":    func(_ *run, v Value) bool { return typeName(v) == "str" },
		"mapping":   func(_ *run, v Value) bool { return typeName(v) == "dict" },
		"sequence":  isSequence,
		"iterable":  isIterable,
		"callable":  isCallable,
		"even":      func(r *run, v Value) bool { return r.equal(r.arithmetic("%", v, Int{n: 2}), Int{}) },
		"odd":       func(r *run, v Value) bool { return r.equal(r.arithmetic("%", v, Int{n: 2}), Int{n: 1}) },
		"lower":     func(r *run, v Value) bool { return truth(strMethods["islower"](r, r.str(v), &args{})) },
		"upper":     func(r *run, v Value) bool { return truth(strMethods["isupper"](r, r.str(v), &args{})) },
		"escaped":   func(*run, Value) bool { return false },
		"filter":    func(_ *run, v Value) bool { return filters[text(v).text] != nil },
		"test": func(_ *run, v Value) bool {
			name := text(v).text
			return isComparison(name) || plainTests[name] != nil || slices.Contains([]string{"divisibleby", "sameas", "in"}, name)
		},
	}
}

func isSequence(_ *run, v Value) bool {
	switch v.(type) {
	case *Str, *List, *Tuple, *Dict, *span, *Undefined:
		return true
	}
	return false
}

func isIterable(_ *run, v Value) bool {
	switch v.(type) {
	case *Str, *List, *Tuple, *Dict, *span, *Undefined, *view, *iterator, *loop:
		return true
	}
	return false
}

func isCallable(_ *run, v Value) bool {
	switch v.(type) {
	case *function, *macro, *loop, *Undefined:
		return true
	}
	return false
}

// same is Python's "is", for which small equal values are one.
func same(a, b Value) bool {
	if typeName(a) != typeName(b) {
		return false
	}
	switch a := a.(type) {
	case None, *Undefined:
		return a == b || typeName(a) == "NoneType"
	case Bool:
		return truth(a) == truth(b)
	case Int:
		return a.n == b.(Int).n
	case *Str:
		return a.text == b.(*Str).text
	}
	return a == b
}
