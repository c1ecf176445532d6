package jinja

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// toJSON is the filter tojson as transformers has it, Python's json.dumps with
// ensure_ascii=False: keys in order, a space after separators, no escapes for
// HTML.
func toJSON(r *run, v Value, a *args) Value {
	p := a.bind(0, "ensure_ascii", "indent", "separators", "sort_keys")
	b := r.builder()
	w := jsonWriter{r: r, builder: &b, item: own(", "), key: own(": ")}
	w.ascii = p[0] != nil && truth(p[0])
	if indent, ok := optional(p[1]); ok {
		w.item = own(",")
		if s, ok := indent.(*Str); ok {
			w.indent = s
		} else {
			w.indent = r.repeated(own(" "), number(indent, 0))
		}
	}
	if separators, ok := optional(p[2]); ok {
		items := r.items(separators)
		if len(items) != 2 {
			fail("tojson: separators are two strings")
		}
		w.item, w.key = text(items[0]), text(items[1])
	}
	w.sorted = p[3] != nil && truth(p[3])
	w.value(v, 0)
	return w.builder.str()
}

// jsonWriter writes JSON. Punctuation has the origin of its container.
type jsonWriter struct {
	r         *run
	builder   *builder
	indent    *Str // a level; nil: all on one line
	item, key *Str // separators
	sorted    bool
	ascii     bool
}

func (w *jsonWriter) value(v Value, depth int) {
	w.r.step()
	b, trusted := w.builder, !fromClient(v)
	switch v := v.(type) {
	case *Str:
		w.text(v)
	case *List:
		w.list(v.items, trusted, depth)
	case *Tuple:
		w.list(v.items, trusted, depth)
	case *Dict:
		w.dict(v, trusted, depth)
	case None, Bool, Int, *Big, Float:
		b.put(w.plain(v), trusted)
	default:
		fail("tojson: an object of type %s cannot be written as JSON", typeName(v))
	}
}

// plain returns what has no parts.
func (w *jsonWriter) plain(v Value) string {
	switch v := v.(type) {
	case None:
		return "null"
	case Bool:
		if v&1 != 0 {
			return "true"
		}
		return "false"
	case Float:
		switch {
		case math.IsNaN(v.f):
			return "NaN"
		case math.IsInf(v.f, 1):
			return "Infinity"
		case math.IsInf(v.f, -1):
			return "-Infinity"
		}
	}
	return w.r.str(v).text
}

func (w *jsonWriter) list(items []Value, trusted bool, depth int) {
	w.r.descend()
	defer w.r.ascend()
	w.builder.put("[", trusted)
	for i, item := range items {
		w.next(i, depth+1, trusted)
		w.value(item, depth+1)
	}
	w.end(len(items), depth, trusted)
	w.builder.put("]", trusted)
}

func (w *jsonWriter) dict(d *Dict, trusted bool, depth int) {
	w.r.descend()
	defer w.r.ascend()
	entries := d.entries
	if w.sorted {
		w.r.takeTimes(len(entries), 128)
		entries = slices.Clone(entries)
		for i := range entries {
			entries[i].key = entries[i].name(d.client)
		}
		slices.SortStableFunc(entries, func(a, b entry) int {
			w.r.step()
			order, _ := w.r.order(a.key, b.key, "<")
			return order
		})
	}
	w.builder.put("{", trusted)
	for i := range entries {
		w.next(i, depth+1, trusted)
		switch key := entries[i].name(d.client).(type) {
		case *Str:
			w.text(key)
		case None, Bool, Int, *Big, Float:
			w.builder.put(`"`+w.plain(key)+`"`, trusted && !fromClient(key))
		default:
			fail("tojson: keys must be str, int, float, bool or None, not %s", typeName(key))
		}
		w.separator(w.key, trusted)
		w.value(entries[i].value, depth+1)
	}
	w.end(len(entries), depth, trusted)
	w.builder.put("}", trusted)
}

// separator appends one, which is trusted only as far as the container.
func (w *jsonWriter) separator(s *Str, trusted bool) {
	if trusted {
		w.builder.add(s)
	} else {
		w.builder.put(s.text, false)
	}
}

// next goes to the place of element i.
func (w *jsonWriter) next(i, depth int, trusted bool) {
	if i > 0 {
		w.separator(w.item, trusted)
	}
	w.line(depth, trusted)
}

// end goes to the place of the closing bracket after n elements.
func (w *jsonWriter) end(n, depth int, trusted bool) {
	if n > 0 {
		w.line(depth, trusted)
	}
}

func (w *jsonWriter) line(depth int, trusted bool) {
	if w.indent == nil {
		return
	}
	w.builder.put("\n", trusted)
	for range depth {
		w.separator(w.indent, trusted)
	}
}

func (w *jsonWriter) text(s *Str) {
	w.r.walk(len(s.text))
	w.builder.put(`"`, s.trusted)
	s.runs(func(text string, trusted bool) {
		from := 0
		for at, c := range text {
			if c >= ' ' && c != '"' && c != '\\' && (c <= '~' || !w.ascii) {
				continue
			}
			w.builder.put(text[from:at], trusted)
			w.builder.put(escapedJSON(c), trusted)
			from = at + utf8.RuneLen(c)
		}
		w.builder.put(text[from:], trusted)
	})
	w.builder.put(`"`, s.trustedAt(len(s.text)))
}

var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

// escapedJSON escapes a character, in UTF-16 as JSON has it.
func escapedJSON(c rune) string {
	const hex = "0123456789abcdef"
	if short, ok := jsonEscapes[c]; ok {
		return short
	}
	var out strings.Builder
	unit := func(u rune) {
		out.WriteString(`\u`)
		out.Write([]byte{hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15]})
	}
	if c < 0x10000 {
		unit(c)
	} else {
		unit(0xd800 + (c-0x10000)>>10)
		unit(0xdc00 + (c-0x10000)&0x3ff)
	}
	return out.String()
}
