package calls

import (
	"bytes"
	"encoding/json/jsontext"
	"strings"
)

// tags is where the parser is in a call in tags.
type tags struct {
	key   string
	some  bool  // an argument was told
	of    types // of the value
	text  bool  // the value is a string, and its first quote is told
	begun bool  // the value is: the line end before it is gone
}

// stepTags goes on in a call in tags.
func (p *Parser) stepTags() bool {
	switch p.state {
	case inTagName:
		return p.stepTagName()
	case atTag:
		return p.stepTag()
	case inKey:
		return p.stepKey()
	case atValue:
		return p.stepToValue()
	}
	return p.stepValue()
}

// stepTagName reads the name, from when on this is a call.
func (p *Parser) stepTagName() bool {
	t := p.form.tagged
	rest := p.in[p.pos:p.limit]
	yes, open := begins(rest, t.call)
	if open && !p.ended {
		return false
	}
	if !yes {
		p.noCall()
		return true
	}
	rest = rest[len(t.call):]
	at, end, open := earliest(rest, t.nameEnds, p.ended)
	if at > heldName || p.ended && end == "" {
		p.noCall()
		return true
	}
	if open || end == "" {
		return false
	}
	name := strings.TrimSpace(string(rest[:at]))
	if t.nameQuote {
		name = unquotedName(name)
	}
	if !p.callable(name) || strings.ContainsAny(name, " \t\r\n<>{}\"") {
		p.noCall()
		return true
	}
	p.pos += len(t.call) + at
	if end == t.nameEnds[0] {
		p.pos += len(end)
	}
	p.beginCall(name, "")
	p.name, p.tags, p.state = name, tags{}, atTag
	p.tell(Call, []byte("{"), p.pos)
	return true
}

// unquotedName returns name in: "name", or what is before the quote's end.
func unquotedName(text string) string {
	text = strings.TrimPrefix(text, `"`)
	name, _, _ := strings.Cut(text, `"`)
	return name
}

// closeTags ends the arguments.
func (p *Parser) closeTags() {
	p.tell(Call, []byte("}"), p.at)
	p.name, p.state = "", afterCall
	p.endCall()
}

// stepTag looks at what comes between arguments.
func (p *Parser) stepTag() bool {
	t := p.form.tagged
	rest := p.in[p.at:p.limit]
	blanks := leading(rest)
	known, waits := p.tagAt(rest[blanks:])
	if waits && blanks <= heldBlanks {
		if p.ended {
			return p.endTags()
		}
		return false
	}
	if known && blanks <= heldBlanks {
		if key, _ := begins(rest[blanks:], t.key); key {
			p.at += blanks + len(t.key)
			p.state = inKey
			return true
		}
		if end, _ := begins(rest[blanks:], t.end); end {
			p.at += blanks + len(t.end)
		}
	}
	p.closeTags() // what comes is a mark around the call, or text
	return true
}

// tagAt reports whether a text begins with what may follow an argument, and
// whether more of it must be seen.
func (p *Parser) tagAt(text []byte) (known, waits bool) {
	t := p.form.tagged
	for _, tag := range append([]string{t.key, t.end}, p.form.closes...) {
		if tag == "" {
			continue
		}
		yes, open := begins(text, tag)
		known = known || yes
		waits = waits || open
	}
	return known, waits && !known
}

// endTags ends a call that the answer ends within.
func (p *Parser) endTags() bool {
	p.at = p.limit
	if p.cut {
		p.state = over
		return false
	}
	p.closeTags()
	p.state = over
	return false
}

// schemasOf returns the schemas of a tool's arguments, which are read once.
func (p *Parser) schemasOf(name string) map[string]jsontext.Value {
	all, ok := p.schemas[name]
	if !ok {
		if tool := p.tool(name); tool != nil && tool.Parameters != nil {
			all = arguments(tool.Parameters)
		}
		if p.schemas == nil {
			p.schemas = map[string]map[string]jsontext.Value{}
		}
		p.schemas[name] = all
	}
	return all
}

func (p *Parser) stepKey() bool {
	t := p.form.tagged
	rest := p.in[p.at:p.limit]
	at, open := indexOf(rest, t.keyEnd, p.ended)
	if at > heldName {
		p.closeTags()
		return true
	}
	if at == len(rest) || open {
		if p.ended {
			return p.endTags()
		}
		return false
	}
	key := string(bytes.TrimSpace(rest[:at]))
	text := key
	if t.nameQuote {
		key = unquotedName(key)
	}
	p.tags = tags{some: p.tags.some}
	p.tags.of = argumentTypes(p.schemasOf(p.name)[key])
	switch {
	case !t.nameQuote:
	case strings.Contains(text, ` string="true"`), strings.Contains(text, ` type="string"`):
		p.tags.of = stringType
	case strings.Contains(text, ` string="false"`), strings.Contains(text, ` type="`):
		p.tags.of &^= stringType
	}
	p.tags.key = key
	p.at += at + len(t.keyEnd)
	p.state = inValue
	if t.value != "" {
		p.state = atValue
	}
	return true
}

// stepToValue looks for the tag before a value.
func (p *Parser) stepToValue() bool {
	rest := p.in[p.at:p.limit]
	blanks := leading(rest)
	yes, open := begins(rest[blanks:], p.form.tagged.value)
	switch {
	case yes && blanks <= heldBlanks:
		p.at += blanks + len(p.form.tagged.value)
		p.state = inValue
	case open && p.ended:
		return p.endTags()
	case open && blanks <= heldBlanks:
		return false
	default:
		p.closeTags()
	}
	return true
}

// stepValue reads a value: a string is handed on as it comes, what may be
// something else is held until its end.
func (p *Parser) stepValue() bool {
	t := p.form.tagged
	rest := p.in[p.at:p.limit]
	if !p.tags.begun {
		if len(rest) == 0 && !p.ended {
			return false
		}
		if t.lines && len(rest) > 0 && rest[0] == '\n' {
			p.at++
			rest = rest[1:]
		}
		p.tags.begun = true
		p.pos = p.at
		if p.tags.of == stringType {
			p.beginText()
		}
	}
	at, closed, waits := p.valueEnd(rest)
	value := rest[:at]
	if t.lines && len(value) > 0 && value[len(value)-1] == '\n' && (closed || waits || !p.ended) {
		value = value[:len(value)-1]
	}
	if !p.tags.text && (len(value) > heldValue || !closed && p.ended && p.cut) {
		p.beginText()
	}
	if p.tags.text {
		p.tellValue(value)
		p.at += len(value)
	}
	switch {
	case closed || p.ended && !p.cut:
		from := len(p.out)
		if p.tags.text {
			p.out = append(p.out, '"')
		} else {
			p.out = appendValue(p.appendKey(p.out), value, p.tags.of)
		}
		p.tags.some = true
		if !closed {
			p.at = p.limit
			p.span(Call, from, p.at)
			return p.endTags()
		}
		p.at = p.limit - len(rest) + at + len(t.valueEnd)
		p.span(Call, from, p.at)
		p.state = atTag
		return true
	case p.ended:
		return p.endTags()
	}
	return false
}

// valueEnd looks for the tag that ends a value: one that is not followed by what
// may follow a value is a part of it. Without one, at is how much of rest is
// the value's for sure.
func (p *Parser) valueEnd(rest []byte) (at int, closed, waits bool) {
	end := p.form.tagged.valueEnd
	from := max(0, p.pos-p.at) // was looked at before
	for {
		i, open := indexOf(rest[from:], end, p.ended)
		at = from + i
		if open || at == len(rest) {
			p.pos = p.at + at
			return at, false, open
		}
		after := rest[at+len(end):]
		blanks := leading(after)
		known, waits := p.tagAt(after[blanks:])
		if known && blanks <= heldBlanks || waits && p.ended {
			return at, true, false
		}
		if waits && blanks <= heldBlanks {
			p.pos = p.at + at
			return at, false, true
		}
		from = at + 1
	}
}

// beginText begins a value that is a string.
func (p *Parser) beginText() {
	from := len(p.out)
	p.out = append(p.appendKey(p.out), '"')
	p.span(Call, from, p.at)
	p.tags.text = true
}

// appendKey appends what is before a value.
func (p *Parser) appendKey(dst []byte) []byte {
	if p.tags.some {
		dst = append(dst, ", "...)
	}
	dst = append(dst, '"')
	for _, c := range []byte(p.tags.key) {
		dst = appendEscaped(dst, c)
	}
	return append(dst, `": `...)
}

func (p *Parser) tellValue(value []byte) {
	if len(value) == 0 {
		return
	}
	from := len(p.out)
	for _, c := range value {
		p.out = appendEscaped(p.out, c)
	}
	p.span(Call, from, p.at+len(value))
}
