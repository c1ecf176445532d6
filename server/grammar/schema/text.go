package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// text is the strings that a spec allows.
func (b *builder) text(s *spec) (*syntax.Expr, error) {
	t := s.text
	switch {
	case t.most >= 0 && t.least > t.most:
		return syntax.Never(), nil
	case len(t.patterns)+len(t.formats) > 0:
		return b.patterned(s.pointer, t)
	case t.least == 0 && t.most < 0:
		return b.anyString(), nil
	}
	return b.stringOf(t.least, t.most), nil
}

// patterned is the strings that match all patterns and formats and are of the
// right length: a rule for each state of the automaton that reads them side by
// side. A format says only by agreement what is valid: where it would be too much
// beside the rest, it is left out.
func (b *builder) patterned(pointer string, t textSpec) (*syntax.Expr, error) {
	key := fmt.Sprintf("%d %d %q %q", t.least, t.most, t.patterns, t.formats)
	if x, ok := b.shared[key]; ok {
		return x, nil
	}
	states, err := b.explored(pointer, t)
	if errors.Is(err, errTooLarge) && len(t.formats) > 0 {
		t.formats = nil
		if len(t.patterns) == 0 {
			return b.stringOf(t.least, t.most), nil
		}
		states, err = b.explored(pointer, t)
	}
	switch {
	case errors.Is(err, errTooLarge):
		return nil, b.unsupported(pointer, "pattern and maxLength or minLength are too large together: make the pattern or the lengths smaller")
	case err != nil:
		return nil, err
	}
	rules := make([]syntax.RuleID, len(states))
	for n := range rules {
		rules[n] = b.grammar.Rule("text")
	}
	for n, s := range states {
		var parts []*syntax.Expr
		if s.accepts {
			parts = append(parts, syntax.Text(`"`))
		}
		for _, e := range s.edges {
			parts = append(parts, syntax.Seq(b.spelled(e.ranges), syntax.Ref(rules[e.to])))
		}
		b.grammar.Define(rules[n], syntax.Choice(parts...))
	}
	x := b.grammar.Named("text", syntax.Seq(syntax.Text(`"`), syntax.Ref(rules[0])))
	b.shared[key] = x
	return x, nil
}

// explored returns the automaton of some strings. Lengths that the patterns have
// by themselves are not counted: counting takes a state for each place and length.
func (b *builder) explored(pointer string, t textSpec) ([]explored, error) {
	free := t
	free.least, free.most = 0, syntax.Unbounded
	states, err := b.explore(pointer, free)
	if err != nil {
		return nil, err
	}
	shortest, longest := lengths(states)
	if shortest >= t.least {
		t.least = 0
	}
	if longest >= 0 && longest <= t.most {
		t.most = syntax.Unbounded
	}
	if t.least == 0 && t.most == syntax.Unbounded {
		return states, nil
	}
	return b.explore(pointer, t)
}

// explore makes all states of an automaton, and counts the work.
func (b *builder) explore(pointer string, t textSpec) ([]explored, error) {
	states, steps, err := explore(b.work.ctx, t)
	if worked := b.spend(pointer, steps); worked != nil {
		return nil, worked
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		err = b.unsupported(pointer, "%s", err.Error())
	}
	return states, err
}

// shortEscapes are characters that have one of two bytes.
var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// spelled is a character of some ranges as a string has it: as it is, or escaped
// if it must be.
func (b *builder) spelled(ranges []syntax.Range) *syntax.Expr {
	asIs := syntax.Class(syntax.Intersect(plain, ranges)...)
	var escaped []*syntax.Expr
	for _, r := range ranges {
		for c := r.Low; c <= min(r.High, '\\'); c++ {
			if short, ok := shortEscapes[c]; ok {
				escaped = append(escaped, syntax.Text(short))
			} else if c < ' ' {
				escaped = append(escaped, syntax.Text(fmt.Sprintf(`\u%04x`, c)))
			}
		}
	}
	if len(escaped) == 0 {
		return asIs
	}
	var name strings.Builder
	for _, r := range ranges {
		fmt.Fprintf(&name, "%x-%x ", r.Low, r.High)
	}
	return b.share(name.String(), func() *syntax.Expr { return syntax.Choice(append(escaped, asIs)...) })
}
