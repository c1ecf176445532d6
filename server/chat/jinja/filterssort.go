package jinja

import (
	"slices"
	"strings"
)

// keyed is an element and what it is sorted by: the keys of a list of
// attributes, or one key. Python does not order lists by keys that are equal,
// and so takes there what cannot be ordered.
type keyed struct {
	keys []Value
	item Value
}

// folded is a key for which case means nothing, if it is not to.
func (r *run) folded(v Value, caseSensitive bool) Value {
	if s, ok := v.(*Str); ok && !caseSensitive {
		return r.cased(s, lower)
	}
	return v
}

func (r *run) keyed(items []Value, attributes []string, caseSensitive bool) []keyed {
	r.takeTimes(len(items), 64)
	all := make([]keyed, len(items))
	for i, item := range items {
		r.step()
		keys := []Value{item}
		if attributes != nil {
			keys = keys[:0]
			for _, attribute := range attributes {
				keys = append(keys, r.attribute(item, own(attribute), nil))
			}
		}
		for k := range keys {
			keys[k] = r.folded(keys[k], caseSensitive)
		}
		all[i] = keyed{keys, item}
	}
	return all
}

// sort sorts stably; equal elements stay in order in both directions.
func (r *run) sort(all []keyed, byList, descending bool) []Value {
	slices.SortStableFunc(all, func(a, b keyed) int {
		r.step()
		var order int
		if byList {
			order, _ = r.itemsOrder(a.keys, b.keys, "<")
		} else {
			order, _ = r.order(a.keys[0], b.keys[0], "<")
		}
		if descending {
			return -order
		}
		return order
	})
	items := make([]Value, len(all))
	for i := range all {
		items[i] = all[i].item
	}
	return items
}

func yes(v Value) bool { return v != nil && truth(v) }

func sortFilter(r *run, v Value, a *args) Value {
	p := a.bind(0, "reverse", "case_sensitive", "attribute")
	var attributes []string
	switch attribute := p[2].(type) {
	case *Str:
		attributes = strings.Split(attribute.text, ",")
	case Int:
		attributes = []string{r.str(attribute).text}
	}
	return &List{items: r.sort(r.keyed(r.items(v), attributes, yes(p[1])), true, number(p[0], 0) != 0), client: fromClient(v)}
}

func dictSort(r *run, v Value, a *args) Value {
	p := a.bind(0, "case_sensitive", "by", "reverse")
	d, ok := use(v).(*Dict)
	if !ok {
		fail("dictsort takes a dict, not '%s'", typeName(v))
	}
	by := "0"
	if p[1] != nil {
		switch text(p[1]).text {
		case "key":
		case "value":
			by = "1"
		default:
			fail("dictsort sorts by key or value")
		}
	}
	return &List{items: r.sort(r.keyed(d.pairs(r), []string{by}, yes(p[0])), false, number(p[2], 0) != 0)}
}

// seen is a set of values, hashable or fails.
func unique(r *run, v Value, a *args) Value {
	p := a.bind(0, "case_sensitive", "attribute")
	seen := map[hash]bool{}
	var kept []Value
	for _, item := range r.items(v) {
		key := item
		if attribute, ok := optional(p[1]); ok {
			key = r.attribute(item, attribute, nil)
		}
		r.take(64)
		if h := r.hash(r.folded(key, yes(p[0]))); !seen[h] {
			seen[h] = true
			kept = append(kept, item)
		}
	}
	return generator(kept)
}

// extreme is max or min: the first of the elements beyond all others.
func extreme(direction int) method {
	return func(r *run, v Value, a *args) Value {
		p := a.bind(0, "case_sensitive", "attribute")
		var best, bestKey Value
		for _, item := range r.items(v) {
			r.step()
			key := item
			if attribute, ok := optional(p[1]); ok {
				key = r.attribute(item, attribute, nil)
			}
			key = r.folded(key, yes(p[0]))
			if best != nil {
				if order, ok := r.order(key, bestKey, "<"); !ok || order*direction <= 0 {
					continue
				}
			}
			best, bestKey = item, key
		}
		if best == nil {
			return &Undefined{"there is no aggregated item: the sequence is empty"}
		}
		return best
	}
}

func sum(r *run, v Value, a *args) Value {
	p := a.bind(0, "attribute", "start")
	total := p[1]
	if total == nil {
		total = Int{}
	}
	if _, ok := total.(*Str); ok {
		fail("sum() can't sum strings")
	}
	items := r.items(v)
	if attribute, ok := optional(p[0]); ok {
		items = r.attributes(items, attribute, nil)
	}
	for _, item := range items {
		r.step()
		total = r.arithmetic("+", total, item)
	}
	return total
}

// groupBy gives pairs of a value of the attribute and the elements that have
// it, sorted by it.
func groupBy(r *run, v Value, a *args) Value {
	p := a.bind(1, "attribute", "default", "case_sensitive")
	otherwise, _ := optional(p[1])
	items := r.items(v)
	r.takeTimes(len(items), 64)
	all := make([]keyed, len(items))
	for i, item := range items {
		all[i] = keyed{[]Value{r.folded(r.attribute(item, p[0], otherwise), yes(p[2]))}, item}
	}
	r.sort(all, false, false)
	var groups []Value
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && r.equal(all[from].keys[0], all[to].keys[0]) {
			to++
		}
		members := make([]Value, 0, to-from)
		for _, k := range all[from:to] {
			members = append(members, k.item)
		}
		r.takeTimes(len(members)+4, 2*valueBytes)
		groups = append(groups, &Tuple{
			items: []Value{r.attribute(members[0], p[0], otherwise), &List{items: members}},
			names: []string{"grouper", "list"},
		})
		from = to
	}
	return &List{items: groups}
}
