package schema

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// keyword is one that is read into a spec.
type keyword struct {
	b       *builder
	spec    *spec
	in      located
	name    string
	value   *value
	pointer string
}

func (k *keyword) invalid(format string, args ...any) error {
	return k.b.wrong(ask.InvalidValue, k.pointer, format, args...)
}

func (k *keyword) unsupported(format string, args ...any) error {
	return k.b.wrong(ask.Unsupported, k.pointer, format, args...)
}

// keywords are those that are read by themselves. Those of objects and arrays,
// which are read together, are in isStructural; any other says nothing of what
// is valid.
var keywords map[string]func(*keyword) error

func init() {
	keywords = map[string]func(*keyword) error{
		"type": (*keyword).types, "nullable": (*keyword).nullable,
		"enum": (*keyword).enum, "const": (*keyword).constant,
		"minLength": (*keyword).length, "maxLength": (*keyword).length, "pattern": (*keyword).pattern, "format": (*keyword).format,
		"minimum": (*keyword).limit, "maximum": (*keyword).limit,
		"exclusiveMinimum": (*keyword).limit, "exclusiveMaximum": (*keyword).limit, "multipleOf": (*keyword).multiple,
		"uniqueItems": (*keyword).unique,
	}
	for _, name := range []string{
		"not", "if", "then", "else", "contains", "minContains", "maxContains", "dependencies", "dependentRequired",
		"dependentSchemas", "$dynamicRef", "$recursiveRef",
	} {
		keywords[name] = (*keyword).refuse
	}
}

// refuse is what is not supported at all.
func (k *keyword) refuse() error {
	if (k.name == "then" || k.name == "else") && k.in.schema.get("if") == nil || k.name != "contains" && k.in.schema.get("contains") == nil && (k.name == "minContains" || k.name == "maxContains") {
		return nil // without the other it says nothing
	}
	return k.unsupported("%s is not supported: say it in other words, or leave it out", k.name)
}

func (k *keyword) types() error {
	parts := []*value{k.value}
	if k.value.kind == arrayKind {
		parts = k.value.items
	}
	var t types
	for _, p := range parts {
		named, ok := typeNames[p.text]
		if p.kind != stringKind || !ok {
			return k.invalid("%s is no type: they are null, boolean, object, array, number, integer and string", ask.Clip(p.String(), ask.QuotedBytes))
		}
		t |= named
	}
	if n := k.in.schema.get("nullable"); n != nil && n.kind == trueKind {
		t |= typeNull
	}
	k.spec.only(t)
	return nil
}

// nullable is OpenAPI's, and read with the type.
func (k *keyword) nullable() error {
	if k.value.kind != trueKind && k.value.kind != falseKind {
		return k.invalid("true or false is expected")
	}
	return nil
}

func (k *keyword) enum() error {
	if k.value.kind != arrayKind {
		return k.invalid("an array is expected")
	}
	k.spec.list(k.value.items)
	return nil
}

func (k *keyword) constant() error {
	k.spec.list([]*value{k.value})
	return nil
}

// count reads a number of things.
func (k *keyword) count() (int, error) {
	n, ok := k.value.count()
	if !ok {
		return 0, k.invalid("a whole number from 0 to %d is expected", maxCount)
	}
	return n, nil
}

func (k *keyword) length() error {
	n, err := k.count()
	if err != nil {
		return err
	}
	k.spec.about(typeString)
	t := &k.spec.text
	narrow(&t.least, &t.most, k.name == "minLength", n)
	return nil
}

// narrow takes a bound into account, a lower or an upper one.
func narrow(least, most *int, isLower bool, n int) {
	switch {
	case isLower:
		*least = max(*least, n)
	case *most == syntax.Unbounded:
		*most = n
	default:
		*most = min(*most, n)
	}
}

func (k *keyword) pattern() error {
	if k.value.kind != stringKind {
		return k.invalid("a regular expression is expected")
	}
	k.spec.about(typeString)
	pattern, err := k.translated(k.value.text)
	k.spec.text.patterns = append(k.spec.text.patterns, pattern)
	return err
}

// codes are what ECMA-262, in which JSON Schema has its patterns, writes in
// another way than package regexp. A backslash before them is no part of it.
var codes = regexp.MustCompile(`\\(?:\\|u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4})`)

// translated returns a pattern as package regexp reads it.
func (k *keyword) translated(pattern string) (string, error) {
	pattern = codes.ReplaceAllStringFunc(pattern, func(code string) string {
		if code == `\\` {
			return code
		}
		return `\x{` + strings.Trim(code[len(`\u`):], "{}") + `}`
	})
	size, err := program(pattern)
	switch {
	case err != nil:
		return "", k.unsupported("the pattern is not supported: %s; use classes, groups, choices, repetitions up to 1000 and ^ $", err.Error())
	case size > maxProgram:
		return "", k.unsupported("the pattern is too large: use fewer repetitions")
	}
	return pattern, k.b.spend(k.pointer, size)
}

func (k *keyword) format() error {
	if k.value.kind != stringKind {
		return k.invalid("a name is expected")
	}
	if pattern, ok := Formats[k.value.text]; ok {
		k.spec.about(typeString)
		k.spec.text.formats = append(k.spec.text.formats, pattern)
	}
	return nil
}

// limit reads the bounds of numbers. In draft 4, exclusiveMinimum is true or
// false and about minimum.
func (k *keyword) limit() error {
	isLower := k.name == "minimum" || k.name == "exclusiveMinimum"
	out := k.name == "exclusiveMinimum" || k.name == "exclusiveMaximum"
	if out && (k.value.kind == trueKind || k.value.kind == falseKind) {
		return nil
	}
	r := k.value.number()
	if r == nil {
		return k.invalid("a number of at most %d digits is expected", maxDigits)
	}
	exclusive := map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}[k.name]
	if e := k.in.schema.get(exclusive); e != nil && e.kind == trueKind {
		out = true
	}
	k.spec.about(typeNumber)
	if isLower {
		k.spec.number.above(r, out)
	} else {
		k.spec.number.under(r, out)
	}
	return nil
}

// multiple reads multipleOf: an integer, or a power of ten below 1.
func (k *keyword) multiple() error {
	r := k.value.number()
	if r == nil || r.Sign() <= 0 {
		return k.invalid("a number above 0 is expected")
	}
	k.spec.about(typeNumber)
	n := &k.spec.number
	if r.IsInt() && r.Num().IsInt64() && r.Num().Int64() > 1 {
		step := r.Num().Int64()
		if n.step != 0 && n.step != step {
			return k.unsupported("more than one multipleOf applies: name the least common multiple alone")
		}
		n.step = step
		return nil
	}
	ten, one := big.NewRat(10, 1), big.NewRat(1, 1)
	decimals := 0
	for ; r.Cmp(one) < 0 && decimals < fractionDigits; decimals++ {
		r = new(big.Rat).Mul(r, ten)
	}
	if r.Cmp(one) != 0 {
		return k.unsupported("multipleOf is supported for integers and for 0.1, 0.01 and so on: leave it out, or list the values in enum")
	}
	if !n.isStepped || decimals < n.decimals {
		n.decimals = decimals
	}
	n.isStepped = true
	return nil
}

// unique reads uniqueItems, which is kept for items out of a list.
func (k *keyword) unique() error {
	if k.value.kind != trueKind && k.value.kind != falseKind {
		return k.invalid("true or false is expected")
	}
	if k.value.kind == trueKind && k.spec.array.unique == "" {
		k.spec.about(typeArray)
		k.spec.array.unique = k.pointer
	}
	return nil
}

// schemas reads an array of schemas, one at least.
func (k *keyword) schemas() (list, error) {
	if k.value.kind != arrayKind || len(k.value.items) == 0 {
		return nil, k.invalid("an array of schemas is expected, with one at least")
	}
	l := make(list, len(k.value.items))
	for i, item := range k.value.items {
		l[i] = located{item, below(k.pointer, i)}
	}
	return l, nil
}
