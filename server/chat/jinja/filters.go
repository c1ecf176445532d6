package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// filter is "v | name(args)".
func (r *run) filter(name string, v Value, a *args) Value {
	f := filters[name]
	if f == nil {
		fail("unknown filter '%s'", name)
	}
	a.what = "the filter " + name
	return f(r, v, a)
}

// filters are all filters by name.
var filters map[string]method

func init() {
	filters = map[string]method{
		"abs":            absolute,
		"attr":           attrFilter,
		"batch":          batch,
		"capitalize":     textFilter((*run).capitalized),
		"center":         center,
		"count":          length,
		"d":              defaultFilter,
		"default":        defaultFilter,
		"dictsort":       dictSort,
		"e":              escape,
		"escape":         escape,
		"filesizeformat": fileSize,
		"first":          first,
		"float":          toFloat,
		"forceescape":    escape,
		"format":         formatFilter,
		"groupby":        groupBy,
		"indent":         indent,
		"int":            toInt,
		"items":          itemsFilter,
		"join":           joinFilter,
		"last":           last,
		"length":         length,
		"list":           func(r *run, v Value, a *args) Value { a.bind(0); return listOf(r, v) },
		"lower":          textFilter(func(r *run, s *Str) *Str { return r.cased(s, lower) }),
		"map":            mapFilter,
		"max":            extreme(1),
		"min":            extreme(-1),
		"reject":         selectFilter(false, false),
		"rejectattr":     selectFilter(false, true),
		"replace":        replaceFilter,
		"reverse":        reverse,
		"round":          round,
		"safe":           textFilter(func(_ *run, s *Str) *Str { return s }),
		"select":         selectFilter(true, false),
		"selectattr":     selectFilter(true, true),
		"slice":          sliceFilter,
		"sort":           sortFilter,
		"string":         textFilter(func(_ *run, s *Str) *Str { return s }),
		"sum":            sum,
		"title":          textFilter((*run).titleWords),
		"tojson":         toJSON,
		"trim":           func(r *run, v Value, a *args) Value { return r.strip(r.str(v), a.bind(0, "chars")[0], true, true) },
		"truncate":       truncate,
		"unique":         unique,
		"upper":          textFilter(func(r *run, s *Str) *Str { return r.cased(s, upper) }),
		"urlencode":      urlEncode,
		"wordcount":      wordCount,
	}
}

// textFilter is a filter of a text without arguments.
func textFilter(f func(r *run, s *Str) *Str) method {
	return func(r *run, v Value, a *args) Value {
		a.bind(0)
		return f(r, r.str(v))
	}
}

func absolute(r *run, v Value, a *args) Value {
	a.bind(0)
	if !isNumber(use(v)) {
		fail("bad operand type for abs(): '%s'", typeName(v))
	}
	if f, ok := v.(Float); ok {
		return Float{math.Abs(f.f), f.client}
	}
	if order, _ := numberOrder(v, Int{}); order < 0 {
		return r.arithmetic("-", Int{}, v)
	}
	return r.arithmetic("+", Int{}, v)
}

func attrFilter(r *run, v Value, a *args) Value {
	name := text(a.bind(1, "name")[0]).text
	if d, ok := v.(*Dict); ok && methodOf(d, name) == nil {
		return &Undefined{"a dict has no attribute '" + name + "'"}
	}
	if found := r.attr(v, name); found != nil {
		return found
	}
	return &Undefined{"there is no attribute '" + name + "'"}
}

func center(r *run, v Value, a *args) Value {
	p := a.bind(0, "width")
	return r.padded(r.str(v), number(p[0], 80), own(" "), func(pad, width int) int { return pad/2 + pad&width&1 })
}

func defaultFilter(_ *run, v Value, a *args) Value {
	p := a.bind(0, "default_value", "boolean")
	_, undefined := v.(*Undefined)
	switch {
	case !undefined && (p[1] == nil || !truth(p[1]) || truth(v)):
		return v
	case p[0] == nil:
		return own("")
	}
	return p[0]
}

var escapesHTML = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&#39;", '"': "&#34;"}

func escape(r *run, v Value, a *args) Value {
	a.bind(0)
	return r.mapped(r.str(v), func(_ int, c rune) string {
		if escaped, ok := escapesHTML[c]; ok {
			return escaped
		}
		return string(c)
	})
}

func formatFilter(r *run, v Value, a *args) Value {
	if len(a.kw) == 0 {
		return r.percent(r.str(v), &Tuple{items: a.pos})
	}
	if len(a.pos) > 0 {
		fail("format takes arguments with or without names, not both")
	}
	return r.percent(r.str(v), makeDict(r, a))
}

func replaceFilter(r *run, v Value, a *args) Value {
	p := a.bind(2, "old", "new", "count")
	most := -1
	if count, ok := optional(p[2]); ok {
		most = number(count, -1)
	}
	return r.replace(r.str(v), r.str(p[0]), r.str(p[1]), most)
}

func wordCount(r *run, v Value, a *args) Value {
	a.bind(0)
	s := r.str(v)
	r.walk(len(s.text))
	return integer(len(strings.FieldsFunc(s.text, func(c rune) bool { return !isName(c) })))
}

// urlEncode quotes a text, or pairs of them for a query.
func urlEncode(r *run, v Value, a *args) Value {
	a.bind(0)
	quoted := func(v Value, query bool) *Str {
		return r.mapped(r.str(v), func(_ int, c rune) string {
			if query && c == ' ' {
				return "+"
			}
			if c < 0x80 && (isName(c) || strings.ContainsRune("-.~", c) || c == '/' && !query) {
				return string(c)
			}
			out := ""
			for _, b := range []byte(string(c)) {
				out += "%" + strings.ToUpper(strconv.FormatInt(int64(b)|0x100, 16)[1:])
			}
			return out
		})
	}
	pairs := []Value(nil)
	switch d := v.(type) {
	case *Dict:
		pairs = d.pairs(r)
	case *List, *Tuple, *view, *iterator:
		pairs = r.items(v)
	default:
		return quoted(v, false)
	}
	b := r.builder()
	for i, pair := range pairs {
		both := r.items(pair)
		if len(both) != 2 {
			fail("urlencode takes pairs")
		}
		if i > 0 {
			b.own("&")
		}
		b.add(quoted(both[0], true))
		b.own("=")
		b.add(quoted(both[1], true))
	}
	return b.str()
}

// fileSize is the filter filesizeformat.
func fileSize(r *run, v Value, a *args) Value {
	p := a.bind(0, "binary")
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if p[0] != nil && truth(p[0]) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	bytes, ok := asFloat(toFloat(r, v, &args{pos: []Value{None(0)}}))
	switch {
	case !ok:
		fail("filesizeformat takes a number, not '%s'", typeName(v))
	case bytes == 1:
		return own("1 Byte")
	case bytes < base:
		return own(big.NewFloat(math.Trunc(bytes)).Text('f', 0) + " Bytes")
	}
	unit := base
	for i, prefix := range prefixes {
		if unit *= base; bytes < unit || i == len(prefixes)-1 {
			return own(strconv.FormatFloat(base*bytes/unit, 'f', 1, 64) + " " + prefix)
		}
	}
	return nil
}
