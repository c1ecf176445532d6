package calls

import (
	"bytes"
	"encoding/json/jsontext"
	"strconv"
	"strings"
	"unicode/utf8"
)

// literal is arguments that are no JSON: Python's (a='x', b=[1, None]), or with
// quotes that are marks of their own, {a:<|"|>x<|"|>,b:[1]}. They are held until
// they are whole, and become JSON then.
type literal struct {
	quote string // around a text without escapes; "" for Python's quotes
}

// bracket is where the parser is in a literal.
type bracket struct {
	depth   int
	quote   byte // that the text at hand has; 'q' for the literal's own
	escaped bool
}

// stepLiteral looks for the end of arguments that begin at pos.
func (p *Parser) stepLiteral() bool {
	b, mark := &p.bracket, p.form.literal.quote
	for ; p.pos < p.limit; p.pos++ {
		if p.pos-p.at > heldCall {
			p.noCall()
			return true
		}
		c := p.in[p.pos]
		if mark != "" && c == mark[0] && (b.quote == 0 || b.quote == 'q') {
			yes, open := begins(p.in[p.pos:p.limit], mark)
			if open && !p.ended {
				return false
			}
			if yes {
				p.pos += len(mark) - 1
				b.quote ^= 'q'
			}
			continue
		}
		switch {
		case b.escaped:
			b.escaped = false
		case b.quote != 0:
			b.escaped = c == '\\' && b.quote != 'q'
			if c == b.quote && b.quote != 'q' {
				b.quote = 0
			}
		case mark == "" && (c == '\'' || c == '"'):
			b.quote = c
		case c == '{' || c == '[' || c == '(':
			b.depth++
		case c == '}' || c == ']' || c == ')':
			if b.depth--; b.depth == 0 {
				p.pos++
				p.endLiteral()
				return true
			}
		}
	}
	if p.ended {
		p.noCall()
	}
	return p.ended
}

// endLiteral makes a call of a literal that is whole.
func (p *Parser) endLiteral() {
	from := p.literalFrom - p.base
	object, ok := p.form.literal.append(nil, p.in[from:p.pos])
	if !ok {
		p.noCall()
		return
	}
	end := p.pos
	p.beginCall(p.name, "")
	p.tell(Call, object, end)
	p.name, p.at, p.state = "", end, afterCall
	p.endCall()
}

// append appends a literal as JSON, and reports whether it is one, of an object.
func (l *literal) append(dst, text []byte) (object []byte, ok bool) {
	var open []byte // the brackets around, as JSON closes them
	rest, key := text, false
	for first := true; ; first = false {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(rest) == 0 {
			return dst, false
		}
		c := rest[0]
		switch {
		case first && c != '{' && c != '(':
			return dst, false
		case c == '{' || c == '(' && first || c == '[':
			if key || len(open) == scanDepth {
				return dst, false
			}
			closes := byte('}')
			if c == '[' {
				closes = ']'
			}
			dst = append(dst, closes-2) // '{' and '[' are two before their ends
			open, rest, key = append(open, closes), rest[1:], closes == '}'
			if rest = bytes.TrimLeft(rest, " \t\r\n"); !bytes.ContainsAny(rest[:min(1, len(rest))], "}])") {
				continue
			}
		case key:
			if dst, rest, ok = l.appendKey(dst, rest); !ok {
				return dst, false
			}
			key = false
			continue
		default:
			if dst, rest, ok = l.appendValue(dst, rest); !ok {
				return dst, false
			}
		}
		// A value has ended: what follows it, and whatever that ends.
		for {
			rest = bytes.TrimLeft(rest, " \t\r\n")
			if len(rest) == 0 {
				return dst, false
			}
			c, last := rest[0], len(open)-1
			if c == ',' {
				dst, rest, key = append(dst, ", "...), rest[1:], open[last] == '}'
				break
			}
			if c != open[last] && !(c == ')' && last == 0) {
				return dst, false
			}
			dst, open, rest = append(dst, open[last]), open[:last], rest[1:]
			if last == 0 {
				return dst, len(rest) == 0
			}
		}
	}
}

// appendKey appends a key and the colon behind it.
func (l *literal) appendKey(dst, rest []byte) (out, after []byte, ok bool) {
	if !l.quotes(rest) {
		n := bytes.IndexAny(rest, ":=")
		if n <= 0 || bytes.ContainsAny(bytes.TrimSpace(rest[:n]), " \t\r\n,{}[]()\"'") {
			return dst, rest, false
		}
		dst, rest = appendQuoted(dst, string(bytes.TrimSpace(rest[:n]))), rest[n:]
	} else if dst, rest, ok = l.appendValue(dst, rest); !ok {
		return dst, rest, false
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' && rest[0] != '=' {
		return dst, rest, false
	}
	return append(dst, ": "...), rest[1:], true
}

// quotes reports whether a text begins with a quote.
func (l *literal) quotes(text []byte) bool {
	if l.quote != "" {
		return bytes.HasPrefix(text, []byte(l.quote))
	}
	return text[0] == '"' || text[0] == '\''
}

// appendValue appends a text, a number or a word.
func (l *literal) appendValue(dst, rest []byte) (out, after []byte, ok bool) {
	switch {
	case !l.quotes(rest):
		n := bytes.IndexAny(rest, " \t\r\n,{}[]():=\"'")
		if n < 0 {
			n = len(rest)
		}
		word := string(rest[:n])
		if p, python := pythons[word]; python {
			word = p
		}
		if v := jsontext.Value(word); n == 0 || !v.IsValid() {
			return dst, rest, false
		}
		return append(dst, word...), rest[n:], true
	case l.quote != "":
		text, after, ok := bytes.Cut(rest[len(l.quote):], []byte(l.quote))
		return appendQuoted(dst, string(text)), after, ok
	}
	text, n, ok := pythonText(rest)
	return appendQuoted(dst, text), rest[n:], ok
}

// pythonText returns the text that begins with a quote, and how long it was.
func pythonText(rest []byte) (text string, n int, ok bool) {
	var b strings.Builder
	quote := rest[0]
	for n = 1; n < len(rest); n++ {
		switch c := rest[n]; {
		case c == quote:
			return b.String(), n + 1, true
		case c != '\\':
			b.WriteByte(c)
		default:
			if n++; n == len(rest) {
				return "", n, false
			}
			n += appendPythonEscape(&b, rest[n:]) - 1
		}
	}
	return "", n, false
}

// appendPythonEscape appends what is behind a backslash, of which it returns the
// length. What is none is as it stands.
func appendPythonEscape(b *strings.Builder, rest []byte) (n int) {
	const names, meanings = "abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\""
	if at := strings.IndexByte(names, rest[0]); at >= 0 {
		b.WriteByte(meanings[at])
		return 1
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[rest[0]]
	if digits > 0 && len(rest) > digits {
		if r, err := strconv.ParseUint(string(rest[1:1+digits]), 16, 32); err == nil && r <= utf8.MaxRune {
			b.WriteRune(rune(r))
			return 1 + digits
		}
	}
	b.WriteByte('\\')
	b.WriteByte(rest[0])
	return 1
}
