package jinja

import (
	"slices"
	"strings"
)

// expression parses one expression.
func (p *parser) expression() expr {
	p.deeper()
	defer func() { p.depth-- }()
	e := p.or()
	for p.keyword("if") {
		c := &condition{test: p.or(), yes: e}
		if p.keyword("else") {
			c.no = p.expression()
		} else {
			c.missing = &Undefined{"the inline if was false and has no else"}
		}
		e = c
	}
	return e
}

// tuple parses expressions with commas between them as a tuple, one without as
// itself. plain leaves inline ifs out.
func (p *parser) tuple(plain bool) expr {
	one := p.expression
	if plain {
		one = func() expr {
			p.deeper()
			defer func() { p.depth-- }()
			return p.or()
		}
	}
	first := one()
	if !p.is(tokenOperator, ",") {
		return first
	}
	items := []expr{first}
	for p.operator(",") {
		if k := p.peek().kind; k == tokenPrintEnd || k == tokenStatementEnd || p.is(tokenOperator, ")") {
			break
		}
		items = append(items, one())
	}
	return &tupleExpr{items}
}

func (p *parser) or() expr {
	first := p.and()
	if !p.is(tokenName, "or") {
		return first
	}
	parts := []expr{first}
	for p.keyword("or") {
		parts = append(parts, p.and())
	}
	return &anyOf{parts}
}

func (p *parser) and() expr {
	first := p.not()
	if !p.is(tokenName, "and") {
		return first
	}
	parts := []expr{first}
	for p.keyword("and") {
		parts = append(parts, p.not())
	}
	return &allOf{parts}
}

func (p *parser) not() expr {
	if !p.keyword("not") {
		return p.comparison()
	}
	p.deeper()
	defer func() { p.depth-- }()
	return &notExpr{p.not()}
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) comparison() expr {
	first := p.sum()
	var rest []link
	for {
		operator := ""
		switch t := p.peek(); {
		case t.kind == tokenOperator && slices.Contains(comparisons, t.text), t.kind == tokenName && t.text == "in":
			operator = t.text
		case t.kind == tokenName && t.text == "not" && p.tokens[p.at+1].kind == tokenName && p.tokens[p.at+1].text == "in":
			p.take()
			operator = "not in"
		default:
			if rest == nil {
				return first
			}
			return &comparison{first, rest}
		}
		p.take()
		rest = append(rest, link{operator, p.sum()})
	}
}

// chain parses operands with some of the operators between them.
func (p *parser) chain(operand func() expr, operators ...string) expr {
	first := operand()
	var rest []link
	for p.peek().kind == tokenOperator && slices.Contains(operators, p.peek().text) {
		operator := p.take().text
		rest = append(rest, link{operator, operand()})
	}
	if rest == nil {
		return first
	}
	return &arithmetic{first, rest}
}

func (p *parser) sum() expr { return p.chain(p.concatenation, "+", "-") }

func (p *parser) concatenation() expr {
	first := p.product()
	if !p.is(tokenOperator, "~") {
		return first
	}
	parts := []expr{first}
	for p.operator("~") {
		parts = append(parts, p.product())
	}
	return &concatenation{parts}
}

func (p *parser) product() expr { return p.chain(p.power, "*", "/", "//", "%") }

func (p *parser) power() expr {
	return p.chain(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) expr {
	var base expr
	if p.is(tokenOperator, "-") || p.is(tokenOperator, "+") {
		negative := p.take().text == "-"
		p.deeper()
		base = &sign{negative, p.unary(false)}
		p.depth--
	} else {
		base = p.primary()
	}
	e := &path{base: base}
	p.postfix(e)
	if filters {
		p.filterSteps(e, false)
	}
	if len(e.steps) == 0 {
		return base
	}
	return e
}

func (p *parser) primary() expr {
	t := p.peek()
	switch t.kind {
	case tokenName:
		p.take()
		switch t.text {
		case "true", "True":
			return &constant{truthOf(true)}
		case "false", "False":
			return &constant{truthOf(false)}
		case "none", "None":
			return &constant{None(0)}
		}
		p.mention(t.text)
		return &name{t.text, &Undefined{"'" + t.text + "' is undefined"}}
	case tokenNumber:
		return &constant{p.take().value}
	case tokenString:
		var text strings.Builder
		for p.peek().kind == tokenString {
			text.WriteString(p.take().text)
		}
		return &constant{own(text.String())}
	case tokenOperator:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	p.unexpected("an expression")
	return nil
}

func (p *parser) parenthesis() expr {
	p.take()
	if p.operator(")") {
		return &tupleExpr{}
	}
	e := p.tuple(false)
	p.expectOperator(")")
	return e
}

func (p *parser) list() expr {
	p.take()
	l := &listExpr{}
	for !p.operator("]") {
		if len(l.items) > 0 {
			p.expectOperator(",")
			if p.operator("]") {
				break
			}
		}
		l.items = append(l.items, p.expression())
	}
	return l
}

func (p *parser) dict() expr {
	p.take()
	d := &dictExpr{}
	for !p.operator("}") {
		if len(d.keys) > 0 {
			p.expectOperator(",")
			if p.operator("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expectOperator(":")
		d.values = append(d.values, p.expression())
	}
	return d
}
