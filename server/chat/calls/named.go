package calls

import (
	"bytes"
	"crypto/rand"
	"strings"
)

// stepName looks for the end of a name that stands before its arguments.
func (p *Parser) stepName() bool {
	n := p.form.named
	rest := p.in[p.pos:p.limit]
	at, end, open := earliest(rest, n.ends, p.ended)
	if end == "" && (at > heldName || p.ended) || at > heldName || bytes.ContainsAny(bytes.TrimSpace(rest[:at]), "\n\"{}") {
		p.noCall()
		return true
	}
	if open || end == "" {
		return false
	}
	text := string(bytes.TrimSpace(rest[:at]))
	if n.prefix != "" && p.name == "" {
		bare, ok := strings.CutPrefix(text, n.prefix)
		if !ok && !p.more {
			p.noCall()
			return true
		}
		text = strings.TrimSpace(bare)
	}
	p.pos += at + len(end)
	if n.speech != "" {
		p.strict = true
		if text == n.speech {
			p.at, p.state, p.fresh = p.pos, inText, false
			return true
		}
	}
	switch {
	case end == "[CALL_ID]" && p.name == "":
		p.name = text
		return true
	case p.name != "":
		p.id = text
	default:
		p.name = text
	}
	if end == "{" || end == "(" {
		p.pos--
	}
	p.kind, p.state = n.kind, atArguments
	return true
}

// earliest returns where the first of some texts is, and which; open, that it
// may be there, once there is more.
func earliest(text []byte, what []string, ended bool) (at int, found string, open bool) {
	at = len(text)
	for _, w := range what {
		if i, waits := indexOf(text[:min(len(text), at+len(w))], w, ended); i < at {
			at, found, open = i, w, waits
		}
	}
	if open {
		found = ""
	}
	return at, found, open
}

// stepToArguments passes over what is between a name and its arguments.
func (p *Parser) stepToArguments() bool {
	rest := p.in[p.pos:p.limit]
	blanks := leading(rest)
	if blanks == len(rest) || blanks > heldBlanks {
		return p.waitOrNoName(blanks)
	}
	rest = rest[blanks:]
	if p.kind && rest[0] != '{' { // what was the name is its kind
		line := bytes.IndexByte(rest, '\n')
		if line < 0 || line > heldName {
			return p.waitOrNoName(len(rest))
		}
		p.name, p.kind = string(bytes.TrimSpace(rest[:line])), false
		p.pos += blanks + line
		return true
	}
	for _, fence := range []string{"```json", "```"} {
		switch yes, open := begins(rest, fence); {
		case yes:
			p.pos += blanks + len(fence)
			return true
		case open && !p.ended:
			return false
		}
	}
	name, id := p.name, p.id
	p.name, p.id = "", ""
	if p.form.ids == headerID {
		name, id = functionName(name), name
	}
	if p.form.literal != nil && (rest[0] == '{' || rest[0] == '(') && p.callable(name) {
		p.pos += blanks
		p.name, p.bracket, p.literalFrom, p.state = name, bracket{}, p.base+p.pos, inLiteral
		return true
	}
	if rest[0] != '{' || !p.callable(name) || strings.ContainsAny(name, " \n<>") {
		p.noCall()
		return true
	}
	p.pos += blanks
	p.beginCall(name, id)
	p.beginArguments(false)
	return true
}

func (p *Parser) waitOrNoName(held int) bool {
	if !p.ended && held <= heldName {
		return false
	}
	p.name, p.id = "", ""
	p.noCall()
	return true
}

// functionName returns the name in "functions.name:3".
func functionName(header string) string {
	name := strings.TrimPrefix(header, "functions.")
	if at := strings.LastIndexByte(name, ':'); at > 0 {
		name = name[:at]
	}
	return name
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID returns an identity as the form's template takes it.
func (f *Form) newID(int) string {
	text := rand.Text() // base 32
	if f.ids == nineID {
		return text[:9]
	}
	return "call_" + text[:24]
}
