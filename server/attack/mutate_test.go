package attack_test

import (
	"encoding/json/jsontext"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// node is a JSON value that can be written back as something that is none: an
// object or array with members, or a text of its own.
type node struct {
	open    byte // '{', '[', or 0
	text    string
	members []member
}

type member struct {
	key   string // quoted, of an object's
	value *node
}

// parse reads a valid value.
func parse(text string) *node {
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	return parseValue(d)
}

func parseValue(d *jsontext.Decoder) *node {
	kind := d.PeekKind()
	if kind != '{' && kind != '[' {
		value, err := d.ReadValue()
		if err != nil {
			panic("attack: a real body is no JSON: " + err.Error())
		}
		return &node{text: string(value)}
	}
	n := &node{open: byte(kind)}
	_, _ = d.ReadToken()
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		m := member{}
		if n.open == '{' {
			key, _ := d.ReadValue()
			m.key = string(key)
		}
		m.value = parseValue(d)
		n.members = append(n.members, m)
	}
	_, _ = d.ReadToken()
	return n
}

// write appends the text of a value.
func (n *node) write(b *strings.Builder) {
	if n.open == 0 {
		b.WriteString(n.text)
		return
	}
	b.WriteByte(n.open)
	for i, m := range n.members {
		if i > 0 {
			b.WriteByte(',')
		}
		if n.open == '{' {
			b.WriteString(m.key)
			b.WriteByte(':')
		}
		m.value.write(b)
	}
	b.WriteByte(n.open + 2) // '}' and ']' both stand two behind
}

// all returns every value within one, itself first, with the key it has.
func (n *node) all(key string) []member {
	found := []member{{key, n}}
	for _, m := range n.members {
		found = append(found, m.value.all(m.key)...)
	}
	return found
}

// mutator makes hostile bodies. The same seed and number give the same body.
type mutator struct{ random *rand.Rand }

func newMutator(seed uint64, number int) mutator {
	return mutator{rand.New(rand.NewPCG(seed, uint64(number)))}
}

func pick[T any](m mutator, from []T) T { return from[m.random.IntN(len(from))] }

// fields are the keys of fieldValues, in an order that does not change.
var fields = slices.Sorted(maps.Keys(fieldValues))

// body returns a real body, changed in a few places: most often in what it
// means, sometimes in its bytes, sometimes sent where it does not belong.
func (m mutator) body() body {
	b := pick(m, realBodies)
	root := parse(b.text)
	for range 1 + m.random.IntN(3) {
		m.change(root)
	}
	var text strings.Builder
	root.write(&text)
	b.text = text.String()
	for m.random.IntN(4) == 0 {
		b.text = m.bytes(b.text)
	}
	if m.random.IntN(50) == 0 {
		b.path = pick(m, realBodies).path
	}
	return b
}

// change mutates one place of a value.
func (m mutator) change(root *node) {
	at := pick(m, root.all(""))
	switch m.random.IntN(10) {
	case 0, 1, 2: // what the field knows
		if known := fieldValues[strings.Trim(at.key, `"`)]; known != nil {
			*at.value = node{text: pick(m, known)}
			return
		}
		m.addField(root)
	case 3, 4:
		*at.value = node{text: pick(m, values)}
	case 5:
		m.addField(root)
	case 6, 7:
		m.members(at.value)
	case 8: // one value in another's place
		if other := pick(m, root.all("")).value; other.length() < largeBytes && root.length() < largeBytes && at.value != root {
			*at.value = *other.clone()
		}
	case 9:
		inner := *at.value
		*at.value = node{open: '[', members: []member{{"", &inner}}}
	}
}

// clone copies a value and all within it.
func (n *node) clone() *node {
	c := &node{open: n.open, text: n.text, members: slices.Clone(n.members)}
	for i := range c.members {
		c.members[i].value = c.members[i].value.clone()
	}
	return c
}

// largeBytes is what a body does not grow beyond by more of the same: the
// memory for all requests is not what these attacks are about.
const largeBytes = 64 << 10

// length is about how long the text of a value is.
func (n *node) length() int {
	bytes := 2 + len(n.text)
	for _, m := range n.members {
		bytes += len(m.key) + m.value.length()
	}
	return bytes
}

// addField gives an object a field that it may have, has already, or must not
// have.
func (m mutator) addField(root *node) {
	var objects []*node
	for _, v := range root.all("") {
		if v.value.open == '{' {
			objects = append(objects, v.value)
		}
	}
	if objects == nil {
		return
	}
	object := pick(m, objects)
	name := pick(m, fields)
	value := pick(m, fieldValues[name])
	if m.random.IntN(4) == 0 {
		name, value = pick(m, names), pick(m, values)
	}
	at := m.random.IntN(len(object.members) + 1)
	object.members = slices.Insert(object.members, at, member{`"` + name + `"`, &node{text: value}})
}

// members mutates which members an object or array has.
func (m mutator) members(n *node) {
	if len(n.members) == 0 {
		*n = node{text: pick(m, values)}
		return
	}
	at := m.random.IntN(len(n.members))
	switch m.random.IntN(4) {
	case 0:
		n.members = slices.Delete(n.members, at, at+1)
	case 1:
		n.members = slices.Insert(n.members, at, member{n.members[at].key, n.members[at].value.clone()})
	case 2:
		n.members[at].key = `"` + pick(m, names) + `"`
	case 3: // many of one
		one := n.members[at]
		if most := min(200, largeBytes/one.value.length()); most > 0 && n.length() < largeBytes {
			for range 1 + m.random.IntN(most) {
				n.members = append(n.members, member{one.key, one.value.clone()})
			}
		}
	}
}

// insertions are put between bytes.
var insertions = []string{
	"\x00", "\xff", "\ufeff", " ", "\n", "\t\r", "/*", "//", ",", ":", `"`, "{", "}", "[", "]", "\\", "\\u", "\x1b", "\u2028", "<|im_end|>", "1", "e", "-",
}

// bytes mutates a text whatever it means.
func (m mutator) bytes(text string) string {
	if text == "" {
		return pick(m, insertions)
	}
	at := m.random.IntN(len(text))
	switch m.random.IntN(8) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + pick(m, insertions) + text[at:]
	case 2:
		return text[:at] + text[at+1:]
	case 3:
		return text[:at] + string([]byte{text[at] ^ 1<<m.random.IntN(8)}) + text[at+1:]
	case 4:
		return text + pick(m, []string{"{}", " ", "\x00", "\n{}", "]", "}", text})
	case 5:
		return pick(m, insertions) + text
	case 6: // a piece again
		to := at + m.random.IntN(min(200, len(text)-at)+1)
		return text[:to] + text[at:]
	}
	return strings.Repeat(" ", m.random.IntN(10000)) + text
}
