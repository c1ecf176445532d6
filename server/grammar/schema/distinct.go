package schema

import (
	"github.com/weirgo/weir/server/grammar/syntax"
)

// maxDistinct is how many values items may have that are to differ.
const maxDistinct = 128

// distinct is the arrays whose items differ: some of a list, in its order.
func (b *builder) distinct(a arraySpec) (*syntax.Expr, error) {
	item := newSpec("")
	if len(a.items.list) > 0 {
		item = newSpec(a.items.list[0].pointer)
		if err := b.merge(item, a.items.list); err != nil {
			return nil, err
		}
	}
	if len(a.prefix) > 0 || len(item.choices) > 0 || !item.isListed {
		return nil, b.unsupported(a.unique, "uniqueItems is supported for items with enum alone: name the values, or leave it out")
	}
	values, err := b.listed(item, item.effective())
	if err != nil {
		return nil, err
	}
	if len(values) > maxDistinct {
		return nil, b.unsupported(a.unique, "uniqueItems is supported for up to %d values: name fewer, or leave it out", maxDistinct)
	}
	var texts []string
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		if key := v.canonical(); !seen[key] {
			seen[key] = true
			texts = append(texts, v.String())
		}
	}
	most := len(texts)
	if a.most >= 0 {
		most = min(most, a.most)
	}
	if a.least > most {
		return syntax.Never(), nil
	}
	// What may follow when so many are there, from the last value to the first.
	// More than counts is as many.
	counts := max(a.least, 1)
	if most < len(texts) {
		counts = most
	}
	follow := make([]*syntax.Expr, counts+1)
	for n := range follow {
		if follow[n] = syntax.Never(); n >= a.least {
			follow[n] = syntax.Text("")
		}
	}
	for i := len(texts) - 1; i >= 0; i-- {
		next := make([]*syntax.Expr, counts+1)
		for n := range next {
			ways := []*syntax.Expr{follow[n]}
			if n < most {
				value := syntax.Text(texts[i])
				if n > 0 {
					value = syntax.Seq(b.comma(), value)
				}
				ways = append(ways, syntax.Seq(value, follow[min(n+1, counts)]))
			}
			next[n] = b.grammar.Named("items", syntax.Choice(ways...))
		}
		follow = next
	}
	return syntax.Seq(syntax.Text("["), b.blanks(), follow[0], b.blanks(), syntax.Text("]")), nil
}
