package gbnf

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// repeated reads how often x is repeated; nil if it says nothing of that.
func (p *parser) repeated(x *syntax.Expr) (*syntax.Expr, error) {
	switch p.peek() {
	case '*':
		p.at++
		return syntax.Repeat(x, 0, syntax.Unbounded), nil
	case '+':
		p.at++
		return syntax.Repeat(x, 1, syntax.Unbounded), nil
	case '?':
		p.at++
		return syntax.Repeat(x, 0, 1), nil
	case '{':
		return p.counted(x)
	}
	return nil, nil
}

// counted reads {m}, {m,} or {m,n}.
func (p *parser) counted(x *syntax.Expr) (*syntax.Expr, error) {
	at := p.at
	p.at++
	least, err := p.count()
	if err != nil {
		return nil, err
	}
	most := least
	if p.space(false); p.peek() == ',' {
		p.at++
		p.space(false)
		if most = syntax.Unbounded; p.peek() != '}' {
			if most, err = p.count(); err != nil {
				return nil, err
			}
		}
	}
	if p.space(false); p.peek() != '}' {
		return nil, p.wrong(p.at, "\"}\" is expected, not %s: repetitions are written {m}, {m,} or {m,n}", p.found())
	}
	p.at++
	if most != syntax.Unbounded && most < least {
		return nil, p.wrong(at, "at least %d and at most %d times: put the smaller number first", least, most)
	}
	return syntax.Repeat(x, least, most), nil
}

// count reads a number of times.
func (p *parser) count() (int, error) {
	p.space(false)
	at := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	n, err := strconv.Atoi(p.source[at:p.at])
	switch {
	case at == p.at:
		return 0, p.wrong(at, "a number is expected, not %s: repetitions are written {m}, {m,} or {m,n}", p.found())
	case err != nil || n > MaxRepeats:
		return 0, p.wrong(at, "%s repetitions are too many: at most %d, or {m,} without a bound", p.source[at:p.at], MaxRepeats)
	}
	return n, nil
}

// text reads a text in quotes.
func (p *parser) text() (*syntax.Expr, error) {
	at := p.at
	p.at++
	var out strings.Builder
	for p.peek() != '"' {
		if p.at >= len(p.source) || p.peek() == '\n' {
			return nil, p.wrong(at, "the text in quotes does not end: close it, and write \\n for the end of a line")
		}
		r, err := p.character()
		if err != nil {
			return nil, err
		}
		out.WriteRune(r)
	}
	p.at++
	return syntax.Text(out.String()), nil
}

// class reads a class of characters in brackets.
func (p *parser) class() (*syntax.Expr, error) {
	at := p.at
	p.at++
	except := p.peek() == '^'
	if except {
		p.at++
	}
	var ranges []syntax.Range
	for p.peek() != ']' {
		if p.at >= len(p.source) || p.peek() == '\n' {
			return nil, p.wrong(at, "the class does not end: close it with ], and write \\] for the character")
		}
		from := p.at
		low, err := p.character()
		if err != nil {
			return nil, err
		}
		high := low
		if p.peek() == '-' && p.at+1 < len(p.source) && p.source[p.at+1] != ']' {
			p.at++
			if high, err = p.character(); err != nil {
				return nil, err
			}
		}
		if high < low {
			return nil, p.wrong(from, "the range %q ends before it begins", p.source[from:p.at])
		}
		ranges = append(ranges, syntax.Range{Low: low, High: high})
	}
	p.at++
	if except {
		return syntax.Except(ranges...), nil
	}
	return syntax.Class(ranges...), nil
}

// escapes are the characters that stand for others after a backslash.
var escapes = map[byte]rune{
	'n': '\n', 'r': '\r', 't': '\t',
	'\\': '\\', '"': '"', '[': '[', ']': ']', '-': '-', '^': '^', '/': '/', '\'': '\'',
}

// character reads one, which may be escaped.
func (p *parser) character() (rune, error) {
	at := p.at
	if p.at >= len(p.source) {
		return 0, p.wrong(at, "a character is expected, not the end")
	}
	if p.source[p.at] != '\\' {
		r, size := utf8.DecodeRuneInString(p.source[p.at:])
		p.at += size
		return r, nil
	}
	p.at++
	kind := p.peek()
	if r, ok := escapes[kind]; ok {
		p.at++
		return r, nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[kind]
	if digits == 0 {
		return 0, p.wrong(at, "\\ and %s is no escape: they are \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\xHH \\uHHHH \\UHHHHHHHH", p.found())
	}
	p.at++
	end := min(p.at+digits, len(p.source))
	n, err := strconv.ParseUint(p.source[p.at:end], 16, 32)
	if err != nil || end != p.at+digits {
		return 0, p.wrong(at, "\\%c needs %d hexadecimal digits", kind, digits)
	}
	p.at = end
	if !utf8.ValidRune(rune(n)) || n > utf8.MaxRune {
		return 0, p.wrong(at, "U+%04X is no character", n)
	}
	return rune(n), nil
}

// namedToken reads a token's name in angle brackets.
func (p *parser) namedToken() (*syntax.Expr, error) {
	at := p.at
	n := strings.IndexAny(p.source[at:], ">\n")
	if n < 0 || p.source[at+n] == '\n' {
		return nil, p.wrong(at, "the token's name does not end: close it with >")
	}
	name := p.source[at : at+n+1]
	p.at += len(name)
	if p.token == nil {
		return nil, p.wrong(at, "tokens cannot be named here: write their text in quotes")
	}
	text, err := p.token(name)
	if err != nil {
		return nil, p.wrong(at, "%s: %s", ask.Clip(name, ask.QuotedBytes), err.Error())
	}
	return syntax.Text(text), nil
}
