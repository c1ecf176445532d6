package jinja

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/chat/jinja/jinjatest"
)

// address is in what Python prints of an iterator: it is never the same.
var address = regexp.MustCompile(`(?i) object at 0x[0-9a-f]+`)

// TestGeneratedTemplates holds random templates against Python's jinja2: the
// same text, or refused by both. Where there is no jinja2, they must still end
// within their limits. WEIR_ATTACK=full makes many.
func TestGeneratedTemplates(t *testing.T) {
	count, seed := 200, uint64(1)
	switch {
	case testing.Short():
		count = 50
	case os.Getenv("WEIR_ATTACK") == "full":
		count, seed = 10_000, rand.Uint64()
		t.Logf("seed %d", seed)
	}
	variables, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	reference := jinjatest.Find(t)
	limits := DefaultLimits()
	limits.Steps, limits.Bytes, limits.OutputBytes = 1<<18, 1<<22, 1<<20
	same, refused, unlike := 0, 0, 0
	for i := range count {
		g := &templateMaker{rand.New(rand.NewPCG(seed, uint64(i)))}
		template := g.template()
		text, err := ours(template, string(variables), limits)
		if reference == nil {
			continue
		}
		want, theirs := reference.Render(t, template, string(variables))
		switch {
		case err != nil && theirs != "":
			refused++
		case err == nil && theirs == "" && text == want:
			same++
		case err == nil && strings.Contains(theirs, "named"):
			refused++ // a filter or a test with a broken name, which we miss only when it is reached
		case err == nil && address.MatchString(want):
			unlike++
		default:
			t.Errorf("template %d:\n%s\n got %q, %v\nwant %q, %s", i, template, text, err, want, theirs)
		}
	}
	t.Logf("%d the same, %d refused by both, %d with an address in them", same, refused, unlike)
}

// templateMaker makes templates of what chat templates are made of.
type templateMaker struct{ *rand.Rand }

func (g *templateMaker) one(choices ...string) string { return choices[g.IntN(len(choices))] }

// template is a few statements, now and then broken.
func (g *templateMaker) template() string {
	text := g.body(3)
	if g.IntN(12) == 0 && len(text) > 4 { // a piece lost, or doubled
		from := g.IntN(len(text))
		to := min(len(text), from+1+g.IntN(3))
		if piece := text[from:to]; g.IntN(2) == 0 {
			text = text[:from] + text[to:]
		} else {
			text = text[:to] + piece + text[to:]
		}
	}
	return strings.ToValidUTF8(text, "")
}

func (g *templateMaker) body(depth int) string {
	var out strings.Builder
	for range 1 + g.IntN(3) {
		out.WriteString(g.statement(depth))
		out.WriteString(g.one("", "", " ", "\n", "\n\n", "  \n  ", "x", "\t", " é\n"))
	}
	return out.String()
}

// tag is a statement's tag with random marks for white space.
func (g *templateMaker) tag(inside string) string {
	return "{%" + g.one("", "", "-", "+") + " " + inside + " " + g.one("", "", "-", "+") + "%}"
}

func (g *templateMaker) print(expression string) string {
	return "{{" + g.one("", "-") + " " + expression + " " + g.one("", "-") + "}}"
}

func (g *templateMaker) name() string { return g.one("a", "b", "x", "y") }

func (g *templateMaker) statement(depth int) string {
	if depth == 0 {
		return g.print(g.expression(2))
	}
	inner := func() string { return g.body(depth - 1) }
	switch g.IntN(14) {
	case 0:
		return g.tag("if ("+g.expression(2)+")") + inner() + g.tag("elif ("+g.expression(1)+")") + inner() + g.tag("else") + inner() + g.tag("endif")
	case 1:
		return g.tag("for "+g.name()+" in "+g.iterable()) + inner() + g.print(g.loop()) + g.tag("endfor")
	case 2:
		return g.tag("for k, v in "+g.one("d.items()", "users[0].items()", "[(1, 2), ('x', 'y')]", "ed|items")+
			g.one("", " if "+g.one("k != 'z'", "v", "loop is defined", "k is string"))) +
			g.print("k ~ '=' ~ v") + g.one("", g.tag("continue"), g.tag("break")) + inner() + g.tag("else") + inner() + g.tag("endfor")
	case 3:
		return g.tag("set " + g.name() + " = " + g.expression(3))
	case 4:
		return g.tag("set "+g.name()+g.one("", "|upper", "|trim|string")) + inner() + g.tag("endset")
	case 5:
		return g.tag("set ns = namespace(c=0, s='')") + g.tag("for i in "+g.iterable()) + g.tag("set ns.c = ns.c + 1") +
			g.tag("set ns.s = ns.s ~ i") + g.tag("endfor") + g.print("ns.c ~ ns.s") + g.print("ns."+g.one("c", "s", "none"))
	case 6:
		pair := [][2]string{{"", ""}, {"a", "1"}, {"a", ""}, {"a, b=2", "1"}, {"a, b=2", "1, b=3"}, {"a='x', b=a", "**{'a': 5}"}, {"a, b=1", "*[1, 2]"},
			{"a, b", "b=1, a=2"}}[g.IntN(8)]
		return g.tag("macro m("+pair[0]+")") + inner() + g.print("[a, b]") + g.tag("endmacro") + g.print("m("+pair[1]+")") +
			g.tag("macro v(a)") + g.print("a ~ varargs ~ kwargs") + g.tag("endmacro") + g.print("v("+g.one("", "1", "1, 2", "1, 2, c=3", "c=1")+")")
	case 7:
		pair := [][2]string{{"", ""}, {"(q)", "1"}, {"(q=7)", ""}, {"(q, r=2)", "3"}}[g.IntN(4)]
		return g.tag("macro w(t)") + "<" + g.print("t") + g.print("caller("+pair[1]+")") + ">" + g.tag("endmacro") +
			g.tag("call"+pair[0]+" w("+g.expression(1)+")") + inner() + g.one("", g.print("q")) + g.tag("endcall")
	case 8:
		return g.tag("filter "+g.one("upper", "trim", "indent(2)", "replace('a', 'b')", "title")) + inner() + g.tag("endfilter")
	case 9:
		return g.tag("with a = "+g.expression(2)+", b = "+g.expression(1)) + inner() + g.tag("endwith")
	case 10:
		block := g.one("raw", "generation")
		return "{% " + block + g.one(" %}", " -%}") + "plain {{ n }}" + g.one("", "\n") + g.tag("end"+block)
	case 11:
		return "{#" + g.one("", "-", "+") + " note {{ " + g.one("", "-", "+") + "#}"
	case 12:
		return g.tag("for t in tree recursive") + g.print("t.v") + g.print("loop.depth") + g.tag("if t.kids") + g.print("loop(t.kids)") + g.tag("endif") + g.tag("endfor")
	}
	return g.print(g.expression(3))
}

func (g *templateMaker) loop() string {
	return "loop." + g.one("index", "index0", "first", "last", "length", "revindex", "revindex0", "depth", "depth0",
		"previtem|default('-')", "nextitem|default('-')", "cycle('p', 'q')", "changed(loop.index0 // 2)", "nothing")
}

func (g *templateMaker) iterable() string {
	return g.one("l", "words", "users", "el", "d", "s[:4]", "range(3)", "range(5, 0, -2)", "missing", "d.keys()", "mixed", "messages",
		"words|sort", "users|selectattr('age', 'gt', 10)", "words|map('length')", "l[::-1]", "words|reverse", "l|batch(2)", "users|map(attribute='name')")
}

func (g *templateMaker) atom() string {
	return g.one("s", "u", "n", "neg", "zero", "big", "f", "one", "yes", "no", "null", "l", "mixed", "words", "d", "users", "missing", "a", "b", "x",
		"'str'", "'it\\'s \"x\"'", "\"q\\n\\t\\u00e9\"", "'a' 'b'", "3", "1_0", "0x1F", "2.50", "1e3", "true", "False", "none", "[1, 'x', none]", "{'k': 1, 2: 'v'}", "(1, 2)", "()",
		"messages[0].role", "messages[-1]['content']", "users[1].name", "d.a.b[2]", "d['it\\'s']", "messages[9].x", "range(4)", "empty", "ws")
}

// expression is one of some type, and now and then of types that do not go
// together.
func (g *templateMaker) expression(depth int) string {
	switch g.IntN(16) {
	case 0:
		return g.any(depth)
	case 1, 2, 3:
		return g.number(depth)
	case 4, 5:
		return g.list(depth)
	}
	return g.text(depth)
}

func (g *templateMaker) text(depth int) string {
	if depth <= 0 {
		return g.one("s", "u", "empty", "ws", "'str'", "'it\\'s \"x\"'", "\"q\\n\\t\\u00e9\"", "'a' 'b'", "messages[0].role", "messages[-1]['content']", "users[1].name", "d['it\\'s']")
	}
	e := func() string { return g.text(depth - 1) }
	switch g.IntN(9) {
	case 0:
		return "(" + e() + " + " + e() + ")"
	case 1:
		return "(" + e() + " ~ " + g.expression(depth-1) + ")"
	case 2:
		return "(" + e() + ")[" + g.one("0", "-1", "1:", ":2", "::-1", "1:-1", "::2") + "]"
	case 3:
		return "(" + e() + ")." + g.one("upper()", "strip()", "title()", "replace('a', 'b')", "lstrip('H')", "center(9)", "zfill(5)", "capitalize()", "swapcase()",
			"rstrip()", "ljust(4, '.')", "removeprefix('s')", "expandtabs(4)", "format(1, 2)")
	case 4, 5:
		return "(" + e() + ")|" + g.one("upper", "lower", "title", "capitalize", "trim", "first", "last", "string", "tojson", "default('D')", "replace('a', 'X')", "replace('l', '', 1)",
			"indent", "indent(2, true)", "truncate(6)", "truncate(6, true)", "center(12)", "join('-')", "reverse", "urlencode")
	case 6:
		return "(" + g.list(depth-1) + ")|" + g.one("join", "join(', ')", "list|tojson", "list|tojson(indent=2)", "list|tojson(separators=(',', ':'))", "map('string')|join('/')", "string")
	case 7:
		return "'" + g.one("%s", "%r", "%-4s|") + "' % (" + g.expression(depth-1) + ",)"
	}
	return "(" + e() + " if " + g.any(depth-1) + " else " + e() + ")"
}

func (g *templateMaker) number(depth int) string {
	if depth <= 0 {
		return g.one("n", "neg", "zero", "big", "f", "one", "edge", "odd", "3", "1_0", "0x1F", "2.50", "1e3", "true", "users[0].age", "l[0]")
	}
	e := func() string { return g.number(depth - 1) }
	switch g.IntN(7) {
	case 0, 1:
		return "(" + e() + g.one(" + ", " - ", " * ", " / ", " // ", " % ") + g.one("2", "3", "-2", "2.5", "n", "f", "big") + ")"
	case 2:
		return "(" + e() + g.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + e() + ")"
	case 3:
		return "(" + g.text(depth-1) + g.one(" == ", " != ", " < ", " in ", " not in ") + g.text(depth-1) + ")"
	case 4:
		return "(" + e() + ")|" + g.one("int", "float", "abs", "round", "round(1)", "string|length", "round(2)")
	case 5:
		return "(" + g.list(depth-1) + ")|" + g.one("length", "count")
	}
	return "(" + g.text(depth-1) + ")" + g.one("|length", "|wordcount", "|int", "|float", ".count('l')", ".find('o')", ".isdigit()", ".startswith('H')", ".endswith('x')", ".index('')")
}

func (g *templateMaker) list(depth int) string {
	if depth <= 0 {
		return g.one("l", "words", "mixed", "el", "users", "[1, 'x', none]", "(1, 2)", "range(4)", "d.keys()|list", "d.values()|list", "users[0].items()|list", "s", "d", "['b', 'a']", "missing")
	}
	e := func() string { return g.list(depth - 1) }
	switch g.IntN(8) {
	case 0:
		return "[" + g.expression(depth-1) + ", " + g.expression(depth-1) + "]"
	case 1:
		return "(" + e() + ")|list + (" + e() + ")|list"
	case 2:
		return "((" + e() + ")|list)[" + g.one("1:", ":2", "::-1", "1:-1", "::2", "-2:") + "]"
	case 3:
		return "(" + g.text(depth-1) + ")." + g.one("split()", "split('a')", "splitlines()", "rsplit(',', 1)", "split(' ', 1)", "partition('l')", "rpartition('o')")
	case 4:
		return "{'a': " + g.expression(depth-1) + ", " + g.one("'b'", "1", "n") + ": " + g.expression(depth-1) + "}"
	case 5:
		return g.one("words", "[3, 1, 2]", "['b', 'A', 'a']", "[1, 2.0, 1]") + "|" + g.one("sort", "sort(reverse=true)", "sort(case_sensitive=true)", "unique|list", "min", "max")
	case 6:
		return "users|" + g.one("selectattr('age')|list", "rejectattr('age', 'eq', 7)|list", "map(attribute='name')|list", "groupby('age')", "sort(attribute='name')", "selectattr('tags', 'defined')|list")
	}
	return "(" + e() + ")|" + g.one("list", "reverse|list", "unique|list", "map('string')|list", "map('upper')|list", "select|list", "reject('none')|list", "select('string')|list",
		"batch(2)|list", "slice(2)|list", "batch(2, 'f')|list", "list|tojson|list")
}

// any ignores types.
func (g *templateMaker) any(depth int) string {
	if depth <= 0 {
		return g.atom()
	}
	e := func() string { return g.expression(depth - 1) }
	switch g.IntN(9) {
	case 0:
		return e() + g.one(" + ", " - ", " * ", " / ", " // ", " % ") + e()
	case 1:
		return e() + g.one(" == ", " != ", " < ", " <= ", " > ", " >= ", " in ", " not in ") + e()
	case 2:
		return e() + g.one(" and ", " or ") + e()
	case 3:
		return g.one("not ", "-", "+") + e()
	case 4:
		return "(" + e() + " if " + e() + g.one("", " else "+e()) + ")"
	case 5:
		return g.one("s", "l", "d", "mixed", "missing", "null", "n") + "[" + g.one("0", "-1", "1:", "::-1", "'k'", "n", "99") + "]"
	case 6:
		return g.atom() + "." + g.one("items()|list", "get('k')", "get('k', 1)", "keys()|list", "join(words)", "name", "append(1)", "nothing")
	case 7:
		return g.atom() + " is " + g.one("", "not ") + g.one("defined", "undefined", "none", "string", "number", "mapping", "sequence", "iterable", "true", "false", "boolean",
			"integer", "float", "eq 1", "in [1, 'x']", "divisibleby 2", "even", "odd", "lower", "upper", "sameas none", "gt 2", "equalto 'x'", "callable")
	}
	return g.one(g.atom(), "("+e()+")") + "|" + g.filter()
}

func (g *templateMaker) filter() string {
	return g.one("length", "upper", "lower", "title", "capitalize", "trim", "first", "last", "list", "string", "int", "float", "abs", "round", "round(1)", "tojson",
		"tojson(indent=2)", "tojson(separators=(',', ':'))", "default('D')", "default('D', true)", "d", "join", "join(', ')", "reverse|list", "sort", "sort(reverse=true)",
		"unique|list", "max", "min", "sum", "dictsort", "items|list", "map('string')|list", "map('upper')|join", "select|list", "reject('none')|list", "select('string')|list",
		"replace('a', 'X')", "replace('l', '', 1)", "indent", "indent(2, true)", "truncate(6)", "truncate(6, true)", "center(12)", "wordcount", "batch(2)|list", "slice(2)|list",
		"selectattr('age')|list", "rejectattr('age', 'eq', 7)|list", "map(attribute='name')|list", "groupby('age')", "format(1)", "attr('upper') is callable", "count", "string|length")
}
