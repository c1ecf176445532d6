package schema

import (
	"context"
	"errors"
	"strings"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// Bounds of what is generated.
const (
	// MaxNesting is how deep a value nests of which the schema says nothing.
	MaxNesting = 24
	// MaxIndent is how many blanks a line begins with.
	MaxIndent = 40
	// maxCount is the greatest minItems and its like.
	maxCount = 1 << 20
	// maxMerged is how many schemas may apply at one place, and maxBranches how
	// many choices of their anyOf.
	maxMerged   = 512
	maxBranches = 256
)

// located is a schema and where it is.
type located struct {
	schema  *value
	pointer string
}

// list is schemas that all apply to the same value; none allows any.
type list []located

// builder makes rules of one schema.
type builder struct {
	work    *work
	grammar *syntax.Grammar
	root    *value
	named   string // before pointers in errors
	rules   map[string]syntax.RuleID
	todo    []pending
	shared  map[string]*syntax.Expr // rules that schemas have in common
	any     [MaxNesting + 1]*syntax.Expr
}

// pending is a rule that is to be defined.
type pending struct {
	rule syntax.RuleID
	list list
}

// Compile makes the program of a schema, with blanks before its values if blanks
// is set. Errors are an *ask.Fault that names the place, or ctx's.
func Compile(ctx context.Context, source []byte, blanks bool) (*syntax.Program, error) {
	g := new(syntax.Grammar)
	root, err := newBuilder(&work{ctx: ctx}, g).add("", source)
	if err != nil {
		return nil, err
	}
	g.Root = root
	if blanks {
		g.Root = behindBlanks(g, root)
	}
	p, err := syntax.Compile(ctx, g)
	e, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return p, err
	}
	b := builder{}
	if e.Rule == g.Root {
		return nil, b.invalid("", "no value of a finite length is valid: something that is required cannot be, or leads to itself")
	}
	return nil, b.unsupported("", "the schema cannot be generated: %s", e.What)
}

// add adds the rules of a schema, and returns the one that derives its values.
// name is for errors.
func (b *builder) add(name string, source []byte) (syntax.RuleID, error) {
	g := b.grammar
	b.named = name
	var err error
	if b.root, err = parse(source); err != nil {
		return 0, b.invalid("", "%s", err.Error())
	}
	begin, err := b.straight(located{b.root, ""})
	if err != nil {
		return 0, err
	}
	root := b.rule(list{begin})
	for len(b.todo) > 0 {
		next := b.todo[len(b.todo)-1]
		b.todo = b.todo[:len(b.todo)-1]
		body, err := b.value(next.list)
		if err != nil {
			return 0, err
		}
		if err := b.spend(next.list[0].pointer, 1); err != nil {
			return 0, err
		}
		g.Define(next.rule, body)
	}
	return root, nil
}

// Object makes the program of any JSON object, with blanks before it if blanks is
// set. The error is ctx's.
func Object(ctx context.Context, blanks bool) (*syntax.Program, error) {
	b := newBuilder(&work{ctx: ctx}, new(syntax.Grammar))
	g := b.grammar
	g.Root = g.Rule("object")
	g.Define(g.Root, b.anyObject(MaxNesting))
	if blanks {
		g.Root = behindBlanks(g, g.Root)
	}
	return syntax.Compile(ctx, g)
}

// behindBlanks makes a rule of a value behind the blanks that models write after
// a thought.
func behindBlanks(g *syntax.Grammar, value syntax.RuleID) syntax.RuleID {
	blank := syntax.Class(syntax.Range{Low: ' ', High: ' '}, syntax.Range{Low: '\n', High: '\n'})
	rule := g.Rule("text")
	g.Define(rule, syntax.Seq(syntax.Repeat(blank, 0, 2), syntax.Ref(value)))
	return rule
}

func newBuilder(w *work, g *syntax.Grammar) *builder {
	return &builder{work: w, grammar: g, rules: map[string]syntax.RuleID{}, shared: map[string]*syntax.Expr{}}
}

// rule returns the rule of schemas that apply together, which may be defined
// later.
func (b *builder) rule(l list) syntax.RuleID {
	var key strings.Builder
	for i, s := range l {
		if i > 0 {
			key.WriteByte('&')
		}
		key.WriteString("#" + s.pointer)
	}
	id, ok := b.rules[key.String()]
	if !ok {
		id = b.grammar.Rule(key.String())
		b.rules[key.String()] = id
		b.todo = append(b.todo, pending{id, l})
	}
	return id
}

// ref derives a value of schemas that apply together.
func (b *builder) ref(l list) *syntax.Expr {
	if len(l) == 0 {
		return b.anyValue(MaxNesting)
	}
	return syntax.Ref(b.rule(l))
}

// with returns the list and what it lacks of more.
func (l list) with(more ...located) list {
	out := l[:len(l):len(l)]
next:
	for _, m := range more {
		for _, have := range out {
			if have.pointer == m.pointer {
				continue next
			}
		}
		out = append(out, m)
	}
	return out
}

// share returns the rule of a name, made when it is asked for first.
func (b *builder) share(name string, make func() *syntax.Expr) *syntax.Expr {
	x, ok := b.shared[name]
	if !ok {
		x = b.grammar.Named(name, make())
		b.shared[name] = x
	}
	return x
}
