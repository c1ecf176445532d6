package jinja

import (
	"strconv"
	"strings"
)

// format is Python's s.format(…).
func (r *run) format(s *Str, a *args) Value {
	f := &fieldFormat{r: r, args: a}
	return f.all(s, 2)
}

type fieldFormat struct {
	r    *run
	args *args
	next int // automatic numbering
}

// all replaces the fields of a text, and of their specs one level deep.
func (f *fieldFormat) all(s *Str, depth int) *Str {
	if depth == 0 {
		fail("max string recursion exceeded")
	}
	out := f.r.builder()
	for at := 0; at < len(s.text); {
		next := strings.IndexAny(s.text[at:], "{}")
		if next < 0 {
			out.add(s.cut(at, len(s.text)))
			break
		}
		out.add(s.cut(at, at+next))
		at += next
		switch {
		case at+1 < len(s.text) && s.text[at+1] == s.text[at]:
			out.add(s.cut(at, at+1))
			at += 2
		case s.text[at] == '}':
			fail("single '}' encountered in format string")
		default:
			end := fieldEnd(s.text, at)
			f.field(&out, s.cut(at+1, end), depth)
			at = end + 1
		}
	}
	return out.str()
}

// fieldEnd returns where the brace closes that stands at an offset.
func fieldEnd(s string, at int) int {
	depth := 0
	for ; at < len(s); at++ {
		switch s[at] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return at
			}
		}
	}
	fail("expected '}' before end of string")
	return 0
}

// field writes one: name, "!" and a conversion, ":" and a spec.
func (f *fieldFormat) field(out *builder, field *Str, depth int) {
	name, spec, conversion := field.text, own(""), ""
	if at := strings.IndexByte(name, ':'); at >= 0 {
		spec, name = field.cut(at+1, len(name)), name[:at]
	}
	if before, after, ok := strings.Cut(name, "!"); ok {
		name, conversion = before, after
	}
	v := f.lookup(name)
	switch conversion {
	case "":
	case "s":
		v = f.r.str(v)
	case "r", "a":
		b := f.r.builder()
		b.repr(v)
		v = b.str()
	default:
		fail("unknown conversion specifier '%.20s'", conversion)
	}
	if strings.Contains(spec.text, "{") {
		spec = f.all(spec, depth-1)
	}
	parseSpec(spec.text).value(f.r, out, v)
}

// lookup finds "0.name[key]".
func (f *fieldFormat) lookup(name string) Value {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v := f.argument(name[:end])
	for rest := name[end:]; rest != ""; {
		f.r.step()
		var found Value
		if key, ok := strings.CutPrefix(rest, "["); ok {
			at := strings.IndexByte(key, ']')
			if at < 0 {
				fail("missing ']' in format string")
			}
			found = f.r.item(v, attributeKey(key[:at]))
			rest = key[at+1:]
		} else if attribute, ok := strings.CutPrefix(rest, "."); ok {
			at := strings.IndexAny(attribute, ".[")
			if at < 0 {
				at = len(attribute)
			}
			found = f.r.attr(v, attribute[:at])
			rest = attribute[at:]
		}
		if v = found; v == nil {
			v = &Undefined{"there is no " + name}
		}
	}
	return v
}

func (f *fieldFormat) argument(name string) Value {
	at, err := strconv.Atoi(name)
	if name == "" {
		at, err = f.next, nil
		f.next++
	}
	if err == nil {
		if at < 0 || at >= len(f.args.pos) {
			fail("replacement index %d out of range for positional args tuple", at)
		}
		return f.args.pos[at]
	}
	if i, ok := f.args.named(name); ok {
		return f.args.kw[i].value
	}
	fail("format: there is no argument %.40q", name)
	return nil
}
