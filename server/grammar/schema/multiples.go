package schema

import (
	"math/big"
	"slices"

	"github.com/weirgo/weir/server/grammar/syntax"
)

const (
	// maxMultiples is how many multiples within bounds are listed.
	maxMultiples = 1 << 12
	// maxStep is the greatest number whose multiples are read digit by digit.
	maxStep = 100
)

// multiples is the multiples of a number: listed if there are bounds, otherwise
// by their remainder after each digit.
func (b *builder) multiples(pointer string, v interval) (*syntax.Expr, error) {
	switch {
	case v.low != nil && v.high != nil:
		step := big.NewInt(v.step)
		low, high := v.leastWhole(), v.greatestWhole()
		at := new(big.Int).Div(low, step) // rounds down
		if at.Mul(at, step); at.Cmp(low) < 0 {
			at.Add(at, step)
		}
		var texts []string
		for ; at.Cmp(high) <= 0; at.Add(at, step) {
			if texts = append(texts, at.String()); len(texts) > maxMultiples {
				return nil, b.unsupported(below(pointer, "multipleOf"), "more than %d multiples are within the bounds: leave out the bounds, or multipleOf", maxMultiples)
			}
		}
		slices.Sort(texts)
		return b.oneOf(texts), nil
	case v.low != nil || v.high != nil:
		return nil, b.unsupported(below(pointer, "multipleOf"), "multipleOf is supported beside both minimum and maximum, or neither: name the other")
	case v.step > maxStep:
		return nil, b.unsupported(below(pointer, "multipleOf"), "multipleOf is supported up to %d without minimum and maximum: name those", maxStep)
	}
	digits := b.remainders(v.step)
	return syntax.Choice(syntax.Text("0"), syntax.Seq(syntax.Optional(syntax.Text("-")), digits)), nil
}

// remainder is a place in a number: the remainder so far, and how many digits may
// follow.
type remainder struct{ of, left int64 }

// remainders is the numbers above 0 that a step divides: a rule for each place.
func (b *builder) remainders(step int64) *syntax.Expr {
	rules := map[remainder]syntax.RuleID{}
	var todo []remainder
	goTo := func(r remainder) *syntax.Expr {
		rule, ok := rules[r]
		if !ok {
			rule = b.grammar.Rule("multiples")
			rules[r] = rule
			todo = append(todo, r)
		}
		return syntax.Ref(rule)
	}
	digitsFrom := func(r remainder, first byte) (parts []*syntax.Expr) {
		for d := first; d <= '9'; d++ {
			next := remainder{(10*r.of + int64(d-'0')) % step, r.left - 1}
			parts = append(parts, syntax.Seq(digit(d, d), goTo(next)))
		}
		return parts
	}
	begin := syntax.Choice(digitsFrom(remainder{0, wholeDigits}, '1')...)
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		var parts []*syntax.Expr
		if at.of == 0 {
			parts = append(parts, syntax.Text(""))
		}
		if at.left > 0 {
			parts = append(parts, digitsFrom(at, '0')...)
		}
		b.grammar.Define(rules[at], syntax.Choice(parts...))
	}
	return begin
}
