package calls

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
)

// Arguments that are literals are held to the types, the enumerations and the keys
// of their schema, and not to what it says of a text.

// literalDepth is how deep values are held to a schema; those below are any.
const literalDepth = 4

// literals is the calls behind the mark of a form with literals.
func (a *auto) literals() string {
	n := a.form.named
	closes := a.form.closes
	end := a.literal(closes[len(closes)-1])
	if !n.comma { // gemma4
		return a.literal(n.prefix) + " " + a.alternatives(func(i int) string {
			return a.literal(a.tools[i].Name) + ` "{" ` + a.members(fmt.Sprintf("literal-%d", i), parametersOf(&a.tools[i]), ":", literalDepth) + ` "}"`
		}) + " " + end
	}
	call := a.rule("literal-call", func() string {
		return a.alternatives(func(i int) string {
			return a.literal(a.tools[i].Name) + ` "(" ` + a.members(fmt.Sprintf("literal-%d", i), parametersOf(&a.tools[i]), "=", literalDepth) + ` ")"`
		})
	})
	more := ""
	if !a.holding.OneCall {
		more = ` ( "," ` + a.gap() + " " + call + " )*"
	}
	return a.literal(n.prefix) + " " + call + more + " " + a.literal(closes[0]) + " " + end
}

// gap is what may stand around literals.
func (a *auto) gap() string { return a.rule("gap", func() string { return `" "?` }) }

// members is the members of an object, in the order of its schema: a rule for
// those from each on, first in the object or not.
func (a *auto) members(name string, schema []byte, sign string, depth int) string {
	s := readArguments(schema)
	keys := s.keys
	rule := func(n int, first bool) string {
		if first {
			return fmt.Sprintf("%s-first-%d", name, n)
		}
		return fmt.Sprintf("%s-next-%d", name, n)
	}
	for n := len(keys); n >= 0; n-- {
		for _, first := range []bool{true, false} {
			a.rule(rule(n, first), func() string {
				if n == len(keys) {
					return `""`
				}
				member := a.rule(fmt.Sprintf("%s-member-%d", name, n), func() string {
					return a.key(keys[n], sign) + " " + quoted(sign) + " " + a.gap() + " " +
						a.value(fmt.Sprintf("%s-value-%d", name, n), s.schemas[keys[n]], depth-1)
				})
				body := member + " " + rule(n+1, false)
				if !first {
					body = `"," ` + a.gap() + " " + body
				}
				if !s.required[keys[n]] {
					body += " | " + rule(n+1, first)
				}
				return body
			})
		}
	}
	return rule(0, true)
}

// key is a member's name: within Python's braces a text.
func (a *auto) key(key, sign string) string {
	if a.form.literal.quote == "" && sign == ":" {
		return quoted(`"` + key + `"`)
	}
	return a.literal(key)
}

// value is a literal that its schema allows.
func (a *auto) value(name string, schema jsontext.Value, depth int) string {
	var s struct {
		argument
		Items jsontext.Value   `json:"items"`
		AnyOf []jsontext.Value `json:"anyOf"`
		OneOf []jsontext.Value `json:"oneOf"`
	}
	if json.Unmarshal(schema, &s) != nil || depth == 0 {
		return a.any(literalDepth)
	}
	values := s.Enum
	if s.Const != nil {
		values = []jsontext.Value{s.Const}
	}
	var ways []string
	for _, v := range values {
		ways = append(ways, a.constant(v))
	}
	for i, way := range append(s.AnyOf, s.OneOf...) {
		ways = append(ways, a.value(fmt.Sprintf("%s-%d", name, i), way, depth-1))
	}
	of, known := s.types(literalDepth)
	switch {
	case len(ways) > 0:
		return "( " + strings.Join(ways, " | ") + " )"
	case !known:
		return a.any(literalDepth)
	}
	if of&stringType != 0 {
		ways = append(ways, a.string())
	}
	if of&numberType != 0 {
		if of != numberType {
			schema = []byte(`{"type":"integer"}`) // a number too
		}
		a.schema(name+"-number", schema)
		ways = append(ways, name+"-number")
	}
	if of&booleanType != 0 {
		ways = append(ways, a.words("true", "false"))
	}
	if of&nullType != 0 {
		ways = append(ways, a.words("null"))
	}
	if of&arrayType != 0 {
		item := a.rule(name+"-item", func() string { return a.value(name+"-item-value", s.Items, depth-1) })
		ways = append(ways, `"[" ( `+item+` ( "," `+a.gap()+" "+item+` )* )? "]"`)
	}
	if of&objectType != 0 {
		ways = append(ways, `"{" `+a.members(name+"-object", schema, ":", depth)+` "}"`)
	}
	return "( " + strings.Join(ways, " | ") + " )"
}

// constant is one value.
func (a *auto) constant(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		text := textOf(v)
		if mark := a.form.literal.quote; mark != "" {
			return a.literal(mark + text + mark)
		}
		return quoted(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`)
	case 't', 'f', 'n':
		return a.words(string(v))
	}
	return quoted(string(v))
}

// words are values as JSON writes them, or Python.
func (a *auto) words(words ...string) string {
	var all []string
	for python, word := range pythons {
		if slices.Contains(words, word) {
			all = append(all, quoted(word))
			if a.form.literal.quote == "" {
				all = append(all, quoted(python))
			}
		}
	}
	slices.Sort(all)
	return "( " + strings.Join(all, " | ") + " )"
}

// string is a text in quotes.
func (a *auto) string() string {
	return a.rule("literal-string", func() string {
		if mark := a.form.literal.quote; mark != "" {
			return a.literal(mark) + " " + a.without(mark) + " " + a.literal(mark)
		}
		return `"\"" ( [^"\\\x00-\x1F] | "\\" ["\\nt] )* "\"" | "'" ( [^'\\\x00-\x1F] | "\\" ['\\nt] )* "'"`
	})
}

// any is any value that nests no deeper.
func (a *auto) any(depth int) string {
	return a.rule(fmt.Sprintf("literal-any-%d", depth), func() string {
		a.schema("literal-number", []byte(`{"type":"number"}`))
		ways := a.string() + " | literal-number | " + a.words("true", "false", "null")
		if depth > 0 {
			below := a.any(depth - 1)
			key := "[A-Za-z_] [0-9A-Za-z_]{0,63}"
			if a.form.literal.quote == "" {
				key = a.string()
			}
			ways += ` | "[" ( ` + below + ` ( "," ` + a.gap() + " " + below + ` )* )? "]"`
			ways += ` | "{" ( ` + key + ` ":" ` + a.gap() + " " + below + ` ( "," ` + a.gap() + " " + key + ` ":" ` + a.gap() + " " + below + ` )* )? "}"`
		}
		return ways
	})
}
