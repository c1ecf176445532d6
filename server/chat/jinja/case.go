package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// casing maps text to another case.
type casing struct {
	ascii func(c byte) byte
	all   func(s string) string
}

var (
	upper = casing{func(c byte) byte { return byte(unicode.ToUpper(rune(c))) }, cases.Upper(language.Und).String}
	lower = casing{func(c byte) byte { return byte(unicode.ToLower(rune(c))) }, cases.Lower(language.Und).String}
	fold  = casing{lower.ascii, cases.Fold().String}
)

func (c *casing) text(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return c.all(s)
		}
	}
	return strings.Map(func(r rune) rune { return rune(c.ascii(byte(r))) }, s)
}

// cased returns a string in another case.
func (r *run) cased(s *Str, c casing) *Str {
	b := r.builder()
	s.runs(func(text string, trusted bool) {
		r.walk(len(text))
		r.take(len(text))
		b.put(c.text(text), trusted)
	})
	if b.buf.Len() == 0 {
		return s
	}
	return b.str()
}

func isCased(c rune) bool { return unicode.IsUpper(c) || unicode.IsLower(c) || unicode.IsTitle(c) }

// titled returns a character in title case.
func titled(c rune) string {
	if special := cases.Title(language.Und).String(string(c)); c >= utf8.RuneSelf {
		return special
	}
	return string(unicode.ToTitle(c))
}

// title is Python's str.title.
func (r *run) title(s *Str) *Str {
	inWord := false
	return r.mapped(s, func(_ int, c rune) string {
		first := !inWord
		inWord = isCased(c)
		if first {
			return titled(c)
		}
		return lower.text(string(c))
	})
}

func (r *run) capitalized(s *Str) *Str {
	return r.mapped(s, func(at int, c rune) string {
		if at == 0 {
			return titled(c)
		}
		return lower.text(string(c))
	})
}

func (r *run) swapped(s *Str) *Str {
	return r.mapped(s, func(_ int, c rune) string {
		switch {
		case unicode.IsUpper(c):
			return lower.text(string(c))
		case unicode.IsLower(c):
			return upper.text(string(c))
		}
		return string(c)
	})
}

// titleWords is the filter title: a word begins after a space or one of
// -({[<.
func (r *run) titleWords(s *Str) *Str {
	begins := true
	return r.mapped(s, func(_ int, c rune) string {
		if isSpace(c) || strings.ContainsRune("-({[<", c) {
			begins = true
			return string(c)
		}
		first := begins
		begins = false
		if first {
			return upper.text(string(c))
		}
		return lower.text(string(c))
	})
}
