package jinja

import (
	"fmt"
	"iter"
	"math"
	"strconv"
)

// Dict is Python's dict: keys of any hashable type, in the order they came. No
// template can change it.
type Dict struct {
	entries []entry
	index   map[hash]int // once there are many
	client  bool
}

// entry has no key where the hash says all: a string with the dict's origin.
type entry struct {
	hash       hash
	key, value Value
}

// name returns an entry's key; client is the dict's.
func (e *entry) name(client bool) Value {
	if e.key == nil {
		return &Str{text: e.hash.text, trusted: !client}
	}
	return e.key
}

// hash is the same for keys that Python takes for equal.
type hash struct {
	kind byte
	text string
}

// manyEntries are found by the index; fewer by looking at each.
const manyEntries = 8

// NewDict returns an empty dict with room for n entries.
func NewDict(n int, trusted bool) *Dict {
	return &Dict{entries: make([]entry, 0, n), client: !trusted}
}

// Len returns the number of entries.
func (d *Dict) Len() int { return len(d.entries) }

// Set gives a dict that no template has yet a value under a name.
func (d *Dict) Set(name string, v Value) {
	d.put(hash{'s', name}, nil, v)
}

// Get returns the value under a name.
func (d *Dict) Get(name string) (Value, bool) { return d.find(hash{'s', name}) }

// All yields the values under names, in order.
func (d *Dict) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i := range d.entries {
			if e := &d.entries[i]; e.hash.kind == 's' && !yield(e.hash.text, e.value) {
				return
			}
		}
	}
}

func (d *Dict) find(h hash) (Value, bool) {
	if at := d.at(h); at >= 0 {
		return d.entries[at].value, true
	}
	return nil, false
}

func (d *Dict) at(h hash) int {
	if d.index != nil {
		if at, ok := d.index[h]; ok {
			return at
		}
		return -1
	}
	for i := range d.entries {
		if d.entries[i].hash == h {
			return i
		}
	}
	return -1
}

func (d *Dict) put(h hash, key, v Value) {
	if at := d.at(h); at >= 0 {
		d.entries[at].value = v
		return
	}
	d.entries = append(d.entries, entry{h, key, v})
	switch n := len(d.entries); {
	case d.index != nil:
		d.index[h] = n - 1
	case n > manyEntries:
		d.index = make(map[hash]int, 2*n)
		for i := range d.entries {
			d.index[d.entries[i].hash] = i
		}
	}
}

// store is d[key] = v, paid for.
func (d *Dict) store(r *run, key, v Value) {
	r.take(64)
	h := r.hash(key)
	if s, ok := key.(*Str); ok && s.cuts == nil && s.trusted != d.client {
		key = nil
	}
	d.put(h, key, v)
}

// keys, values and pairs list a dict's contents.
func (d *Dict) keys(r *run) []Value {
	r.takeTimes(len(d.entries), 64)
	keys := make([]Value, len(d.entries))
	for i := range d.entries {
		keys[i] = d.entries[i].name(d.client)
	}
	return keys
}

func (d *Dict) values(r *run) []Value {
	r.takeTimes(len(d.entries), valueBytes)
	values := make([]Value, len(d.entries))
	for i := range d.entries {
		values[i] = d.entries[i].value
	}
	return values
}

func (d *Dict) pairs(r *run) []Value {
	r.takeTimes(len(d.entries), 160)
	pairs := make([]Value, len(d.entries))
	both := make([]Value, 2*len(d.entries))
	tuples := make([]Tuple, len(d.entries))
	for i := range d.entries {
		both[2*i], both[2*i+1] = d.entries[i].name(d.client), d.entries[i].value
		tuples[i].client = d.client
		tuples[i].items = both[2*i : 2*i+2 : 2*i+2]
		pairs[i] = &tuples[i]
	}
	return pairs
}

// hash fails for what cannot be a key.
func (r *run) hash(v Value) hash {
	switch v := v.(type) {
	case *Str:
		return hash{'s', v.text}
	case None:
		return hash{'0', ""}
	case *Undefined:
		return hash{'u', ""}
	case Bool:
		return hash{'n', strconv.Itoa(int(v & 1))}
	case Int:
		return hash{'n', strconv.FormatInt(v.n, 10)}
	case *Big:
		return hash{'n', v.n.String()}
	case Float:
		if v.f == math.Trunc(v.f) && !math.IsInf(v.f, 0) {
			return hash{'n', strconv.FormatFloat(v.f, 'f', 0, 64)}
		}
		return hash{'f', strconv.FormatFloat(v.f, 'g', -1, 64)}
	case *Tuple:
		r.descend()
		defer r.ascend()
		all := []byte{}
		for _, item := range v.items {
			h := r.hash(item)
			r.take(len(h.text) + 8)
			all = append(append(all, h.kind), strconv.Itoa(len(h.text))...)
			all = append(append(all, ':'), h.text...)
		}
		return hash{'t', string(all)}
	case *List, *Dict:
		fail("unhashable type: '%s'", typeName(v))
	}
	return hash{'p', fmt.Sprintf("%p", v)}
}
