package schema

import (
	"github.com/weirgo/weir/server/grammar/syntax"
)

// value is the values that schemas allow which apply together.
func (b *builder) value(l list) (*syntax.Expr, error) {
	s := newSpec(l[0].pointer)
	if err := b.merge(s, l); err != nil {
		return nil, err
	}
	if s.isFree() {
		return b.anyValue(MaxNesting), nil
	}
	if x, err := b.plainChoice(s); x != nil || err != nil {
		return x, err
	}
	all, err := b.branches(s)
	if err != nil {
		return nil, err
	}
	var parts []*syntax.Expr
	for _, branch := range all {
		if err := b.spend(branch.pointer, len(branch.object.properties)); err != nil {
			return nil, err
		}
		x, err := b.spec(branch)
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	return syntax.Choice(parts...), nil
}

// plainChoice is a choice of which nothing else is said; nil if it is another
// spec. Its branches are rules of their own.
func (b *builder) plainChoice(s *spec) (*syntax.Expr, error) {
	only := *s
	only.choices = nil
	if len(s.choices) != 1 || !only.isFree() {
		return nil, nil
	}
	var parts []*syntax.Expr
	for _, branch := range s.choices[0] {
		x, err := b.part(list{branch})
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
	}
	return syntax.Choice(parts...), nil
}

// part is what schemas allow that apply to a part of a value together: a rule of
// its own.
func (b *builder) part(l list) (*syntax.Expr, error) {
	straight := make(list, 0, len(l))
	if len(l) > 0 {
		if err := b.spend(l[0].pointer, nameWork*len(l)); err != nil {
			return nil, err
		}
	}
	for _, at := range l {
		to, err := b.straight(at)
		if err != nil {
			return nil, err
		}
		straight = straight.with(to)
	}
	return b.ref(straight), nil
}

// spec is the values that a spec without choices allows.
func (b *builder) spec(s *spec) (*syntax.Expr, error) {
	t := s.effective()
	if s.isListed {
		return b.literals(s, t)
	}
	var parts []*syntax.Expr
	add := func(x *syntax.Expr, err error) error {
		parts = append(parts, x)
		return err
	}
	if t&typeObject != 0 {
		if err := add(b.object(s)); err != nil {
			return nil, err
		}
	}
	if t&typeArray != 0 {
		if err := add(b.array(s)); err != nil {
			return nil, err
		}
	}
	if t&typeString != 0 {
		if err := add(b.text(s)); err != nil {
			return nil, err
		}
	}
	if t&typeNumber != 0 {
		if err := add(b.numeric(s, t)); err != nil {
			return nil, err
		}
	}
	if t&typeBoolean != 0 {
		parts = append(parts, syntax.Text("true"), syntax.Text("false"))
	}
	if t&typeNull != 0 {
		parts = append(parts, syntax.Text("null"))
	}
	return syntax.Choice(parts...), nil
}

// numeric is the numbers.
func (b *builder) numeric(s *spec, t types) (*syntax.Expr, error) {
	n := s.number
	if n.step > 0 {
		return b.multiples(s.pointer, n)
	}
	n.isWhole = t&typeFraction == 0 || n.isStepped && n.decimals == 0
	if n.isStepped && !n.isWhole && (n.low != nil || n.high != nil) {
		return nil, b.unsupported(below(s.pointer, "multipleOf"), "multipleOf beside bounds is supported for 1 alone: leave one of them out")
	}
	return b.number(n), nil
}
