package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatSpec is how a value is to be written:
// [[fill]align][sign][#][0][width][,][.precision][kind].
type formatSpec struct {
	fill      string
	align     byte // one of < > ^ =, 0: as the value's type has it
	sign      byte // one of + - space, 0 for -
	alternate bool
	zero      bool
	width     int
	group     string // between thousands
	precision int    // < 0: none
	digits    int    // at least, of an integer
	kind      byte
}

// parseSpec reads a spec of str.format.
func parseSpec(text string) formatSpec {
	s := formatSpec{fill: " ", precision: -1}
	if c, size := utf8.DecodeRuneInString(text); size > 0 && len(text) > size && strings.IndexByte("<>^=", text[size]) >= 0 {
		s.fill, s.align, text = string(c), text[size], text[size+1:]
	} else if text != "" && strings.IndexByte("<>^=", text[0]) >= 0 {
		s.align, text = text[0], text[1:]
	}
	next := func(set string) byte {
		if text == "" || strings.IndexByte(set, text[0]) < 0 {
			return 0
		}
		c := text[0]
		text = text[1:]
		return c
	}
	digits := func() int {
		n := 0
		for c := next("0123456789"); c != 0; c = next("0123456789") {
			n = min(n*10+int(c-'0'), 1<<31)
		}
		return n
	}
	s.sign = next("+- ")
	s.alternate = next("#") != 0
	if next("0") != 0 && s.align == 0 {
		s.fill, s.align, s.zero = "0", '=', true
	}
	s.width = digits()
	if c := next(",_"); c != 0 {
		s.group = string(c)
	}
	if next(".") != 0 {
		s.precision = digits()
	}
	s.kind = next("bcdeEfFgGnosxX%")
	if text != "" {
		fail("invalid format specifier")
	}
	return s
}

// value writes any value by the spec.
func (s formatSpec) value(r *run, out *builder, v Value) {
	switch v.(type) {
	case *Str:
		if s.kind != 0 && s.kind != 's' || s.align == '=' && !s.zero || s.sign != 0 || s.group != "" || s.alternate {
			fail("invalid format specifier for a string")
		}
		if s.align == '=' {
			s.align = '<'
		}
		s.text(r, out, v.(*Str))
	case Bool:
		if s == parseSpec("") {
			out.print(v)
			return
		}
		s.number(r, out, v)
	case Int, *Big, Float:
		s.number(r, out, v)
	default:
		if s != parseSpec("") {
			fail("unsupported format string for '%s'", typeName(v))
		}
		out.print(v)
	}
}

// text writes a string.
func (s formatSpec) text(r *run, out *builder, text *Str) {
	n := text.runes(r)
	if s.precision >= 0 && s.precision < n {
		text = text.cut(0, text.offset(r, s.precision, n))
		n = s.precision
	}
	align := s.align
	if align == 0 {
		align = '<'
	}
	s.pad(r, out, align, nil, text, n)
}

// pad writes a sign and a text of n characters in the width.
func (s formatSpec) pad(r *run, out *builder, align byte, sign, text *Str, n int) {
	pad := max(0, s.width-n)
	if sign != nil {
		pad = max(0, pad-len(sign.text))
	}
	front := map[byte]int{'>': pad, '^': pad / 2, '=': pad}[align]
	padding := func(n int) { out.add(r.repeated(own(s.fill), n)) }
	if align != '=' {
		padding(front)
	}
	if sign != nil {
		out.add(sign)
	}
	if align == '=' {
		padding(front)
	}
	out.add(text)
	padding(pad - front)
}

// number writes a number.
func (s formatSpec) number(r *run, out *builder, v Value) {
	trusted := !fromClient(v)
	var text string
	if n, ok := asBig(v); ok && strings.IndexByte("\x00dnbcoxX", s.kind) >= 0 {
		r.spend(n.BitLen() >> 3)
		text = s.integer(r, n)
	} else {
		f, _ := asFloat(v)
		r.takeTimes(max(0, s.precision), 2)
		text = s.float(f)
	}
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	} else if s.sign == '+' || s.sign == ' ' {
		sign = string(s.sign)
	}
	if prefix := map[byte]string{'b': "0b", 'o': "0o", 'x': "0x", 'X': "0X"}[s.kind]; s.alternate && prefix != "" {
		sign += prefix
	}
	if s.group != "" {
		text = s.grouped(text)
	}
	align := s.align
	if align == 0 {
		align = '>'
	}
	s.pad(r, out, align, String(sign, trusted), String(text, trusted), utf8.RuneCountInString(text))
}

func (s formatSpec) integer(r *run, n *big.Int) string {
	if s.precision >= 0 {
		fail("precision not allowed in integer format specifier")
	}
	text := n.Text(10)
	switch s.kind {
	case 'b':
		text = n.Text(2)
	case 'o':
		text = n.Text(8)
	case 'x':
		text = n.Text(16)
	case 'X':
		text = strings.ToUpper(n.Text(16))
	case 'c':
		if !n.IsInt64() || n.Int64() < 0 || n.Int64() > utf8.MaxRune {
			fail("%%c takes a character")
		}
		return string(rune(n.Int64()))
	}
	digits := strings.TrimPrefix(text, "-")
	r.take(s.digits)
	return text[:len(text)-len(digits)] + strings.Repeat("0", max(0, s.digits-len(digits))) + digits
}

func (s formatSpec) float(f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		text := formatFloat(f)
		if s.kind == 'E' || s.kind == 'F' || s.kind == 'G' {
			text = strings.ToUpper(text)
		}
		return text
	case s.kind == 0 && s.precision < 0:
		return formatFloat(f)
	}
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	switch s.kind {
	case '%':
		return strconv.FormatFloat(f*100, 'f', precision, 64) + "%"
	case 'f', 'F':
		return strconv.FormatFloat(f, 'f', precision, 64)
	case 'e', 'E':
		return strconv.FormatFloat(f, s.kind, precision, 64)
	case 'g', 'G', 'n', 0:
		return s.general(f, max(1, precision))
	}
	fail("unknown format code '%c' for a float", s.kind)
	return ""
}

// general writes so many significant digits.
func (s formatSpec) general(f float64, precision int) string {
	scientific := strconv.FormatFloat(f, 'e', precision-1, 64)
	exponent, _ := strconv.Atoi(scientific[strings.IndexByte(scientific, 'e')+1:])
	most := precision
	if s.kind == 0 { // as repr: a point, and an exponent one digit earlier
		most--
	}
	if exponent < -4 || exponent >= most {
		mantissa, power, _ := strings.Cut(scientific, "e")
		if strings.Contains(mantissa, ".") && !s.alternate {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		if s.kind == 'G' {
			return mantissa + "E" + power
		}
		return mantissa + "e" + power
	}
	text := strconv.FormatFloat(f, 'f', max(0, precision-1-exponent), 64)
	if strings.Contains(text, ".") && !s.alternate {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if s.kind == 0 && !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// grouped puts the separator between thousands, or between fours of other
// bases.
func (s formatSpec) grouped(text string) string {
	size := 3
	if strings.IndexByte("boxX", s.kind) >= 0 && s.kind != 0 {
		size = 4
	}
	whole := text
	if at := strings.IndexAny(text, ".e%"); at >= 0 && size == 3 {
		whole = text[:at]
	}
	rest := text[len(whole):]
	groups := []string{}
	for len(whole) > size {
		groups = append([]string{whole[len(whole)-size:]}, groups...)
		whole = whole[:len(whole)-size]
	}
	return strings.Join(append([]string{whole}, groups...), s.group) + rest
}
