package jinja

import "slices"

// parser makes a tree of tokens.
type parser struct {
	limits *Limits
	tokens []token
	at     int
	line   int
	depth  int // of blocks and brackets
	loops  int // around, within the macro
	makers int // of closures, so far
	blocks map[string]bool
	// names are what macros around mention, innermost last.
	names []map[string]bool
}

func (p *parser) peek() *token { return &p.tokens[p.at] }

// take returns the next token and goes past it.
func (p *parser) take() *token {
	t := &p.tokens[p.at]
	p.line = t.line
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// is reports whether the next token is an operator or a keyword.
func (p *parser) is(k kind, text string) bool {
	t := p.peek()
	return t.kind == k && t.text == text
}

// skip goes past the next token if it is that.
func (p *parser) skip(k kind, text string) bool {
	ok := p.is(k, text)
	if ok {
		p.take()
	}
	return ok
}

func (p *parser) keyword(text string) bool  { return p.skip(tokenName, text) }
func (p *parser) operator(text string) bool { return p.skip(tokenOperator, text) }

func (p *parser) expectOperator(text string) {
	if !p.operator(text) {
		p.unexpected("'" + text + "'")
	}
}

func (p *parser) expectKeyword(text string) {
	if !p.keyword(text) {
		p.unexpected("'" + text + "'")
	}
}

func (p *parser) expectName() string {
	if p.peek().kind != tokenName {
		p.unexpected("a name")
	}
	return p.take().text
}

func (p *parser) unexpected(wanted string) {
	p.line = p.peek().line
	fail("expected %s, got %s", wanted, p.describe())
}

func (p *parser) describe() string {
	switch t := p.peek(); t.kind {
	case tokenEnd:
		return "the end of the template"
	case tokenPrintEnd:
		return "'}}'"
	case tokenStatementEnd:
		return "'%}'"
	case tokenString:
		return "a string"
	default:
		return "'" + t.text[:min(len(t.text), 40)] + "'"
	}
}

// deeper goes into a block or a bracket; the caller comes out by p.depth--.
func (p *parser) deeper() {
	if p.depth++; p.depth > p.limits.Nesting {
		fail("blocks or brackets are nested more than %d deep", p.limits.Nesting)
	}
}

// statements parses up to the end of the template or to one of the tags that
// end the block, whose name is left to be taken.
func (p *parser) statements(ends ...string) []node {
	var body []node
	begin := p.line
	for {
		switch t := p.take(); t.kind {
		case tokenEnd:
			if len(ends) > 0 {
				p.line = begin
				fail("the block that begins here does not end: there is no %s", ends[len(ends)-1])
			}
			return body
		case tokenText:
			body = append(body, &textNode{own(t.text)})
		case tokenPrint:
			n := &printNode{line: t.line, value: p.tuple(false)}
			if p.peek().kind != tokenPrintEnd {
				p.unexpected("the end of the tag")
			}
			p.take()
			body = append(body, n)
		case tokenStatement:
			if p.peek().kind == tokenName && slices.Contains(ends, p.peek().text) {
				return body
			}
			if n := p.statement(); n != nil {
				body = append(body, n)
			}
			p.endTag()
		}
	}
}

func (p *parser) endTag() {
	if p.peek().kind != tokenStatementEnd {
		p.unexpected("the end of the tag")
	}
	p.take()
}

// block parses the inside of a block: the end of its first tag, statements, and
// the name of the tag that ends them, which it returns.
func (p *parser) block(ends ...string) (body []node, end string) {
	p.operator(":")
	p.endTag()
	p.deeper()
	body = p.statements(ends...)
	p.depth--
	return body, p.take().text
}

func (p *parser) statement() node {
	p.line = p.peek().line
	line := p.line
	switch keyword := p.expectName(); keyword {
	case "for":
		return p.forStatement(line)
	case "if":
		return p.ifStatement(line)
	case "set":
		return p.setStatement(line)
	case "with":
		return p.withStatement(line)
	case "macro":
		p.makers++
		n := &macroNode{line: line, name: p.expectName()}
		p.parameters(n)
		p.macroBody(n, "endmacro")
		return n
	case "call":
		return p.callStatement(line)
	case "filter":
		n := &filterNode{line: line, filter: &path{}}
		p.filterSteps(n.filter, true)
		n.body, _ = p.block("endfilter")
		return n
	case "block":
		return p.blockStatement(line)
	case "print":
		return &printNode{line: line, value: p.tuple(false)}
	case "generation":
		n := &groupNode{}
		n.body, _ = p.block("endgeneration")
		return n
	case "break", "continue":
		if p.loops == 0 {
			fail("%s outside a loop", keyword)
		}
		if keyword == "break" {
			return &flowNode{breakLoop}
		}
		return &flowNode{continueLoop}
	case "include", "import", "from", "extends", "autoescape", "endautoescape":
		for p.peek().kind != tokenStatementEnd && p.peek().kind != tokenEnd {
			p.take()
		}
		return &refuseNode{line, keyword}
	default:
		fail("unknown or misplaced tag %.40q", keyword)
		return nil
	}
}

func (p *parser) forStatement(line int) node {
	p.loops++
	n := &forNode{line: line, target: p.target()}
	p.loops--
	p.expectKeyword("in")
	n.over = p.tuple(true)
	if p.keyword("if") {
		n.test = p.expression()
	}
	n.recursive = p.keyword("recursive")
	makers := p.makers
	p.loops++
	body, end := p.block("else", "endfor")
	p.loops--
	n.body, n.keeps = body, p.makers != makers
	if end == "else" {
		n.otherwise, _ = p.block("endfor")
	}
	return n
}

func (p *parser) ifStatement(line int) node {
	n := &ifNode{line: line}
	for {
		n.tests = append(n.tests, p.tuple(true))
		body, end := p.block("elif", "else", "endif")
		n.branches = append(n.branches, body)
		switch end {
		case "elif":
			continue
		case "else":
			body, _ = p.block("endif")
			n.branches = append(n.branches, body)
		default:
			n.branches = append(n.branches, nil)
		}
		return n
	}
}

func (p *parser) setStatement(line int) node {
	target := p.setTarget()
	if p.operator("=") {
		return &setNode{line: line, target: target, value: p.tuple(false)}
	}
	n := &setBlockNode{line: line, target: target}
	if p.is(tokenOperator, "|") {
		n.filter = &path{}
		p.filterSteps(n.filter, false)
	}
	n.body, _ = p.block("endset")
	return n
}

func (p *parser) withStatement(line int) node {
	n := &withNode{line: line}
	for p.peek().kind != tokenStatementEnd {
		if len(n.targets) > 0 {
			p.expectOperator(",")
		}
		n.targets = append(n.targets, p.target())
		p.expectOperator("=")
		n.values = append(n.values, p.expression())
	}
	n.body, _ = p.block("endwith")
	return n
}

// macroBody parses the body of a macro or a call block.
func (p *parser) macroBody(n *macroNode, end string) {
	names := map[string]bool{}
	p.names = append(p.names, names)
	loops := p.loops
	p.loops = 0
	n.body, _ = p.block(end)
	p.loops = loops
	p.names = p.names[:len(p.names)-1]
	n.varargs, n.kwargs, n.caller = names["varargs"], names["kwargs"], names["caller"]
}

func (p *parser) parameters(n *macroNode) {
	p.expectOperator("(")
	for !p.is(tokenOperator, ")") {
		if len(n.params) > 0 {
			p.expectOperator(",")
		}
		param := p.expectName()
		if slices.Contains(n.params, param) {
			fail("the parameter %.40q stands twice", param)
		}
		if p.operator("=") {
			n.defaults = append(n.defaults, p.expression())
		} else if len(n.defaults) > 0 {
			fail("a parameter without default follows one with a default")
		}
		n.params = append(n.params, param)
	}
	p.expectOperator(")")
}

func (p *parser) callStatement(line int) node {
	p.makers++
	caller := &macroNode{line: line, name: "caller"}
	if p.is(tokenOperator, "(") {
		p.parameters(caller)
	}
	call, ok := p.expression().(*path)
	if ok {
		switch call.steps[len(call.steps)-1].(type) {
		case *callStep, *methodStep:
		default:
			ok = false
		}
	}
	if !ok {
		fail("a call block needs a call")
	}
	p.macroBody(caller, "endcall")
	return &callNode{line: line, caller: caller, call: call}
}

func (p *parser) blockStatement(line int) node {
	n := &blockNode{line: line, name: p.expectName()}
	n.scoped = p.keyword("scoped")
	p.keyword("required")
	if p.blocks[n.name] {
		fail("block %.40q stands twice", n.name)
	}
	p.blocks[n.name] = true
	loops := p.loops
	p.loops = 0
	n.body, _ = p.block("endblock")
	p.loops = loops
	p.keyword(n.name)
	return n
}
