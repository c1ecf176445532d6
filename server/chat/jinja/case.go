package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// casing maps text to another case. A cases.Caser has a state, so each text gets
// its own; most texts are ASCII and need none.
type casing struct {
	ascii func(c rune) rune
	all   func() cases.Caser
}

var (
	upper = casing{unicode.ToUpper, func() cases.Caser { return cases.Upper(language.Und) }}
	lower = casing{unicode.ToLower, func() cases.Caser { return cases.Lower(language.Und) }}
	fold  = casing{unicode.ToLower, func() cases.Caser { return cases.Fold() }}
)

func (c *casing) text(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return c.all().String(s)
		}
	}
	return strings.Map(c.ascii, s)
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
	if c < utf8.RuneSelf {
		return string(unicode.ToTitle(c))
	}
	return cases.Title(language.Und).String(string(c))
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
