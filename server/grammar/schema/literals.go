package schema

import (
	"math/big"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// literals is the values of a list that are otherwise allowed.
func (b *builder) literals(s *spec, t types) (*syntax.Expr, error) {
	values, err := b.listed(s, t)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	slices.Sort(texts)
	return b.oneOf(slices.Compact(texts)), nil
}

// listed returns those values in their order.
func (b *builder) listed(s *spec, t types) (values []*value, err error) {
	if len(s.literals) > 0 && s.implied&(typeObject|typeArray) != 0 &&
		slices.ContainsFunc(s.literals, func(v *value) bool { return typeOf(v)&s.implied&(typeObject|typeArray) != 0 }) {
		return nil, b.unsupported(s.pointer, "objects and arrays of enum or const beside what is said of their parts: leave out one of the two")
	}
	if !s.isTyped {
		t = s.types // keywords of a type say nothing of other values
	}
	var patterns []*regexp.Regexp
	size := 0 // of all
	for _, p := range slices.Concat(s.text.patterns, s.text.formats) {
		n, err := program(p)
		if err != nil {
			return nil, err // not reached: they were read before
		}
		size += n
		patterns = append(patterns, regexp.MustCompile(p))
	}
	for _, v := range s.literals {
		if err := b.spend(s.pointer, 1+size*(1+len(v.text))/4); err != nil {
			return nil, err
		}
		if typeOf(v)&t != 0 && s.fits(v, patterns) {
			values = append(values, v)
		}
	}
	return values, nil
}

// oneOf is one of some texts, which are in order. What several begin with is there once, so that a
// long list takes few places at a time.
func (b *builder) oneOf(texts []string) *syntax.Expr {
	type group struct {
		texts []string // that begin alike
		from  int      // after what they begin with
		rule  syntax.RuleID
	}
	begin := b.grammar.Rule("literals")
	todo := []group{{texts, 0, begin}}
	for len(todo) > 0 {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		var parts []*syntax.Expr
		for len(g.texts) > 0 {
			first := g.texts[0]
			if len(first) == g.from {
				parts = append(parts, syntax.Text(""))
				g.texts = g.texts[1:]
				continue
			}
			n := 1
			for n < len(g.texts) && g.texts[n][g.from] == first[g.from] {
				n++
			}
			alike := g.from + common(first[g.from:], g.texts[n-1][g.from:])
			if n == 1 {
				parts = append(parts, syntax.Text(first[g.from:]))
			} else {
				rest := group{g.texts[:n], alike, b.grammar.Rule("literals")}
				todo = append(todo, rest)
				parts = append(parts, syntax.Seq(syntax.Text(first[g.from:alike]), syntax.Ref(rest.rule)))
			}
			g.texts = g.texts[n:]
		}
		b.grammar.Define(g.rule, syntax.Choice(parts...))
	}
	return syntax.Ref(begin)
}

// common returns how many bytes two texts begin with alike.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// fits reports whether a text, which must match all patterns, or a number is
// allowed, apart from its type.
func (s *spec) fits(v *value, patterns []*regexp.Regexp) bool {
	switch v.kind {
	case stringKind:
		n := utf8.RuneCountInString(v.text)
		if n < s.text.least || s.text.most >= 0 && n > s.text.most {
			return false
		}
		return !slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return !p.MatchString(v.text) })
	case '0':
		r := v.number()
		if r == nil {
			return s.number.low == nil && s.number.high == nil && !s.number.isStepped && s.number.step == 0
		}
		if step := s.number.step; step > 0 && !new(big.Rat).Quo(r, big.NewRat(step, 1)).IsInt() {
			return false
		}
		if s.number.isStepped {
			scaled := r
			for range s.number.decimals {
				scaled = mulTen(scaled)
			}
			if !scaled.IsInt() {
				return false
			}
		}
		return s.number.has(r)
	}
	return true
}
