package schema

import (
	"slices"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// arrayKeywords merges what a schema says of arrays. Before draft 2020, items
// may be an array, and additionalItems is about the others.
func (b *builder) arrayKeywords(s *spec, at located) error {
	first, others := b.of(s, at, "prefixItems"), b.of(s, at, "items")
	if others.value != nil && others.value.kind == arrayKind {
		first, others = others, b.of(s, at, "additionalItems")
	}
	items, err := others.rest()
	if err != nil {
		return err
	}
	if k := b.of(s, at, "unevaluatedItems"); k.value != nil {
		switch {
		case k.value.kind == falseKind && others.value == nil:
			items = rest{said: true, never: true}
		case k.value.kind == objectKind:
			return k.unevaluated()
		}
	}
	if first.value != nil || items.said {
		s.about(typeArray)
		if err := first.items(items); err != nil {
			return err
		}
	}
	for _, name := range []string{"minItems", "maxItems"} {
		if k := b.of(s, at, name); k.value != nil {
			s.about(typeArray)
			n, err := k.count()
			if err != nil {
				return err
			}
			narrow(&s.array.least, &s.array.most, name == "minItems", n)
		}
	}
	return nil
}

// items merges the schemas of the first items, and what is said of the others.
func (k *keyword) items(others rest) error {
	a := &k.spec.array
	var prefix list
	if k.value != nil {
		if k.value.kind != arrayKind {
			return k.invalid("an array of schemas is expected")
		}
		for i, v := range k.value.items {
			prefix = append(prefix, located{v, below(k.pointer, i)})
		}
	}
	for i := range max(len(prefix), len(a.prefix)) {
		var l list
		switch {
		case i < len(a.prefix):
			l = a.prefix[i]
		case a.items.never:
			return nil // there are no more
		default:
			l = slices.Clip(a.items.list)
		}
		switch {
		case i < len(prefix):
			l = l.with(prefix[i])
		case others.never:
			a.prefix, a.items = a.prefix[:i], rest{said: true, never: true}
			return nil
		default:
			l = l.with(others.list...)
		}
		if i < len(a.prefix) {
			a.prefix[i] = l
		} else {
			a.prefix = append(a.prefix, l)
		}
	}
	a.items = a.items.and(others)
	return nil
}

// array is the arrays that a spec allows. With schemas of the first items and
// nothing about the others, there are others only if so many are asked for.
func (b *builder) array(s *spec) (*syntax.Expr, error) {
	a := s.array
	if a.items.never || len(a.prefix) > 0 && !a.items.said && a.least <= len(a.prefix) {
		narrow(&a.least, &a.most, false, len(a.prefix))
	}
	if a.most >= 0 && a.least > a.most {
		return syntax.Never(), nil
	}
	if a.unique != "" && a.most != 0 && a.most != 1 {
		return b.distinct(a)
	}
	var item *syntax.Expr
	if a.most < 0 || a.most > len(a.prefix) {
		var err error
		if item, err = b.part(a.items.list); err != nil {
			return nil, err
		}
	}
	if len(a.prefix) == 0 {
		return b.enclosed("[", item, a.least, a.most, "]"), nil
	}
	prefix := a.prefix
	if a.most >= 0 {
		prefix = prefix[:min(len(prefix), a.most)]
	}
	more := syntax.Text("")
	if item != nil {
		most := syntax.Unbounded
		if a.most >= 0 {
			most = a.most - len(prefix)
		}
		more = syntax.Repeat(syntax.Seq(b.comma(), item), max(0, a.least-len(prefix)), most)
	}
	for i := len(prefix) - 1; i >= 0; i-- {
		x, err := b.part(prefix[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			x = syntax.Seq(b.comma(), x)
		}
		x = syntax.Seq(x, more)
		if i >= a.least {
			x = syntax.Optional(x)
		}
		more = b.grammar.Named("items", x)
	}
	if len(prefix) == 0 {
		return b.enclosed("[", nil, 0, 0, "]"), nil
	}
	return syntax.Seq(syntax.Text("["), b.blanks(), more, b.blanks(), syntax.Text("]")), nil
}
