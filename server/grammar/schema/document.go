package schema

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep a schema's JSON nests.
const maxDepth = 128

// value is JSON, with the members of objects in their order.
type value struct {
	kind    jsontext.Kind
	text    string // a string's text, a number as written
	members []member
	items   []*value
}

type member struct {
	name  string
	value *value
}

// get returns a member, nil if there is none or v is no object.
func (v *value) get(name string) *value {
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// parse reads one JSON value and nothing after it.
func parse(source []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(source))
	v, err := read(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the schema")
	}
	return v, nil
}

// read calls itself no deeper than maxDepth.
func read(d *jsontext.Decoder, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests more than %d deep", maxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	v := &value{kind: t.Kind()}
	switch v.kind {
	case '"', '0':
		v.text = t.String()
	case '{', '[':
		for d.PeekKind() != '}' && d.PeekKind() != ']' {
			var name string
			if v.kind == '{' {
				t, err := d.ReadToken()
				if err != nil {
					return nil, fmt.Errorf("it is no JSON: %w", err)
				}
				name = t.String()
			}
			part, err := read(d, depth+1)
			if err != nil {
				return nil, err
			}
			if v.kind == '{' {
				v.members = append(v.members, member{name, part})
			} else {
				v.items = append(v.items, part)
			}
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
	}
	return v, nil
}

// append writes the value without blanks. A canonical one is the same for all
// that are equal, however numbers are written and members ordered.
func (v *value) append(dst []byte, canonical bool) []byte {
	switch v.kind {
	case '"':
		return append(dst, quoted(v.text)...)
	case '0':
		if r := v.number(); canonical && r != nil {
			return append(dst, r.RatString()...)
		}
		return append(dst, v.text...)
	case '{':
		members := v.members
		if canonical {
			members = slices.SortedFunc(slices.Values(members), func(a, b member) int { return strings.Compare(a.name, b.name) })
		}
		dst = append(dst, '{')
		for i, m := range members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quoted(m.name)...), ':')
			dst = m.value.append(dst, canonical)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.append(dst, canonical)
		}
		return append(dst, ']')
	}
	return append(dst, v.kind.String()...)
}

// String returns the value without blanks.
func (v *value) String() string { return string(v.append(nil, false)) }

// canonical returns what two values have alike if they are equal.
func (v *value) canonical() string { return string(v.append(nil, true)) }

// quoted is text as a JSON string.
func quoted(text string) string {
	b, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return strconv.Quote(text) // not reached: texts come from JSON
	}
	return string(b)
}

// number returns a JSON number's value, nil if it is too large or too fine to be
// the bound of anything.
func (v *value) number() *big.Rat {
	if v.kind != '0' || len(v.text) > 64 {
		return nil
	}
	if at := strings.IndexAny(v.text, "eE"); at >= 0 {
		if e, err := strconv.Atoi(v.text[at+1:]); err != nil || e < -maxDigits || e > maxDigits {
			return nil
		}
	}
	r, ok := new(big.Rat).SetString(v.text)
	if !ok {
		return nil
	}
	return r
}

// count returns a number of things, false if it is none.
func (v *value) count() (int, bool) {
	r := v.number()
	if r == nil || !r.IsInt() || r.Sign() < 0 || !r.Num().IsInt64() || r.Num().Int64() > maxCount {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

// find returns what a JSON pointer, in the form of a fragment without "#",
// points to; nil if there is nothing.
func (v *value) find(pointer string) *value {
	if pointer == "" {
		return v
	}
	if pointer[0] != '/' {
		return nil
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		part = unescape(part)
		switch v.kind {
		case '{':
			v = v.get(part)
		case '[':
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v.items) {
				return nil
			}
			v = v.items[i]
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	return v
}
