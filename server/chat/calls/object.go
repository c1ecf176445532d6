package calls

import (
	"encoding/json/jsontext"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// object is what was seen of a call in JSON, or of several:
//
//	{"name": n, "arguments": {…}}        also tool_name, parameters
//	[{…}, {…}]
//	{"function": {…}}                    also tool_call; and type, id beside it
//	{"tool_calls": [{…}]}
//
// Keys come in any order. Arguments behind their name are handed on as they
// come, others once the object ends.
type object struct {
	levels [objectLevels]level
	depth  int
	from   int // where a key or a value of interest begins, in the answer
	made   int // calls begun
}

// objectLevels is how deep calls may be wrapped.
const objectLevels = 6

// level is an object, or a list of objects, that is or holds a call.
type level struct {
	depth int // of the scanner within it
	list  bool
	role  role // of the value that comes
	name  string
	args  []byte // that came before the name, or as a string
	begun bool   // the call was told of
	child bool   // there was one within
}

type role uint8

const (
	noRole role = iota
	nameRole
	argumentsRole
	functionRole // a name, or an object with one
	callRole
	listRole
	typeRole
)

var roles = map[string]role{
	"name": nameRole, "tool_name": nameRole,
	"arguments": argumentsRole, "parameters": argumentsRole,
	"function": functionRole, "tool_call": callRole, "tool_calls": listRole,
	"type": typeRole, "id": typeRole, "tool_call_id": typeRole,
}

// stepCall finds out what a call is written in.
func (p *Parser) stepCall() bool {
	rest := p.in[p.pos:p.limit]
	blanks := leading(rest)
	if blanks == len(rest) || blanks > heldBlanks {
		return p.waitOrNoCall(blanks)
	}
	p.pos += blanks
	switch c := rest[blanks]; {
	case p.form.json && (c == '{' || c == '['):
		p.beginObject()
	case p.form.tagged != nil:
		p.state = inTagName
	case p.form.named != nil:
		p.state = inName
	default:
		p.noCall()
	}
	return true
}

// waitOrNoCall waits for more of what may be a call, of which held bytes are
// scanned.
func (p *Parser) waitOrNoCall(held int) bool {
	if !p.ended && held <= heldBlanks {
		return false
	}
	p.noCall()
	return true
}

func (p *Parser) beginObject() {
	p.state, p.object, p.scan = inObject, object{}, scanner{}
}

func (p *Parser) stepObject() bool {
	for p.pos < p.limit {
		c := p.in[p.pos]
		happened, ok := p.scan.step(c)
		if !ok || p.pos-p.at > heldCall || !p.took(happened, c) {
			p.leaveObject()
			return true
		}
		p.pos++
		if p.state != inObject {
			return true
		}
		if p.scan.whole() {
			p.at, p.state = p.pos, afterCall
			return true
		}
	}
	if p.ended {
		p.leaveObject()
	}
	return p.ended
}

// leaveObject goes on in the text, where this turned out to be no call, or
// behind the last one that was.
func (p *Parser) leaveObject() {
	if p.object.made == 0 {
		p.noCall()
		return
	}
	p.pos, p.state = p.at, afterCall
}

// took follows the structure. It reports false if this is no call.
func (p *Parser) took(happened happening, c byte) bool {
	o := &p.object
	if o.depth == 0 {
		o.levels[0] = level{depth: 1, list: c == '['}
		o.depth = 1
		return true
	}
	l := &o.levels[o.depth-1]
	switch here := p.scan.depth == l.depth; happened {
	case keyBegins:
		if here {
			o.from = p.base + p.pos
		}
	case keyEnds:
		if here {
			key, _ := p.unquoted()
			l.role = roles[key]
			return l.role != noRole || !p.strict || l.begun
		}
	case valueBegins:
		if container := c == '{' || c == '['; here && !container || container && p.scan.depth == l.depth+1 {
			return p.tookValue(l, c)
		}
	case stringEnds:
		if here {
			return p.tookString(l)
		}
	case containerEnd:
		if here && l.role == argumentsRole && !l.begun {
			l.args, _ = appendObject(nil, p.held(o.from))
		}
		if p.scan.depth < l.depth {
			return p.tookEnd(l)
		}
	}
	return true
}

// held returns the bytes from a place in the answer up to the one at hand.
func (p *Parser) held(from int) []byte { return p.in[from-p.base : p.pos+1] }

// unquoted returns the string that ends here.
func (p *Parser) unquoted() (string, bool) {
	text, err := jsontext.AppendUnquote(nil, escapedControls(p.held(p.object.from)))
	return string(text), err == nil
}

// tookValue takes the first byte of a value.
func (p *Parser) tookValue(l *level, c byte) bool {
	p.object.from = p.base + p.pos
	if l.list {
		return c == '{' && p.push(false)
	}
	if l.begun {
		l.role = noRole
	}
	switch l.role {
	case nameRole:
		return c == '"'
	case functionRole:
		return c == '"' || c == '{' && p.push(false)
	case callRole:
		return c == '{' && p.push(false)
	case listRole:
		return c == '[' && p.push(true)
	case argumentsRole:
		switch {
		case c == '{' && l.name != "":
			l.begun = true
			p.object.made++
			p.beginCall(l.name, "")
			p.beginArguments(true)
			p.pos-- // stepObject goes on by one, and the arguments begin here
		case c == 'n':
			l.args = []byte("{}")
		}
		return c == '{' || c == '"' || c == 'n'
	}
	return true
}

func (p *Parser) push(list bool) bool {
	o := &p.object
	if o.depth == objectLevels {
		return false
	}
	o.levels[o.depth] = level{depth: p.scan.depth, list: list}
	o.depth++
	return true
}

// tookString takes the end of a string.
func (p *Parser) tookString(l *level) bool {
	switch l.role {
	case nameRole, functionRole:
		name, ok := p.unquoted()
		l.name = name
		return ok && p.callable(name)
	case argumentsRole:
		text, ok := p.unquoted()
		if ok {
			l.args, ok = appendObject(nil, []byte(strings.TrimSpace(text)))
		}
		return ok
	}
	return true
}

// callable reports whether a call of that name is one.
func (p *Parser) callable(name string) bool {
	if name == "" || len(name) > heldName {
		return false
	}
	return !p.strict || p.tool(name) != nil
}

func (p *Parser) tool(name string) *ask.Tool {
	for i := range p.options.Tools {
		if p.options.Tools[i].Name == name {
			return &p.options.Tools[i]
		}
	}
	return nil
}

// tookEnd takes the end of a level.
func (p *Parser) tookEnd(l *level) bool {
	o := &p.object
	if !l.list && !l.begun {
		if l.name == "" && !l.child {
			return false
		}
		if l.name != "" {
			o.made++
			p.beginCall(l.name, "")
			if l.args == nil {
				l.args = []byte("{}")
			}
			p.tell(Call, l.args, p.pos+1)
			p.at = p.pos + 1
			p.endCall()
		}
	}
	made := l.begun || l.name != "" || l.child
	o.depth--
	if o.depth > 0 {
		o.levels[o.depth-1].child = o.levels[o.depth-1].child || made
	}
	if made && p.state == inObject {
		p.at = p.pos + 1
	}
	return made
}

// beginCall tells of a call, whose arguments follow.
func (p *Parser) beginCall(name, id string) {
	p.calls++
	if id == "" {
		id = p.options.ID(p.calls - 1)
	}
	at := len(p.out)
	p.told = append(p.told, span{
		kind: Call, from: at, to: at, call: p.calls - 1, first: true, id: id, name: name, end: p.base + p.pos,
	})
	p.at = p.pos
}

// endCall ends the answer if one call is all that is allowed.
func (p *Parser) endCall() {
	if p.options.OneCall {
		p.state = over
	}
}

// beginArguments hands on the object that begins at pos.
func (p *Parser) beginArguments(within bool) {
	p.state, p.within, p.args = inArguments, within, scanner{}
	p.at = p.pos
}

// stepArguments hands JSON on. What is no JSON ends it, so that an object comes
// out whole; the rest is text.
func (p *Parser) stepArguments() bool {
	from := len(p.out)
	for p.pos < p.limit {
		c := p.in[p.pos]
		text := p.args.inText()
		if _, ok := p.args.step(c); !ok {
			p.spoiled(from)
			return true
		}
		p.pos++
		if text && c < ' ' {
			p.out = appendEscaped(p.out, c)
		} else {
			p.out = append(p.out, c)
		}
		if p.args.whole() {
			p.told1(from)
			p.endArguments()
			return true
		}
	}
	if p.ended && !p.cut {
		p.out = p.args.appendRest(p.out)
	}
	p.told1(from)
	if p.ended {
		p.state = over
	}
	return false
}

// told1 makes a piece of out[from:], the arguments up to pos.
func (p *Parser) told1(from int) {
	p.at = p.pos
	if len(p.out) > from {
		p.span(Call, from, p.pos)
	}
}

// spoiled ends arguments that do not go on as JSON.
func (p *Parser) spoiled(from int) {
	p.out = p.args.appendRest(p.out)
	p.told1(from)
	p.state = afterCall
	p.endCall()
}

// endArguments goes on behind the arguments.
func (p *Parser) endArguments() {
	p.state = afterCall
	if p.within {
		p.state = inObject
		p.scan.step('}') // had seen their first byte alone
	}
	p.endCall()
}
