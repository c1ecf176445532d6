package gbnf

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

const (
	// MaxDepth is how deep groups nest.
	MaxDepth = 64
	// MaxRepeats is the greatest count of a repetition.
	MaxRepeats = 1 << 20
	// maxAgain is how often a repetition is repeated, as in a*+?.
	maxAgain = 4
	// rootName is the rule that derives the text.
	rootName = "root"
)

// Names are what a grammar may refer to without defining it. The zero value has
// none.
type Names struct {
	// Grammar has Rules, which are known by these names.
	Grammar *syntax.Grammar
	Rules   map[string]syntax.RuleID
	// Token returns the bytes that stand for a token, which is named with its
	// brackets, or what is wrong with it. nil knows none.
	Token func(name string) (string, error)
}

// Compile makes a program of source. Errors are an *ask.Fault that says where, or
// ctx's.
func Compile(ctx context.Context, source string, names Names) (*syntax.Program, error) {
	g := names.Grammar
	if g == nil {
		g = new(syntax.Grammar)
	}
	p := &parser{source: source, grammar: g, rules: map[string]*rule{}, token: names.Token}
	if err := p.grammarOf(ctx, names.Rules); err != nil {
		return nil, err
	}
	program, err := syntax.Compile(ctx, g)
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		if r, ok := p.rules[g.Name(e.Rule)]; ok && r.id == e.Rule && r.defined >= 0 {
			return nil, p.wrong(r.defined, "%s", e.What)
		}
		return nil, ask.Invalid(param, e.What)
	}
	return program, err
}

// grammarOf reads all rules.
func (p *parser) grammarOf(ctx context.Context, given map[string]syntax.RuleID) error {
	source, g := p.source, p.grammar
	for name, id := range given {
		p.rules[name] = &rule{id: id, at: -1, defined: -1}
	}
	if !utf8.ValidString(source) {
		return ask.Invalid(param, "it is not UTF-8: encode it so")
	}
	for n := 0; p.space(true); n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := p.rule(); err != nil {
			return err
		}
	}
	root, ok := p.rules[rootName]
	if !ok || !g.Defined(root.id) {
		return ask.Invalid(param, "it has no rule \"root\": define what the text is, as root ::= …")
	}
	g.Root = root.id
	for _, name := range p.order {
		if r := p.rules[name]; !g.Defined(r.id) {
			return p.wrong(r.at, "the rule %q is not defined: define it, as %s ::= …", name, name)
		}
	}
	return nil
}

const param = "grammar"

// rule is one that was named.
type rule struct {
	id      syntax.RuleID
	at      int // where it was named first
	defined int // where it was defined
}

// parser reads a grammar from its begin to its end.
type parser struct {
	source  string
	at      int
	grammar *syntax.Grammar
	rules   map[string]*rule
	order   []string // in which they were named
	depth   int      // of groups
	token   func(name string) (string, error)
}

// wrong is a fault at a place of the source.
func (p *parser) wrong(at int, format string, args ...any) error {
	before := p.source[:min(at, len(p.source))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return ask.Invalid(param, fmt.Sprintf("line %d, column %d: ", line, column)+ask.Clip(fmt.Sprintf(format, args...), 2*ask.QuotedBytes))
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.source) {
		return p.source[p.at]
	}
	return 0
}

// found describes what is next, for an error.
func (p *parser) found() string {
	if p.at >= len(p.source) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.source[p.at:])
	return strconv.QuoteRune(r)
}

// space skips blanks and comments, and ends of lines if they count as such. It
// reports whether anything is left.
func (p *parser) space(lines bool) bool {
	for ; p.at < len(p.source); p.at++ {
		switch p.source[p.at] {
		case ' ', '\t':
		case '\r', '\n':
			if !lines {
				return true
			}
		case '#':
			for p.at+1 < len(p.source) && p.source[p.at+1] != '\n' {
				p.at++
			}
		default:
			return true
		}
	}
	return false
}

// name reads a rule's name, "" if there is none.
func (p *parser) name() string {
	begin := p.at
	for p.at < len(p.source) && isNameByte(p.source[p.at]) {
		p.at++
	}
	return p.source[begin:p.at]
}

func isNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_'
}

// named returns the rule of a name, a new one if need be.
func (p *parser) named(name string, at int) *rule {
	r, ok := p.rules[name]
	if !ok {
		r = &rule{id: p.grammar.Rule(name), at: at, defined: -1}
		p.rules[name] = r
		p.order = append(p.order, name)
	}
	return r
}

// rule reads one definition.
func (p *parser) rule() error {
	at := p.at
	name := p.name()
	if name == "" {
		return p.wrong(at, "a rule's name is expected, not %s: rules are written name ::= …", p.found())
	}
	p.space(false)
	if !strings.HasPrefix(p.source[p.at:], "::=") {
		return p.wrong(p.at, "::= is expected after the name %q, not %s", name, p.found())
	}
	p.at += len("::=")
	r := p.named(name, at)
	if p.grammar.Rules() > syntax.MaxRules {
		return p.wrong(at, "more than %d rules: use fewer", syntax.MaxRules)
	}
	if r.at < 0 || p.grammar.Defined(r.id) {
		return p.wrong(at, "the rule %q is defined twice: give one another name", name)
	}
	r.defined = at
	p.space(true)
	body, err := p.choice()
	if err != nil {
		return err
	}
	if p.at < len(p.source) && p.peek() != '\n' && p.peek() != '\r' {
		return p.wrong(p.at, "the end of the rule %q is expected, not %s", name, p.found())
	}
	p.grammar.Define(r.id, body)
	return nil
}

// choice reads alternatives, up to what cannot be part of them. Within a group
// the ends of lines do not count.
func (p *parser) choice() (*syntax.Expr, error) {
	var parts []*syntax.Expr
	for {
		part, err := p.sequence()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		end := p.at
		if p.space(true); p.peek() != '|' {
			if p.depth == 0 {
				p.at = end
			}
			return syntax.Choice(parts...), nil
		}
		p.at++
		p.space(true)
	}
}

// sequence reads what follows one another.
func (p *parser) sequence() (*syntax.Expr, error) {
	var parts []*syntax.Expr
	for {
		part, err := p.item()
		if err != nil {
			return nil, err
		}
		if part == nil {
			return syntax.Seq(parts...), nil
		}
		for n := 0; p.space(p.depth > 0); n++ {
			repeated, err := p.repeated(part)
			if err != nil {
				return nil, err
			}
			if repeated == nil {
				break
			}
			if n == maxAgain {
				return nil, p.wrong(p.at, "it is repeated and repeated again, more than %d times: once is enough", maxAgain)
			}
			part = repeated
		}
		parts = append(parts, part)
	}
}

// item reads a text, a class, a rule's name or a group; nil if there is none.
func (p *parser) item() (*syntax.Expr, error) {
	at := p.at
	switch b := p.peek(); {
	case b == '"':
		return p.text()
	case b == '[':
		return p.class()
	case b == '.':
		p.at++
		return syntax.Any(), nil
	case b == '(':
		if p.depth == MaxDepth {
			return nil, p.wrong(at, "groups nest more than %d deep: make rules of them", MaxDepth)
		}
		p.at++
		p.depth++
		p.space(true)
		inner, err := p.choice()
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.wrong(p.at, "\")\" is expected, not %s: the group began with %q", p.found(), ask.Clip(p.source[at:], 24))
		}
		p.at++
		p.depth--
		return inner, nil
	case b == '<':
		return p.namedToken()
	case b == '!':
		return nil, p.wrong(at, "all tokens but one cannot be named: use a class of characters, as [^x]")
	case isNameByte(b):
		return syntax.Ref(p.named(p.name(), at).id), nil
	}
	return nil, nil
}
