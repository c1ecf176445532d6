package jinja

import (
	"math"
	"time"
)

// globals are the functions every template has.
var globals map[string]Value

func init() {
	globals = map[string]Value{
		"range":           &function{"range", makeRange},
		"dict":            &function{"dict", makeDict},
		"namespace":       &function{"namespace", func(r *run, a *args) Value { return &Namespace{makeDict(r, a).(*Dict)} }},
		"cycler":          &function{"cycler", makeCycler},
		"joiner":          &function{"joiner", makeJoiner},
		"raise_exception": &function{"raise_exception", raise},
		"strftime_now":    &function{"strftime_now", strftimeNow},
	}
}

// raise ends the rendering with the template's own message.
func raise(r *run, a *args) Value {
	panic(&Error{Message: r.str(a.bind(1, "message")[0]).text, Raised: true})
}

// makeRange is Python's range, of a bounded length.
func makeRange(r *run, a *args) Value {
	if len(a.kw) > 0 || len(a.pos) < 1 || len(a.pos) > 3 {
		fail("range() takes 1 to 3 integers")
	}
	n := [3]int64{0, 0, 1}
	for i, v := range a.pos {
		var ok bool
		if n[i], ok = asInt(use(v)); !ok {
			fail("range() takes integers, not '%s'", typeName(v))
		}
	}
	if len(a.pos) == 1 {
		n[0], n[1] = 0, n[0]
	}
	start, stop, step := n[0], n[1], n[2]
	if step == 0 || step == math.MinInt64 {
		fail("range() has a step of 0")
	}
	count := uint64(0)
	switch {
	case step > 0 && start < stop:
		count = (uint64(stop)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && start > stop:
		count = (uint64(start)-uint64(stop)-1)/uint64(-step) + 1
	}
	if count > uint64(r.limits.RangeItems) {
		fail("range() makes more than %d numbers", r.limits.RangeItems)
	}
	return &span{start, stop, step, int64(count)}
}

// makeDict is Python's dict, of a dict or of pairs, and keywords.
func makeDict(r *run, a *args) Value {
	if len(a.pos) > 1 {
		fail("%s() takes at most one argument without a name", a.what)
	}
	d := NewDict(len(a.kw), true)
	for _, v := range a.pos {
		if from, ok := v.(*Dict); ok {
			for i := range from.entries {
				d.store(r, from.entries[i].name(from.client), from.entries[i].value)
			}
			continue
		}
		for _, pair := range r.items(use(v)) {
			both := r.items(pair)
			if len(both) != 2 {
				fail("%s() takes pairs, not %d values", a.what, len(both))
			}
			d.store(r, both[0], both[1])
		}
	}
	for _, k := range a.kw {
		d.store(r, own(k.name), k.value)
	}
	return d
}

// makeCycler and makeJoiner give objects with a state, which lives in a
// namespace.
func makeCycler(r *run, a *args) Value {
	items := a.pos
	if len(items) == 0 || len(a.kw) > 0 {
		fail("cycler() has no items")
	}
	at := 0
	state := NewDict(3, true)
	show := func() { state.store(r, own("current"), items[at]) }
	state.Set("next", &function{"next", func(*run, *args) Value {
		item := items[at]
		at = (at + 1) % len(items)
		show()
		return item
	}})
	state.Set("reset", &function{"reset", func(*run, *args) Value {
		at = 0
		show()
		return None(0)
	}})
	show()
	return &Namespace{state}
}

func makeJoiner(_ *run, a *args) Value {
	sep := Value(own(", "))
	if given := a.bind(0, "sep")[0]; given != nil {
		sep = given
	}
	used := false
	return &function{"joiner", func(*run, *args) Value {
		if !used {
			used = true
			return own("")
		}
		return sep
	}}
}

// strftimeNow is the time of day by a format of C's strftime.
func strftimeNow(r *run, a *args) Value {
	t := r.clock()
	b := r.builder()
	format := text(a.bind(1, "format")[0])
	escape, pad := false, true
	format.runs(func(run string, trusted bool) {
		for _, c := range run {
			r.step()
			switch {
			case !escape && c == '%':
				escape, pad = true, true
			case !escape:
				b.put(string(c), trusted)
			case c == '-':
				pad = false
			default:
				escape = false
				b.put(strftime(t, c, pad), trusted)
			}
		}
	})
	return b.str()
}

// layouts are Go's for strftime's letters.
var layouts = map[rune]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'f': "000000", 'j': "002", 'D': "01/02/06", 'F': "2006-01-02",
	'T': "15:04:05", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'n': "\n", 't': "\t", '%': "%",
}

var unpadded = map[rune]string{'m': "1", 'd': "2", 'I': "3", 'M': "4", 'S': "5"}

func strftime(t time.Time, c rune, pad bool) string {
	layout, ok := layouts[c]
	if short, shorter := unpadded[c]; shorter && !pad {
		layout = short
	}
	switch {
	case c == 'H' && !pad:
		return integerText(t.Hour())
	case c == 'j' && !pad:
		return integerText(t.YearDay())
	case c == 'f':
		return t.Format(".000000")[1:]
	case c == 'u':
		return integerText((int(t.Weekday())+6)%7 + 1)
	case c == 'w':
		return integerText(int(t.Weekday()))
	case !ok:
		fail("strftime_now does not know %%%c", c)
	}
	return t.Format(layout)
}
