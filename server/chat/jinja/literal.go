package jinja

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	floatLiteral = regexp.MustCompile(
		`^(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`)
	integerLiteral = regexp.MustCompile(
		`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
)

// plainEscapes are Python's of one letter.
var plainEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

var digitsOfEscape = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// unescaped returns the value of a string literal's inside. An escape that is
// none stays as it is; half a surrogate pair becomes U+FFFD.
func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 == len(s) {
			break
		}
		out.WriteString(s[:at])
		letter := s[at+1]
		text, size := `\`, 1
		if plain, ok := plainEscapes[letter]; ok {
			text, size = plain, 2
		} else if digits := digitsOfEscape[letter]; digits > 0 {
			text, size = numbered(s[at:], 2, digits, 16)
		} else if letter >= '0' && letter <= '7' {
			digits := 1
			for digits < 3 && at+1+digits < len(s) && s[at+1+digits] >= '0' && s[at+1+digits] <= '7' {
				digits++
			}
			text, size = numbered(s[at:], 1, digits, 8)
		} else if letter == 'N' {
			fail(`characters by name are not supported: write \u and the number for %.20q`, s[at:])
		}
		out.WriteString(text)
		s = s[at+size:]
	}
	out.WriteString(s)
	return out.String()
}

// numbered returns the character of an escape whose digits begin at from, and
// the escape's size.
func numbered(s string, from, digits, base int) (text string, size int) {
	if len(s) < from+digits {
		fail("bad escape %.20q", s)
	}
	n, err := strconv.ParseUint(s[from:from+digits], base, 32)
	if err != nil || n > utf8.MaxRune {
		fail("bad escape %.20q", s)
	}
	return string(rune(n)), from + digits
}
