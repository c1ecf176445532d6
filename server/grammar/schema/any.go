package schema

import "github.com/weirgo/weir/server/grammar/syntax"

// What all schemas have in common.

// blanks is what may stand between two tokens.
func (b *builder) blanks() *syntax.Expr {
	return b.share("blanks", func() *syntax.Expr {
		indent := syntax.Repeat(syntax.Class(syntax.Range{Low: ' ', High: ' '}, syntax.Range{Low: '\t', High: '\t'}), 0, MaxIndent)
		return syntax.Choice(syntax.Text(""), syntax.Text(" "), syntax.Seq(syntax.Text("\n"), indent))
	})
}

// comma parts members and items.
func (b *builder) comma() *syntax.Expr {
	return b.share("comma", func() *syntax.Expr { return syntax.Seq(syntax.Text(","), b.blanks()) })
}

// plain are the characters that strings have as they are.
var plain = []syntax.Range{{Low: ' ', High: '!'}, {Low: '#', High: '['}, {Low: ']', High: 0x10FFFF}}

// character is one of a string, escaped or not. A surrogate comes with its other
// half: without, it is none.
func (b *builder) character() *syntax.Expr {
	return b.share("character", func() *syntax.Expr {
		r := func(low, high rune) syntax.Range { return syntax.Range{Low: low, High: high} }
		hex := syntax.Class(r('0', '9'), r('a', 'f'), r('A', 'F'))
		d := syntax.Class(r('d', 'd'), r('D', 'D'))
		pair := syntax.Seq(
			d, syntax.Class(r('8', '9'), r('a', 'b'), r('A', 'B')), hex, hex,
			syntax.Text(`\u`), d, syntax.Class(r('c', 'f'), r('C', 'F')), hex, hex,
		)
		unit := syntax.Choice(
			syntax.Seq(syntax.Class(r('0', '9'), r('a', 'c'), r('e', 'f'), r('A', 'C'), r('E', 'F')), hex, hex, hex),
			syntax.Seq(d, syntax.Class(r('0', '7')), hex, hex),
			pair,
		)
		short := syntax.Class(r('"', '"'), r('\\', '\\'), r('/', '/'), r('b', 'b'), r('f', 'f'), r('n', 'n'), r('r', 'r'), r('t', 't'))
		return syntax.Choice(
			syntax.Class(plain...),
			syntax.Seq(syntax.Text(`\`), syntax.Choice(short, syntax.Seq(syntax.Text("u"), unit))),
		)
	})
}

// anyString is any string.
func (b *builder) anyString() *syntax.Expr {
	return b.share("string", func() *syntax.Expr { return b.stringOf(0, syntax.Unbounded) })
}

// stringOf is any string of so many characters.
func (b *builder) stringOf(least, most int) *syntax.Expr {
	return syntax.Seq(syntax.Text(`"`), syntax.Repeat(b.character(), least, most), syntax.Text(`"`))
}

// members is an object of any number of members, in the bounds.
func (b *builder) members(member *syntax.Expr, least, most int) *syntax.Expr {
	return b.enclosed("{", member, least, most, "}")
}

// enclosed is parts with commas between them, in brackets.
func (b *builder) enclosed(open string, part *syntax.Expr, least, most int, shut string) *syntax.Expr {
	empty := syntax.Seq(syntax.Text(open), b.blanks(), syntax.Text(shut))
	if most == 0 {
		return empty
	}
	rest := syntax.Unbounded
	if most != syntax.Unbounded {
		rest = most - 1
	}
	full := syntax.Seq(part, syntax.Repeat(syntax.Seq(b.comma(), part), max(least-1, 0), rest), b.blanks())
	if least == 0 {
		full = syntax.Optional(full)
	}
	return syntax.Seq(syntax.Text(open), b.blanks(), full, syntax.Text(shut))
}

// member is a name and its value.
func (b *builder) member(name, value *syntax.Expr) *syntax.Expr {
	return syntax.Seq(name, syntax.Text(":"), b.blanks(), value)
}

// anyValue is any value that nests so deep at most.
func (b *builder) anyValue(depth int) *syntax.Expr {
	if b.any[0] == nil {
		for d := range b.any {
			parts := []*syntax.Expr{b.anyString(), b.anyNumber(), syntax.Text("true"), syntax.Text("false"), syntax.Text("null")}
			if d > 0 {
				parts = append(parts, b.anyObject(d), b.anyArray(d))
			}
			b.any[d] = b.grammar.Named("value", syntax.Choice(parts...))
		}
	}
	return b.any[depth]
}

// anyObject is any object, and anyArray any array, that nest so deep at most,
// themselves included.
func (b *builder) anyObject(depth int) *syntax.Expr {
	return b.members(b.member(b.anyString(), b.anyBelow(depth)), 0, syntax.Unbounded)
}

func (b *builder) anyArray(depth int) *syntax.Expr {
	return b.enclosed("[", b.anyBelow(depth), 0, syntax.Unbounded, "]")
}

// anyBelow is anyValue of the next depth. Those are made from the bottom, so that
// none calls for one that is not there yet.
func (b *builder) anyBelow(depth int) *syntax.Expr {
	if x := b.any[depth-1]; x != nil {
		return x
	}
	return b.anyValue(depth - 1)
}
