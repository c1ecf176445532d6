package jinja

import (
	"strings"
	"unicode/utf8"
)

// percent is Python's s % v.
func (r *run) percent(s *Str, v Value) Value {
	out := r.builder()
	f := &percentFormat{r: r, s: s, out: &out, args: []Value{v}}
	switch v := v.(type) {
	case *Tuple:
		f.args = v.items
	case *Dict, *List, *span, *Undefined:
		f.mapping, f.used = v, true
	}
	for f.at < len(s.text) {
		next := strings.IndexByte(s.text[f.at:], '%')
		if next < 0 {
			next = len(s.text) - f.at
		}
		f.out.add(s.cut(f.at, f.at+next))
		if f.at += next; f.at < len(s.text) {
			f.at++
			f.conversion()
		}
	}
	if !f.used && f.next < len(f.args) {
		fail("not all arguments converted during string formatting")
	}
	return f.out.str()
}

type percentFormat struct {
	r       *run
	s       *Str
	at      int
	out     *builder
	args    []Value
	next    int
	mapping Value
	used    bool // arguments need not all be used
}

func (f *percentFormat) char() byte {
	if f.at >= len(f.s.text) {
		fail("incomplete format")
	}
	return f.s.text[f.at]
}

func (f *percentFormat) arg() Value {
	if f.next >= len(f.args) {
		fail("not enough arguments for format string")
	}
	f.next++
	return f.args[f.next-1]
}

// number reads a width or a precision.
func (f *percentFormat) number() int {
	if f.char() == '*' {
		f.at++
		return number(f.arg(), 0)
	}
	n := 0
	for f.char() >= '0' && f.char() <= '9' {
		n = min(n*10+int(f.char()-'0'), 1<<31)
		f.at++
	}
	return n
}

// conversion reads and carries out what follows a percent sign.
func (f *percentFormat) conversion() {
	spec := formatSpec{fill: " ", align: '>', precision: -1}
	var value Value
	if f.char() == '(' {
		value = f.keyed()
	}
	for strings.IndexByte("-+ #0", f.char()) >= 0 {
		switch f.char() {
		case '-':
			spec.align = '<'
		case '0':
			spec.zero = true
		case '#':
			spec.alternate = true
		default:
			if spec.sign != '+' {
				spec.sign = f.char()
			}
		}
		f.at++
	}
	if spec.width = f.number(); spec.width < 0 {
		spec.align, spec.width = '<', -spec.width
	}
	if f.char() == '.' {
		f.at++
		spec.precision = max(0, f.number())
	}
	for strings.IndexByte("hlL", f.char()) >= 0 {
		f.at++
	}
	kind := f.char()
	f.at++
	if kind == '%' {
		f.out.own("%")
		return
	}
	if value == nil {
		value = f.arg()
	}
	if spec.zero = spec.zero && spec.align != '<'; spec.zero {
		spec.align = '='
		spec.fill = "0"
	}
	f.convert(kind, value, spec)
}

func (f *percentFormat) keyed() Value {
	end, depth := f.at, 0
	for ; ; end++ {
		if end >= len(f.s.text) {
			fail("incomplete format key")
		}
		if f.s.text[end] == '(' {
			depth++
		} else if f.s.text[end] == ')' {
			if depth--; depth == 0 {
				break
			}
		}
	}
	key := f.s.cut(f.at+1, end)
	f.at = end + 1
	d, ok := f.mapping.(*Dict)
	if !ok {
		fail("format requires a mapping")
	}
	value, ok := d.find(hash{'s', key.text})
	if !ok {
		fail("there is no key '%.40s'", key.text)
	}
	return value
}

func (f *percentFormat) convert(kind byte, v Value, spec formatSpec) {
	r := f.r
	switch kind {
	case 's', 'r', 'a':
		b := r.builder()
		if kind == 's' {
			b.print(v)
		} else {
			b.repr(v)
		}
		if spec.align == '=' {
			spec.align, spec.fill = '>', " "
		}
		spec.text(r, f.out, b.str())
	case 'c':
		if s, ok := v.(*Str); ok && utf8.RuneCountInString(s.text) == 1 {
			spec.text(r, f.out, s)
			return
		}
		n := number(v, 0)
		if n < 0 || n > utf8.MaxRune {
			fail("%%c takes a character")
		}
		spec.text(r, f.out, String(string(rune(n)), !fromClient(v)))
	case 'd', 'i', 'u':
		if x, ok := use(v).(Float); ok {
			v = truncated(x.f, x.client, nil)
		}
		if v == nil || !isNumber(v) {
			fail("%%d takes a number")
		}
		digits := spec.precision
		spec.precision, spec.kind = -1, 'd'
		spec.digits = max(0, digits)
		spec.number(r, f.out, v)
	case 'x', 'X', 'o':
		if _, ok := asBig(use(v)); !ok {
			fail("%%%c takes an integer", kind)
		}
		spec.digits = max(0, spec.precision)
		spec.precision, spec.kind = -1, kind
		spec.number(r, f.out, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		if !isNumber(use(v)) {
			fail("must be real number, not %s", typeName(v))
		}
		spec.kind = kind
		spec.number(r, f.out, v)
	default:
		fail("unsupported format character '%c'", kind)
	}
}
