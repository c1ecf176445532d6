package schema

import (
	"slices"
	"strings"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// dictionary is an object without named properties.
func (b *builder) dictionary(s *spec, key, value *syntax.Expr) (*syntax.Expr, error) {
	o := &s.object
	if key == nil {
		if o.least > 0 {
			return syntax.Never(), nil
		}
		return b.members(nil, 0, 0), nil
	}
	if o.least > 1 {
		return nil, b.unsupported(below(s.pointer, "minProperties"), "more than 1 is supported for required properties alone: name and require them")
	}
	if o.most >= 0 && o.least > o.most {
		return syntax.Never(), nil
	}
	return b.members(b.member(key, value), o.least, o.most), nil
}

// record is an object with named properties, and unnamed ones after them if key
// is not nil.
func (b *builder) record(s *spec, properties []property, key, value *syntax.Expr) (*syntax.Expr, error) {
	o := &s.object
	names := make(map[string]bool, len(o.required))
	for _, name := range o.required {
		names[name] = true
	}
	isRequired := func(p property) bool { return names[p.name] }
	required := 0
	for _, p := range properties {
		if isRequired(p) {
			required++
		}
	}
	mayBeEmpty := required == 0 && o.least == 0
	if o.least > max(1, required) {
		return nil, b.unsupported(below(s.pointer, "minProperties"), "more properties than are required: require as many")
	}
	if o.most >= 0 && (key != nil || len(properties) > o.most) {
		if required != o.most {
			return nil, b.unsupported(below(s.pointer, "maxProperties"), "fewer properties than are named: leave it out, or name fewer")
		}
		properties, key = slices.DeleteFunc(slices.Clone(properties), func(p property) bool { return !isRequired(p) }), nil
	}

	// From the last: what may follow a property.
	var more *syntax.Expr = syntax.Text("")
	var begins []*syntax.Expr // ways to begin, the last first
	if key != nil {
		extra := b.member(key, value)
		following := b.grammar.Named("more", syntax.Repeat(syntax.Seq(b.comma(), extra), 0, syntax.Unbounded))
		begins = append(begins, syntax.Seq(extra, following))
		more = following
	}
	for i := len(properties) - 1; i >= 0; i-- {
		p := properties[i]
		x, err := b.part(p.list)
		if err != nil {
			return nil, err
		}
		one := b.grammar.Named("member", b.member(syntax.Text(quoted(p.name)), x))
		next := syntax.Seq(b.comma(), one)
		if isRequired(p) {
			begins = begins[:0] // none may leave this one out
		} else {
			next = syntax.Optional(next)
		}
		begins = append(begins, syntax.Seq(one, more))
		more = b.grammar.Named("more", syntax.Seq(next, more))
	}
	slices.Reverse(begins)
	body := syntax.Seq(syntax.Choice(begins...), b.blanks())
	if mayBeEmpty {
		body = syntax.Optional(body)
	}
	return syntax.Seq(syntax.Text("{"), b.blanks(), body, syntax.Text("}")), nil
}

// names is the names that begin alike.
type names struct {
	runes []rune // that go on, in order of the first name with each
	next  []*names
	whole bool
}

// otherNames is the names that no property has, without escapes: an escape could
// spell one of those.
func (b *builder) otherNames(properties []property) *syntax.Expr {
	root := new(names)
	for _, p := range properties {
		if strings.ContainsFunc(p.name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
			continue // it needs an escape
		}
		at := root
		for _, r := range p.name {
			i := slices.Index(at.runes, r)
			if i < 0 {
				i = len(at.runes)
				at.runes, at.next = append(at.runes, r), append(at.next, new(names))
			}
			at = at.next[i]
		}
		at.whole = true
	}
	rest := b.share("name", func() *syntax.Expr {
		return syntax.Seq(syntax.Repeat(syntax.Class(plain...), 0, syntax.Unbounded), syntax.Text(`"`))
	})
	type level struct {
		at   *names
		rule syntax.RuleID
	}
	begin := b.grammar.Rule("other names")
	todo := []level{{root, begin}}
	for len(todo) > 0 {
		l := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		taken := make([]syntax.Range, len(l.at.runes))
		var parts []*syntax.Expr
		for i, r := range l.at.runes {
			taken[i] = syntax.Range{Low: r, High: r}
			below := b.grammar.Rule("other names")
			parts = append(parts, syntax.Seq(syntax.Class(taken[i]), syntax.Ref(below)))
			todo = append(todo, level{l.at.next[i], below})
		}
		others := syntax.Class(plain...)
		if len(taken) > 0 {
			free, _ := syntax.Except(taken...).Single()
			others = syntax.Class(syntax.Intersect(plain, free)...)
		}
		parts = append(parts, syntax.Seq(others, rest))
		if !l.at.whole {
			parts = append(parts, syntax.Text(`"`))
		}
		b.grammar.Define(l.rule, syntax.Choice(parts...))
	}
	return syntax.Seq(syntax.Text(`"`), syntax.Ref(begin))
}
