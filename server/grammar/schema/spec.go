package schema

import (
	"encoding/json/jsontext"
	"slices"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// types is a set of JSON's types.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeObject
	typeArray
	typeWhole    // numbers that are integers
	typeFraction // other numbers
	typeString

	typeNumber = typeWhole | typeFraction
	allTypes   = typeString<<1 - 1
)

var typeNames = map[string]types{
	"null": typeNull, "boolean": typeBoolean, "object": typeObject, "array": typeArray,
	"integer": typeWhole, "number": typeNumber, "string": typeString,
}

// typeOf returns a value's type.
func typeOf(v *value) types {
	switch v.kind {
	case 'n':
		return typeNull
	case 't', 'f':
		return typeBoolean
	case '{':
		return typeObject
	case '[':
		return typeArray
	case '0':
		if r := v.number(); r != nil && r.IsInt() {
			return typeWhole
		}
		return typeFraction
	}
	return typeString
}

// spec is what some schemas say together of a value.
type spec struct {
	pointer  string // of the first
	seen     []string
	never    bool
	types    types
	isTyped  bool  // some schema has named types
	implied  types // those that keywords are about
	literals []*value
	isListed bool // literals are all that there is
	choices  [][]located

	text   textSpec
	number interval
	object objectSpec
	array  arraySpec
}

// textSpec is what is said of strings.
type textSpec struct {
	least, most int // characters
	patterns    []string
	formats     []string // as patterns
}

// objectSpec is what is said of objects.
type objectSpec struct {
	properties  []property
	required    []string
	additional  rest
	keyPattern  string // of the names that values is about
	values      list
	names       list // what names must be
	least, most int
	isClosed    bool // unevaluatedProperties
}

// property is one that schemas name. A forbidden one must not be there.
type property struct {
	name      string
	list      list
	forbidden bool
}

// arraySpec is what is said of arrays.
type arraySpec struct {
	prefix      []list
	items       rest
	least, most int
	unique      string // the pointer of uniqueItems, "" if it is not true
}

// rest is what is said of those that have no schema of their own.
type rest struct {
	said  bool
	never bool // there are none
	list  list
}

// and returns the rest that both allow.
func (r rest) and(other rest) rest {
	return rest{r.said || other.said, r.never || other.never, r.list.with(other.list...)}
}

func newSpec(pointer string) *spec {
	s := &spec{pointer: pointer, types: allTypes}
	s.text.most, s.object.most, s.array.most = syntax.Unbounded, syntax.Unbounded, syntax.Unbounded
	return s
}

// clone copies what merging changes.
func (s *spec) clone() *spec {
	c := *s
	c.seen = slices.Clip(c.seen)
	c.choices = slices.Clip(c.choices)
	c.text.patterns, c.text.formats = slices.Clip(c.text.patterns), slices.Clip(c.text.formats)
	c.object.properties = slices.Clone(c.object.properties)
	c.object.required = slices.Clip(c.object.required)
	c.array.prefix = slices.Clone(c.array.prefix)
	return &c
}

// only narrows the types.
func (s *spec) only(t types) { s.types, s.isTyped = s.types&t, true }

// about notes that a keyword is about values of a type.
func (s *spec) about(t types) { s.implied |= t }

// effective returns the types that values have.
func (s *spec) effective() types {
	if !s.isTyped && s.implied != 0 {
		return s.types & s.implied
	}
	return s.types
}

// isFree reports whether nothing is said.
func (s *spec) isFree() bool {
	return !s.never && !s.isTyped && s.implied == 0 && !s.isListed && len(s.choices) == 0
}

// list narrows the values to those of a list.
func (s *spec) list(values []*value) {
	if !s.isListed {
		s.literals, s.isListed = values, true
		return
	}
	others := make(map[string]bool, len(values))
	for _, v := range values {
		others[v.canonical()] = true
	}
	s.literals = slices.DeleteFunc(slices.Clone(s.literals), func(v *value) bool { return !others[v.canonical()] })
}

const (
	objectKind = jsontext.KindBeginObject
	arrayKind  = jsontext.KindBeginArray
	stringKind = jsontext.KindString
	trueKind   = jsontext.KindTrue
	falseKind  = jsontext.KindFalse
)
