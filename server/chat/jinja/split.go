package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// strip takes characters of a set off the ends; nil means white space.
func (r *run) strip(s *Str, chars Value, left, right bool) *Str {
	in := isSpace
	if chars, ok := optional(chars); ok {
		set := text(chars).text
		in = func(c rune) bool {
			r.scan(len(set))
			return strings.ContainsRune(set, c)
		}
	}
	from, to := 0, len(s.text)
	if left {
		from = to - len(strings.TrimLeftFunc(s.text, in))
	}
	if right && from < to {
		to = len(strings.TrimRightFunc(s.text, in))
	}
	r.walk(len(s.text) - (to - from))
	return s.cut(from, to)
}

func stripMethod(left, right bool) method {
	return func(r *run, v Value, a *args) Value {
		return r.strip(v.(*Str), a.bind(0, "chars")[0], left, right)
	}
}

const partBytes = 80 // of a part of a string, and of the reference to it

func splitMethod(fromRight bool) method {
	return func(r *run, v Value, a *args) Value {
		p := a.bind(0, "sep", "maxsplit")
		s, most := v.(*Str), number(p[1], -1)
		r.scan(len(s.text))
		var parts []Value
		if sep, ok := optional(p[0]); ok {
			parts = r.splitBy(s, text(sep).text, most, fromRight)
		} else {
			parts = r.splitSpace(s, most, fromRight)
		}
		if fromRight {
			slices.Reverse(parts)
		}
		return &List{items: parts, client: !s.trusted}
	}
}

// splitBy splits from one side on, at most so many times.
func (r *run) splitBy(s *Str, sep string, most int, fromRight bool) (parts []Value) {
	if sep == "" {
		fail("empty separator")
	}
	from, to := 0, len(s.text)
	for most != 0 {
		if at := strings.Index(s.text[from:to], sep); !fromRight && at >= 0 {
			parts = append(parts, s.cut(from, from+at))
			from += at + len(sep)
		} else if at := strings.LastIndex(s.text[from:to], sep); fromRight && at >= 0 {
			parts = append(parts, s.cut(from+at+len(sep), to))
			to = from + at
		} else {
			break
		}
		r.take(partBytes)
		most--
	}
	return append(parts, s.cut(from, to))
}

// splitSpace splits at runs of white space.
func (r *run) splitSpace(s *Str, most int, fromRight bool) (parts []Value) {
	for ; ; most-- {
		s = r.strip(s, nil, !fromRight, fromRight)
		r.take(partBytes)
		at, word := strings.IndexFunc(s.text, isSpace), 0
		if fromRight {
			at = strings.LastIndexFunc(s.text, isSpace)
			word = len(s.text) - at
		} else {
			word = at
		}
		r.walk(max(word, 0))
		switch {
		case s.text == "":
			return parts
		case most == 0 || at < 0:
			return append(parts, s)
		case fromRight:
			_, size := utf8.DecodeRuneInString(s.text[at:])
			parts = append(parts, s.cut(at+size, len(s.text)))
			s = s.cut(0, at)
		default:
			parts = append(parts, s.cut(0, at))
			s = s.cut(at, len(s.text))
		}
	}
}

// lines cuts a string into lines as Python's str.splitlines does.
func (r *run) lines(s *Str, keepEnds bool) []Value {
	r.walk(len(s.text))
	var lines []Value
	for from := 0; from < len(s.text); {
		r.take(partBytes)
		at := strings.IndexFunc(s.text[from:], isLineEnd)
		if at < 0 {
			return append(lines, s.cut(from, len(s.text)))
		}
		end := from + at
		_, size := utf8.DecodeRuneInString(s.text[end:])
		if strings.HasPrefix(s.text[end:], "\r\n") {
			size = 2
		}
		to := end
		if keepEnds {
			to += size
		}
		lines = append(lines, s.cut(from, to))
		from = end + size
	}
	return lines
}

func isLineEnd(c rune) bool {
	return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
}

func splitLines(r *run, v Value, a *args) Value {
	keepEnds := a.bind(0, "keepends")[0]
	s := v.(*Str)
	return &List{items: r.lines(s, keepEnds != nil && truth(keepEnds)), client: !s.trusted}
}

// partitionMethod splits in three; what is not found leaves all first or last.
func partitionMethod(find func(s, sub string) int, first bool) method {
	return func(r *run, v Value, a *args) Value {
		s, sep := v.(*Str), text(a.bind(1, "sep")[0]).text
		r.scan(len(s.text))
		r.take(3 * partBytes)
		if sep == "" {
			fail("empty separator")
		}
		empty := &Str{trusted: s.trusted}
		switch at := find(s.text, sep); {
		case at >= 0:
			end := at + len(sep)
			return &Tuple{items: []Value{s.cut(0, at), s.cut(at, end), s.cut(end, len(s.text))}}
		case first:
			return &Tuple{items: []Value{s, empty, empty}}
		}
		return &Tuple{items: []Value{empty, empty, s}}
	}
}

// join puts strings together; strict refuses other values.
func (r *run) join(sep *Str, items []Value, strict bool) *Str {
	b := r.builder()
	for i, item := range items {
		r.step()
		if i > 0 {
			b.add(sep)
		}
		if _, ok := item.(*Str); strict && !ok {
			fail("sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		b.print(item)
	}
	return b.str()
}

func replaceMethod(r *run, v Value, a *args) Value {
	p := a.bind(2, "old", "new", "count")
	return r.replace(v.(*Str), text(p[0]), text(p[1]), number(p[2], -1))
}

// replace replaces the first so many occurrences, all for < 0.
func (r *run) replace(s, old, with *Str, most int) *Str {
	r.scan(len(s.text))
	if most == 0 || old.text != "" && !strings.Contains(s.text, old.text) {
		return s
	}
	b := r.builder()
	from := 0
	for at := 0; most != 0; most-- {
		if old.text == "" {
			if at > len(s.text) {
				break
			}
		} else if at = strings.Index(s.text[from:], old.text); at < 0 {
			break
		} else {
			at += from
		}
		r.step()
		b.add(s.cut(from, at))
		b.add(with)
		if from = at + len(old.text); old.text == "" {
			at += max(1, s.sizeAt(min(at, len(s.text))))
		}
	}
	if from < len(s.text) {
		b.add(s.cut(from, len(s.text)))
	}
	if b.buf.Len() == 0 {
		return &Str{trusted: s.trusted}
	}
	return b.str()
}

func affixMethod(has func(s, affix string) bool) method {
	return func(r *run, v Value, a *args) Value {
		p := a.bind(1, "prefix", "start", "end")
		s := r.part(v.(*Str), p[1], p[2])
		options := []Value{p[0]}
		if t, ok := p[0].(*Tuple); ok {
			options = t.items
		}
		for _, option := range options {
			r.step()
			if has(s.text, text(option).text) {
				return truthOf(true)
			}
		}
		return truthOf(false)
	}
}

func removeMethod(has func(s, affix string) bool, prefix bool) method {
	return func(r *run, v Value, a *args) Value {
		s, affix := v.(*Str), text(a.bind(1, "affix")[0]).text
		switch {
		case !has(s.text, affix):
			return s
		case prefix:
			return s.cut(len(affix), len(s.text))
		}
		return s.cut(0, len(s.text)-len(affix))
	}
}

// findMethod returns the character's index, or -1; or fails if it must be there.
func findMethod(find func(s, sub string) int, must bool) method {
	return func(r *run, v Value, a *args) Value {
		p := a.bind(1, "sub", "start", "end")
		s := v.(*Str)
		part := r.part(s, p[1], p[2])
		at := find(part.text, text(p[0]).text)
		if at < 0 {
			if must {
				fail("substring not found")
			}
			return integer(-1)
		}
		skipped := 0
		if p[1] != nil {
			length := s.runes(r)
			skipped, _, _, _ = bounds(length, p[1], None(0), None(0))
		}
		return integer(skipped + utf8.RuneCountInString(part.text[:at]))
	}
}
