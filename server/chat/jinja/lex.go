package jinja

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind tells tokens apart.
type kind uint8

const (
	tokenEnd          kind = iota // of the template
	tokenText                     // between tags
	tokenPrint                    // {{
	tokenPrintEnd                 // }}
	tokenStatement                // {%
	tokenStatementEnd             // %}
	tokenName                     //
	tokenString                   //
	tokenNumber                   //
	tokenOperator                 //
)

// token is a part of a template. text is a string's value, else its source.
type token struct {
	kind  kind
	line  int
	text  string
	value Value // of a number
}

// lexer cuts a template into tokens as jinja2 does with trim_blocks and
// lstrip_blocks, one line break at the end dropped.
type lexer struct {
	source string
	at     int
	line   int // where at is
	tokens []token
	// startsLine is set if the last tag, with what it took after it, ended in
	// a line break.
	startsLine bool
}

// lex returns a template's tokens. line is kept at where it works.
func lex(source string, line *int) []token {
	source = strings.ToValidUTF8(source, "\ufffd")
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	l := &lexer{source: strings.TrimSuffix(source, "\n"), line: 1, startsLine: true}
	defer func() { *line = l.line }()
	for l.at < len(l.source) {
		l.next()
	}
	l.add(tokenEnd, "")
	return l.tokens
}

func (l *lexer) add(k kind, text string) {
	l.tokens = append(l.tokens, token{kind: k, line: l.line, text: text})
}

// advance moves on by n bytes.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.source[l.at:l.at+n], "\n")
	l.at += n
}

func (l *lexer) rest() string { return l.source[l.at:] }

// next reads the text up to a tag, and the tag.
func (l *lexer) next() {
	rest := l.rest()
	open := strings.IndexByte(rest, '{')
	for open >= 0 && (open+1 == len(rest) || !strings.ContainsRune("{%#", rune(rest[open+1]))) {
		more := strings.IndexByte(rest[open+1:], '{')
		if more < 0 {
			open = -1
			break
		}
		open += 1 + more
	}
	if open < 0 {
		l.text(rest)
		l.advance(len(rest))
		return
	}
	text, tag := rest[:open], rest[open+1]
	mark := byte(0)
	if after := rest[open+2:]; after != "" && (after[0] == '-' || after[0] == '+') {
		mark = after[0]
	}
	l.text(l.trimmed(text, mark, tag != '{'))
	l.advance(open + 2)
	if mark != 0 {
		l.advance(1)
	}
	switch {
	case tag == '#':
		l.comment()
	case tag == '{':
		l.add(tokenPrint, "")
		l.tag(tokenPrintEnd, "}}")
	case l.raw():
	default:
		l.add(tokenStatement, "")
		l.tag(tokenStatementEnd, "%}")
	}
}

func (l *lexer) text(text string) {
	if text != "" {
		l.add(tokenText, text)
	}
}

// trimmed takes off text what the tag after it takes: all white space for '-',
// and for statements and comments that begin a line their indentation.
func (l *lexer) trimmed(text string, mark byte, strips bool) string {
	switch {
	case mark == '-':
		return strings.TrimRightFunc(text, isSpace)
	case mark == '+' || !strips:
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || l.startsLine) && strings.TrimFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

// ends reports whether the closing delimiter stands here, and goes past it and
// what it takes.
func (l *lexer) ends(delimiter string) bool {
	rest := l.rest()
	size, all := 0, false
	switch {
	case strings.HasPrefix(rest, "-"+delimiter):
		size, all = 1+len(delimiter), true
	case delimiter != "}}" && strings.HasPrefix(rest, "+"+delimiter):
		size = 1 + len(delimiter)
	case strings.HasPrefix(rest, delimiter):
		size = len(delimiter)
		if delimiter != "}}" && strings.HasPrefix(rest[size:], "\n") {
			size++
		}
	default:
		return false
	}
	if all {
		size = len(rest) - len(strings.TrimLeftFunc(rest[size:], isSpace))
	}
	l.startsLine = rest[size-1] == '\n'
	l.advance(size)
	return true
}

func (l *lexer) comment() {
	from := l.line
	for {
		end := strings.Index(l.rest(), "#}")
		if end < 0 {
			l.line = from
			fail("the comment does not end")
		}
		if end > 0 && strings.ContainsRune("-+", rune(l.rest()[end-1])) {
			end--
		}
		l.advance(end)
		if l.ends("#}") {
			return
		}
	}
}

var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*-?%\}`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*[-+]?%\}`)
)

// raw reads a raw block, if one begins here, after its "{%".
func (l *lexer) raw() bool {
	open := rawBegin.FindString(l.rest())
	if open == "" {
		return false
	}
	l.advance(len(open))
	if open[len(open)-3] == '-' { // the one tag that takes no line break by itself
		l.space()
	}
	l.startsLine = l.source[l.at-1] == '\n'
	rest := l.rest()
	end := rawEnd.FindStringSubmatchIndex(rest)
	if end == nil {
		fail("the raw block does not end")
	}
	mark := byte(0)
	if end[2] < end[3] {
		mark = rest[end[2]]
	}
	l.text(l.trimmed(rest[:end[0]], mark, true))
	closes := end[1] - len("%}")
	if strings.ContainsRune("-+", rune(rest[closes-1])) {
		closes--
	}
	l.advance(closes)
	return l.ends("%}")
}

// space goes past white space.
func (l *lexer) space() {
	l.advance(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
}

// tag reads the inside of a tag up to its end. Delimiters within brackets end
// nothing.
func (l *lexer) tag(end kind, delimiter string) {
	from := l.line
	var open []byte
	for {
		l.space()
		rest, line := l.rest(), l.line
		if rest == "" {
			l.line = from
			fail("the tag does not end")
		}
		if len(open) == 0 && l.ends(delimiter) {
			l.tokens = append(l.tokens, token{kind: end, line: line})
			return
		}
		switch c, _ := utf8.DecodeRuneInString(rest); {
		case c >= '0' && c <= '9':
			l.number()
		case isName(c):
			n := strings.IndexFunc(rest, func(c rune) bool { return !isName(c) })
			if n < 0 {
				n = len(rest)
			}
			l.add(tokenName, rest[:n])
			l.advance(n)
		case c == '\'' || c == '"':
			l.string()
		default:
			open = l.operator(open)
		}
	}
}

var operators = []string{"//", "**", "==", "!=", ">=", "<="}

const brackets = "([{)]}"

func (l *lexer) operator(open []byte) []byte {
	rest := l.rest()
	text := rest[:1]
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			text = o
		}
	}
	if !strings.Contains("+-/*%~[](){}><=.:|,;", text) && len(text) == 1 {
		c, _ := utf8.DecodeRuneInString(rest)
		fail("unexpected character %q", c)
	}
	switch at := strings.IndexByte(brackets, text[0]); {
	case at >= 3:
		if len(open) == 0 || open[len(open)-1] != brackets[at-3] {
			fail("unexpected '%s'", text)
		}
		open = open[:len(open)-1]
	case at >= 0:
		open = append(open, text[0])
	}
	l.add(tokenOperator, text)
	l.advance(len(text))
	return open
}

// number reads an integer or a float of Python's.
func (l *lexer) number() {
	rest := l.rest()
	value, size := Value(nil), 0
	afterDot := l.at > 0 && l.source[l.at-1] == '.'
	if m := floatLiteral.FindString(rest); m != "" && !afterDot {
		f, _ := strconv.ParseFloat(strings.ReplaceAll(m, "_", ""), 64)
		value, size = Float{f: f}, len(m)
	} else {
		m := integerLiteral.FindString(rest)
		if m == "" || len(m) > maxDigits {
			fail("bad number %.20q", rest)
		}
		n, ok := new(big.Int).SetString(m, 0)
		if !ok {
			n, ok = new(big.Int).SetString(strings.ReplaceAll(m, "_", ""), 10)
		}
		if !ok {
			fail("bad number %.20q", m)
		}
		value, size = normal(n, false), len(m)
	}
	l.tokens = append(l.tokens, token{kind: tokenNumber, line: l.line, text: rest[:size], value: value})
	l.advance(size)
}

func (l *lexer) string() {
	rest := l.rest()
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case rest[0]:
			l.add(tokenString, unescaped(rest[1:i]))
			l.advance(i + 1)
			return
		}
	}
	fail("the string does not end")
}

func isName(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsNumber(c) }

// isSpace is Python's str.isspace of one character.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }
