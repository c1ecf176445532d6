package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// print appends Python's str(v), nothing for what is undefined.
func (b *builder) print(v Value) {
	switch v := v.(type) {
	case *Str:
		b.add(v)
	case *Undefined:
	default:
		b.repr(v)
	}
}

// str is Python's str(v).
func (r *run) str(v Value) *Str {
	if s, ok := v.(*Str); ok {
		return s
	}
	b := r.builder()
	b.print(v)
	return b.str()
}

// repr appends Python's repr(v). Brackets and commas have the origin of their
// container.
func (b *builder) repr(v Value) {
	trusted := !fromClient(v)
	switch v := v.(type) {
	case None:
		b.put("None", trusted)
	case Bool:
		if v&1 != 0 {
			b.put("True", trusted)
		} else {
			b.put("False", trusted)
		}
	case Int:
		b.put(strconv.FormatInt(v.n, 10), trusted)
	case *Big:
		b.r.spend(v.n.BitLen() >> 3)
		text := v.n.String()
		if len(strings.TrimPrefix(text, "-")) > maxDigits {
			fail("an integer has more than %d digits", maxDigits)
		}
		b.put(text, trusted)
	case Float:
		b.put(formatFloat(v.f), trusted)
	case *Str:
		b.reprStr(v)
	case *Undefined:
		b.own("Undefined")
	case *List:
		b.reprItems("[", "]", v.items, trusted)
	case *Tuple:
		closing := ")"
		if len(v.items) == 1 {
			closing = ",)"
		}
		b.reprItems("(", closing, v.items, trusted)
	case *Dict:
		b.reprDict(v, trusted)
	case *Namespace:
		b.own("<Namespace ")
		b.reprDict(v.dict, true)
		b.own(">")
	default:
		b.reprOther(v, trusted)
	}
}

func (b *builder) reprOther(v Value, trusted bool) {
	switch v := v.(type) {
	case *span:
		text := "range(" + strconv.FormatInt(v.start, 10) + ", " + strconv.FormatInt(v.stop, 10)
		if v.step != 1 {
			text += ", " + strconv.FormatInt(v.step, 10)
		}
		b.own(text + ")")
	case *view:
		b.put(v.kind+"(", trusted)
		items := &view{v.kind, v.dict}
		b.reprItems("[", "]", b.r.items(items), trusted)
		b.put(")", trusted)
	case *macro:
		b.own("<Macro ")
		b.reprStr(own(v.node.name))
		b.own(">")
	case *loop:
		b.own("<LoopContext " + strconv.Itoa(v.index0+1) + "/" + strconv.Itoa(len(v.items)) + ">")
	default: // Python writes an address
		b.own("<" + typeName(v) + " object>")
	}
}

func (b *builder) reprItems(open, closing string, items []Value, trusted bool) {
	b.r.descend()
	defer b.r.ascend()
	b.put(open, trusted)
	for i, item := range items {
		b.r.step()
		if i > 0 {
			b.put(", ", trusted)
		}
		b.repr(item)
	}
	b.put(closing, trusted)
}

func (b *builder) reprDict(d *Dict, trusted bool) {
	b.r.descend()
	defer b.r.ascend()
	b.put("{", trusted)
	for i := range d.entries {
		b.r.step()
		if i > 0 {
			b.put(", ", trusted)
		}
		b.repr(d.entries[i].name(d.client))
		b.put(": ", trusted)
		b.repr(d.entries[i].value)
	}
	b.put("}", trusted)
}

// reprEscapes are those of one letter.
var reprEscapes = map[rune]string{'\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func (b *builder) reprStr(s *Str) {
	b.r.walk(len(s.text))
	quote := "'"
	if strings.Contains(s.text, "'") && !strings.Contains(s.text, `"`) {
		quote = `"`
	}
	b.put(quote, s.trusted)
	s.runs(func(text string, trusted bool) {
		for text != "" {
			plain := strings.IndexFunc(text, func(c rune) bool {
				return c == '\\' || string(c) == quote || !unicode.IsPrint(c)
			})
			if plain < 0 {
				plain = len(text)
			}
			if b.put(text[:plain], trusted); plain == len(text) {
				return
			}
			c, size := utf8.DecodeRuneInString(text[plain:])
			b.put(escapedRune(c), trusted)
			text = text[plain+size:]
		}
	})
	b.put(quote, s.trustedAt(len(s.text)))
}

func escapedRune(c rune) string {
	if short, ok := reprEscapes[c]; ok {
		return short
	}
	hex := strconv.FormatInt(int64(c), 16)
	pad := func(n int) string { return strings.Repeat("0", n-len(hex)) + hex }
	switch {
	case c == '\'':
		return `\'`
	case c < 0x100:
		return `\x` + pad(2)
	case c < 0x10000:
		return `\u` + pad(4)
	}
	return `\U` + pad(8)
}

// formatFloat writes a float as Python's repr does: 1.0, 0.1, 1e-05, 1e+16.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case f == 0 || math.Abs(f) >= 1e-4 && math.Abs(f) < 1e16:
		text := strconv.AppendFloat(nil, f, 'f', -1, 64)
		if !slices.Contains(text, '.') {
			text = append(text, ".0"...)
		}
		return string(text)
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}
