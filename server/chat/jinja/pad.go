package jinja

import "strings"

// padMethod widens a string to a number of characters; before says how many of
// the pad go in front.
func padMethod(before func(pad, width int) int) method {
	return func(r *run, v Value, a *args) Value {
		p := a.bind(1, "width", "fillchar")
		fill := own(" ")
		if p[1] != nil {
			if fill = text(p[1]); fill.runes(r) != 1 {
				fail("the fill character must be exactly one character long")
			}
		}
		return r.padded(v.(*Str), number(p[0], 0), fill, before)
	}
}

func (r *run) padded(s *Str, width int, fill *Str, before func(pad, width int) int) *Str {
	pad := width - s.runes(r)
	if pad <= 0 {
		return s
	}
	front := before(pad, width)
	return r.concat(r.concat(r.repeated(fill, front), s), r.repeated(fill, pad-front))
}

func zfill(r *run, v Value, a *args) Value {
	s, width := v.(*Str), number(a.bind(1, "width")[0], 0)
	sign := 0
	if strings.HasPrefix(s.text, "-") || strings.HasPrefix(s.text, "+") {
		sign = 1
	}
	zeros := r.repeated(own("0"), width-s.runes(r))
	return r.concat(r.concat(s.cut(0, sign), zeros), s.cut(sign, len(s.text)))
}

func expandTabs(r *run, v Value, a *args) Value {
	size := number(a.bind(0, "tabsize")[0], 8)
	column := 0
	return r.mapped(v.(*Str), func(_ int, c rune) string {
		switch c {
		case '\n', '\r':
			column = 0
		case '\t':
			if size <= 0 {
				return ""
			}
			n := size - column%size
			column += n
			r.take(n)
			return strings.Repeat(" ", n)
		default:
			column++
		}
		return string(c)
	})
}

// indent is the filter indent.
func indent(r *run, v Value, a *args) Value {
	p := a.bind(0, "width", "first", "blank")
	first, blank := p[1] != nil && truth(p[1]), p[2] != nil && truth(p[2])
	prefix, ok := p[0].(*Str)
	if !ok {
		prefix = r.repeated(own(" "), number(p[0], 4))
	}
	lines := r.lines(r.concat(text(v), own("\n")), false)
	b := r.builder()
	for i, line := range lines {
		r.step()
		if i > 0 {
			b.own("\n")
		}
		line := line.(*Str)
		if i == 0 && first || i > 0 && (blank || line.text != "") {
			b.add(prefix)
		}
		b.add(line)
	}
	return b.str()
}

// truncate is the filter truncate.
func truncate(r *run, v Value, a *args) Value {
	p := a.bind(0, "length", "killwords", "end", "leeway")
	length, leeway := number(p[0], 255), number(p[3], 5)
	end := own("...")
	if p[2] != nil {
		end = text(p[2])
	}
	if room := end.runes(r); length < room || leeway < 0 {
		fail("truncate: expected length >= %d and leeway >= 0", room)
	}
	n := r.size(v)
	if n <= length+leeway {
		return v
	}
	s := text(v)
	kept := s.cut(0, s.offset(r, length-end.runes(r), n))
	if p[1] == nil || !truth(p[1]) {
		if at := strings.LastIndexByte(kept.text, ' '); at >= 0 {
			kept = kept.cut(0, at)
		}
	}
	return r.concat(kept, end)
}
