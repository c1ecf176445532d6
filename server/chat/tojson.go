package chat

import (
	"encoding/json/jsontext"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ardanlabs/jinja"
)

// toJSON is the filter tojson. It writes what the reference renderer does,
// Python's json.dumps with ensure_ascii=False: keys in order, a space after
// separators, no escapes for HTML. It takes indent, separators, sort_keys and
// ensure_ascii.
func (b *budget) toJSON(args []jinja.Value, options map[string]jinja.Value) (jinja.Value, error) {
	if len(args) == 0 {
		return jinja.Undefined(), failed("tojson has nothing to write")
	}
	w := jsonWriter{limits: b.limits, indent: -1, item: ", ", key: ": "}
	if len(args) > 1 && args[1].IsInt() {
		w.indent = args[1].AsInt()
	}
	if indent, ok := options["indent"]; ok && indent.IsInt() {
		w.indent = indent.AsInt()
	}
	if w.indent > maxIndent {
		return jinja.Undefined(), failed("tojson: an indent of %d; at most %d", w.indent, maxIndent)
	}
	if w.indent >= 0 {
		w.item = ","
	}
	if separators, ok := options["separators"]; ok && separators.IsList() {
		items := separators.AsList().Items
		if len(items) != 2 || !items[0].IsString() || !items[1].IsString() {
			return jinja.Undefined(), failed("tojson: separators are two strings, not %s", separators)
		}
		w.item, w.key = items[0].AsString(), items[1].AsString()
	}
	w.sorted = options["sort_keys"].IsTruthy()
	w.ascii = options["ensure_ascii"].IsTruthy()
	if err := w.value(args[0], 0); err != nil {
		return jinja.Undefined(), err
	}
	return jinja.NewString(string(w.out)), nil
}

const maxIndent = 16

// jsonWriter appends JSON to out.
type jsonWriter struct {
	limits    Limits
	out       []byte
	indent    int64  // spaces a level; < 0: all on one line
	item, key string // separators
	sorted    bool
	ascii     bool
}

// value appends one value. The depth is bounded, which ends cycles too.
func (w *jsonWriter) value(v jinja.Value, depth int) error {
	switch {
	case depth > w.limits.JSONDepth+w.limits.Nesting:
		return failed("tojson: the value is nested too deeply")
	case len(w.out) > w.limits.OutputBytes:
		return failed("tojson: more than %d bytes", w.limits.OutputBytes)
	case v.IsBool():
		w.out = strconv.AppendBool(w.out, v.AsBool())
	case v.IsInt():
		w.out = strconv.AppendInt(w.out, v.AsInt(), 10)
	case v.IsFloat():
		w.out = appendFloat(w.out, v.AsFloat())
	case v.IsString():
		return w.text(v.AsString())
	case v.IsList():
		return w.list(v.AsList(), depth)
	case v.IsDict():
		return w.dict(v.AsDict(), depth)
	case v.IsUndefined(), v.IsCallable():
		return failed("tojson: %s cannot be written as JSON", v)
	default:
		w.out = append(w.out, "null"...)
	}
	return nil
}

func (w *jsonWriter) list(list *jinja.List, depth int) error {
	w.out = append(w.out, '[')
	for i, item := range list.Items {
		w.next(i, depth+1)
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	w.end(list.Len(), depth)
	w.out = append(w.out, ']')
	return nil
}

func (w *jsonWriter) dict(dict *jinja.Dict, depth int) error {
	keys := dict.OrderedKeys()
	if w.sorted {
		slices.Sort(keys)
	}
	w.out = append(w.out, '{')
	for i, key := range keys {
		w.next(i, depth+1)
		if err := w.text(key); err != nil {
			return err
		}
		w.out = append(w.out, w.key...)
		if err := w.value(dict.Data[key], depth+1); err != nil {
			return err
		}
	}
	w.end(len(keys), depth)
	w.out = append(w.out, '}')
	return nil
}

// next goes to the place of element i.
func (w *jsonWriter) next(i, depth int) {
	if i > 0 {
		w.out = append(w.out, w.item...)
	}
	w.line(depth)
}

// end goes to the place of the closing bracket after n elements.
func (w *jsonWriter) end(n, depth int) {
	if n > 0 {
		w.line(depth)
	}
}

func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.out = append(w.out, '\n')
		for range w.indent * int64(depth) {
			w.out = append(w.out, ' ')
		}
	}
}

func (w *jsonWriter) text(s string) error {
	start := len(w.out)
	out, err := jsontext.AppendQuote(w.out, strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		return failed("tojson: %w", err)
	}
	w.out = out
	if w.ascii {
		quoted := string(w.out[start:])
		w.out = appendASCII(w.out[:start], quoted)
	}
	return nil
}

// appendASCII escapes every character beyond ASCII, in UTF-16 as JSON has it.
func appendASCII(dst []byte, quoted string) []byte {
	const hex = "0123456789abcdef"
	escape := func(unit rune) {
		dst = append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
	}
	for _, r := range quoted {
		switch {
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case r < 0x10000:
			escape(r)
		default:
			escape(0xd800 + (r-0x10000)>>10)
			escape(0xdc00 + (r-0x10000)&0x3ff)
		}
	}
	return dst
}

// appendFloat writes a float as Python's repr does: 1.0, 0.1, 1e-05, 1e+16.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0 || math.Abs(f) >= 1e-4 && math.Abs(f) < 1e16:
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if !slices.Contains(dst[start:], '.') {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64)
}
