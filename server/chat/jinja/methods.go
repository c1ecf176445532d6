package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The methods of types, filled by init since some call others by name.
var strMethods, dictMethods, sequenceMethods map[string]method

func init() {
	dictMethods = map[string]method{
		"get": func(r *run, v Value, a *args) Value {
			p := a.bind(1, "key", "default")
			if found, ok := v.(*Dict).find(r.hash(p[0])); ok {
				return found
			}
			if p[1] == nil {
				return None(0)
			}
			return p[1]
		},
		"keys":   viewMethod("dict_keys"),
		"values": viewMethod("dict_values"),
		"items":  viewMethod("dict_items"),
		"copy": func(r *run, v Value, a *args) Value {
			a.bind(0)
			d := *v.(*Dict)
			return &d
		},
	}
	sequenceMethods = map[string]method{
		"index": func(r *run, v Value, a *args) Value {
			p := a.bind(1, "value")
			for i, item := range r.items(v) {
				r.step()
				if r.equal(item, p[0]) {
					return integer(i)
				}
			}
			fail("the value is not in the %s", typeName(v))
			return nil
		},
		"count": func(r *run, v Value, a *args) Value {
			p := a.bind(1, "value")
			n := 0
			for _, item := range r.items(v) {
				r.step()
				if r.equal(item, p[0]) {
					n++
				}
			}
			return integer(n)
		},
		"copy": func(r *run, v Value, a *args) Value {
			a.bind(0)
			return v // nothing can change it
		},
	}
	strMethods = strMethodTable()
}

func viewMethod(kind string) method {
	return func(_ *run, v Value, a *args) Value {
		a.bind(0)
		return &view{kind, v.(*Dict)}
	}
}

// ofText is a method without arguments.
func ofText(f func(r *run, s *Str) Value) method {
	return func(r *run, v Value, a *args) Value {
		a.bind(0)
		s := v.(*Str)
		r.walk(len(s.text))
		return f(r, s)
	}
}

func strMethodTable() map[string]method {
	return map[string]method{
		"upper":        ofText(func(r *run, s *Str) Value { return r.cased(s, upper) }),
		"lower":        ofText(func(r *run, s *Str) Value { return r.cased(s, lower) }),
		"casefold":     ofText(func(r *run, s *Str) Value { return r.cased(s, fold) }),
		"title":        ofText(func(r *run, s *Str) Value { return r.title(s) }),
		"capitalize":   ofText(func(r *run, s *Str) Value { return r.capitalized(s) }),
		"swapcase":     ofText(func(r *run, s *Str) Value { return r.swapped(s) }),
		"strip":        stripMethod(true, true),
		"lstrip":       stripMethod(true, false),
		"rstrip":       stripMethod(false, true),
		"split":        splitMethod(false),
		"rsplit":       splitMethod(true),
		"splitlines":   splitLines,
		"partition":    partitionMethod(strings.Index, true),
		"rpartition":   partitionMethod(strings.LastIndex, false),
		"join":         func(r *run, v Value, a *args) Value { return r.join(v.(*Str), r.items(a.bind(1, "iterable")[0]), true) },
		"replace":      replaceMethod,
		"startswith":   affixMethod(strings.HasPrefix),
		"endswith":     affixMethod(strings.HasSuffix),
		"removeprefix": removeMethod(strings.HasPrefix, true),
		"removesuffix": removeMethod(strings.HasSuffix, false),
		"find":         findMethod(strings.Index, false),
		"rfind":        findMethod(strings.LastIndex, false),
		"index":        findMethod(strings.Index, true),
		"rindex":       findMethod(strings.LastIndex, true),
		"count":        countMethod,
		"center":       padMethod(func(pad, width int) int { return pad/2 + pad&width&1 }),
		"ljust":        padMethod(func(int, int) int { return 0 }),
		"rjust":        padMethod(func(pad, _ int) int { return pad }),
		"zfill":        zfill,
		"expandtabs":   expandTabs,
		"format":       func(r *run, v Value, a *args) Value { return r.format(v.(*Str), a) },

		"isalpha":      allRunes(unicode.IsLetter),
		"isdigit":      allRunes(unicode.IsDigit),
		"isdecimal":    allRunes(unicode.IsDigit),
		"isnumeric":    allRunes(unicode.IsNumber),
		"isalnum":      allRunes(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isspace":      allRunes(isSpace),
		"isascii":      orEmpty(allRunes(func(c rune) bool { return c < utf8.RuneSelf })),
		"isprintable":  orEmpty(allRunes(unicode.IsPrint)),
		"isupper":      ofText(func(_ *run, s *Str) Value { return truthOf(hasCase(s.text, unicode.IsUpper, unicode.IsLower)) }),
		"islower":      ofText(func(_ *run, s *Str) Value { return truthOf(hasCase(s.text, unicode.IsLower, unicode.IsUpper)) }),
		"istitle":      ofText(func(_ *run, s *Str) Value { return truthOf(isTitle(s.text)) }),
		"isidentifier": ofText(func(_ *run, s *Str) Value { return truthOf(isIdentifier(s.text)) }),
	}
}

// text returns an argument that has to be a string.
func text(v Value) *Str {
	s, ok := use(v).(*Str)
	if !ok {
		fail("a string is expected, not '%s'", typeName(v))
	}
	return s
}

// number returns an argument that has to be an integer, missing if it is not
// given.
func number(v Value, missing int) int {
	if v == nil {
		return missing
	}
	n, ok := asInt(use(v))
	if !ok {
		fail("an integer is expected, not '%s'", typeName(v))
	}
	return int(min(max(n, -1<<40), 1<<40))
}

// optional is an argument that may be None or left out.
func optional(v Value) (Value, bool) {
	if _, none := v.(None); none || v == nil {
		return nil, false
	}
	return v, true
}

func allRunes(is func(rune) bool) method {
	return ofText(func(_ *run, s *Str) Value {
		return truthOf(s.text != "" && strings.IndexFunc(s.text, func(c rune) bool { return !is(c) }) < 0)
	})
}

func orEmpty(m method) method {
	return func(r *run, v Value, a *args) Value {
		if v.(*Str).text == "" {
			return truthOf(true)
		}
		return m(r, v, a)
	}
}

// hasCase reports whether some characters have a case and none the other.
func hasCase(s string, is, other func(rune) bool) bool {
	return strings.IndexFunc(s, is) >= 0 &&
		strings.IndexFunc(s, func(c rune) bool { return other(c) || unicode.IsTitle(c) }) < 0
}

func isTitle(s string) bool {
	inWord, any := false, false
	for _, c := range s {
		switch {
		case unicode.IsUpper(c) || unicode.IsTitle(c):
			if inWord {
				return false
			}
			inWord, any = true, true
		case unicode.IsLower(c):
			if !inWord {
				return false
			}
			any = true
		default:
			inWord = false
		}
	}
	return any
}

func isIdentifier(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s != "" && !unicode.IsNumber(first) && strings.IndexFunc(s, func(c rune) bool { return !isName(c) }) < 0
}

func countMethod(r *run, v Value, a *args) Value {
	p := a.bind(1, "sub", "start", "end")
	s := r.part(v.(*Str), p[1], p[2])
	return integer(strings.Count(s.text, text(p[0]).text))
}

// part is s[start:end] with arguments that may be left out.
func (r *run) part(s *Str, start, end Value) *Str {
	r.scan(len(s.text))
	if start == nil && end == nil {
		return s
	}
	for _, v := range []*Value{&start, &end} {
		if *v == nil {
			*v = None(0)
		}
	}
	return r.slice(s, start, end, None(0)).(*Str)
}
