package schema

import (
	"context"
	"maps"
	"regexp/syntax"
	"slices"

	grammar "github.com/weirgo/weir/server/grammar/syntax"
)

const (
	// maxWork is how much may be done for the schemas of one form: others wait
	// for theirs. A step of an automaton is 1, and so is what takes as long.
	maxWork = 1 << 24
	// Of that, a schema that is merged, and one that a part's rule is named by.
	mergeWork, nameWork = 32, 16
	// maxProgram is how many instructions a pattern may be, more than an automaton
	// of maxStates comes of.
	maxProgram = 2 * maxStates
)

// work counts what is done for the schemas of one form.
type work struct {
	ctx  context.Context
	done int
}

// spend counts n more, for a schema at a place. The error is a fault, or ctx's.
func (b *builder) spend(pointer string, n int) error {
	b.work.done += n
	switch {
	case b.work.done > maxWork:
		return b.unsupported(pointer, "the schema is too much work up to here: leave out patterns, or share them by $ref")
	case b.grammar.Rules() > grammar.MaxRules:
		return b.unsupported(pointer, "the schema is too large: it needs more than %d rules", grammar.MaxRules)
	}
	return b.work.ctx.Err()
}

// program returns how many instructions a pattern of package regexp is.
func program(pattern string) (int, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	p, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, err
	}
	return len(p.Inst), nil
}

// Add adds the rules of some schemas to g, and returns those that derive their
// values, by the schemas' names, which errors name too.
func Add(ctx context.Context, g *grammar.Grammar, schemas map[string][]byte) (map[string]grammar.RuleID, error) {
	w := &work{ctx: ctx}
	rules := make(map[string]grammar.RuleID, len(schemas))
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		rule, err := newBuilder(w, g).add(name, schemas[name])
		if err != nil {
			return nil, err
		}
		rules[name] = rule
	}
	return rules, nil
}
