package schema

import (
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// isStructural reports whether a keyword is about the parts of a value.
func isStructural(name string) bool {
	switch name {
	case "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties",
		"unevaluatedProperties",
		"items", "prefixItems", "additionalItems", "minItems", "maxItems", "unevaluatedItems":
		return true
	}
	return false
}

// of returns a keyword of a schema, with a nil value if it is not there.
func (b *builder) of(s *spec, at located, name string) keyword {
	return keyword{b, s, at, name, at.schema.get(name), below(at.pointer, name)}
}

// rest reads a schema about all parts without one of their own.
func (k *keyword) rest() (rest, error) {
	switch {
	case k.value == nil:
		return rest{}, nil
	case k.value.kind == falseKind:
		return rest{said: true, never: true}, nil
	case k.value.kind == trueKind:
		return rest{said: true}, nil
	case k.value.kind == objectKind:
		return rest{said: true, list: list{{k.value, k.pointer}}}, nil
	}
	return rest{}, k.invalid("a schema is expected: an object, true or false")
}

// objectKeywords merges what a schema says of objects.
func (b *builder) objectKeywords(s *spec, at located) error {
	k := b.of(s, at, "additionalProperties")
	additional, err := k.rest()
	if err != nil {
		return err
	}
	o := &s.object
	if k := b.of(s, at, "properties"); k.value != nil || additional.said {
		if err := k.properties(additional); err != nil {
			return err
		}
	}
	o.additional = o.additional.and(additional)
	for _, read := range []struct {
		name string
		read func(*keyword) error
	}{
		{"required", (*keyword).required}, {"patternProperties", (*keyword).patternProperties}, {"propertyNames", (*keyword).propertyNames},
		{"unevaluatedProperties", (*keyword).unevaluated},
		{"minProperties", (*keyword).sizes}, {"maxProperties", (*keyword).sizes},
	} {
		if k := b.of(s, at, read.name); k.value != nil {
			s.about(typeObject)
			if err := read.read(&k); err != nil {
				return err
			}
		}
	}
	return nil
}

// properties merges those of a schema with those that others have named: each
// must also be what the other says of properties that it does not name.
func (k *keyword) properties(additional rest) error {
	if k.value != nil && k.value.kind != objectKind {
		return k.invalid("an object of schemas is expected")
	}
	k.spec.about(typeObject)
	o := &k.spec.object
	var named []member
	if k.value != nil {
		named = k.value.members
	}
	index := make(map[string]int, len(o.properties))
	for i, p := range o.properties {
		index[p.name] = i
	}
	here := make(map[string]bool, len(named))
	others := o.additional
	// Each list is compared with what is added to it.
	if err := k.b.spend(k.pointer, (len(named)+len(o.properties))*(1+len(additional.list))*(1+len(others.list))/4); err != nil {
		return err
	}
	for _, m := range named {
		here[m.name] = true
		at := located{m.value, below(k.pointer, m.name)}
		if i, ok := index[m.name]; ok {
			o.properties[i].list = o.properties[i].list.with(at)
		} else {
			o.properties = append(o.properties, property{m.name, others.list.with(at), others.never})
		}
	}
	for i := range o.properties {
		if p := &o.properties[i]; !here[p.name] {
			p.list = p.list.with(additional.list...)
			p.forbidden = p.forbidden || additional.never
		}
	}
	return nil
}

func (k *keyword) required() error {
	if k.value.kind != arrayKind {
		if k.value.kind == trueKind || k.value.kind == falseKind {
			return nil // of draft 3, about the property itself
		}
		return k.invalid("an array of names is expected")
	}
	have := make(map[string]bool, len(k.spec.object.required))
	for _, name := range k.spec.object.required {
		have[name] = true
	}
	for _, v := range k.value.items {
		if v.kind != stringKind {
			return k.invalid("an array of names is expected")
		}
		if !have[v.text] {
			have[v.text] = true
			k.spec.object.required = append(k.spec.object.required, v.text)
		}
	}
	return nil
}

func (k *keyword) patternProperties() error {
	o := &k.spec.object
	if k.value.kind != objectKind {
		return k.invalid("an object of schemas is expected")
	}
	for _, m := range k.value.members {
		if o.keyPattern != "" || m.name == "" {
			return k.unsupported("more than one pattern, or an empty one: use one, or additionalProperties")
		}
		pattern, err := k.translated(m.name)
		if err != nil {
			return err
		}
		o.keyPattern, o.values = pattern, list{{m.value, below(k.pointer, m.name)}}
	}
	return nil
}

func (k *keyword) propertyNames() error {
	k.spec.object.names = k.spec.object.names.with(located{k.value, k.pointer})
	return nil
}

func (k *keyword) unevaluated() error {
	switch k.value.kind {
	case trueKind:
	case falseKind:
		k.spec.object.isClosed = true
	default:
		return k.unsupported("%s with a schema is not supported: use additionalProperties or items, or set it to false", k.name)
	}
	return nil
}

func (k *keyword) sizes() error {
	n, err := k.count()
	if err != nil {
		return err
	}
	narrow(&k.spec.object.least, &k.spec.object.most, k.name == "minProperties", n)
	return nil
}

// object is the objects that a spec allows.
func (b *builder) object(s *spec) (*syntax.Expr, error) {
	o := &s.object
	if err := b.requireUnnamed(s); err != nil {
		return nil, err
	}
	properties := slices.DeleteFunc(slices.Clone(o.properties), func(p property) bool { return p.forbidden })
	for _, p := range o.properties {
		if p.forbidden && slices.Contains(o.required, p.name) {
			return syntax.Never(), nil
		}
	}
	key, value, err := b.unnamed(s)
	if err != nil {
		return nil, err
	}
	if err := b.checkNames(s, key != nil); err != nil {
		return nil, err
	}
	if len(o.properties) == 0 {
		return b.dictionary(s, key, value)
	}
	return b.record(s, properties, key, value)
}

// requireUnnamed makes properties of the required names that have no schema.
func (b *builder) requireUnnamed(s *spec) error {
	o := &s.object
	named := make(map[string]bool, len(o.properties))
	for _, p := range o.properties {
		named[p.name] = true
	}
	for _, name := range o.required {
		if named[name] {
			continue
		}
		if o.keyPattern != "" {
			return b.unsupported(below(s.pointer, "required"), "%q has no schema beside patternProperties: name it in properties, and leave out the pattern", ask.Clip(name, ask.QuotedBytes))
		}
		o.properties = append(o.properties, property{name, o.additional.list, o.additional.never || o.isClosed && !o.additional.said})
	}
	return nil
}

// unnamed returns the names and values of properties that have no schema of their
// own, nil if there are none.
func (b *builder) unnamed(s *spec) (key, value *syntax.Expr, err error) {
	o := &s.object
	if o.keyPattern != "" {
		if len(o.properties) > 0 || len(o.names) > 0 || o.additional.said && !o.additional.never {
			return nil, nil, b.unsupported(below(s.pointer, "patternProperties"), "patternProperties is supported without properties and propertyNames, and with additionalProperties false: leave one of them out")
		}
		key, err = b.patterned(s.pointer, textSpec{most: syntax.Unbounded, patterns: []string{o.keyPattern}})
		if err != nil {
			return nil, nil, err
		}
		value, err = b.part(o.values)
		return key, value, err
	}
	closed := o.additional.never || !o.additional.said && (o.isClosed || len(o.properties) > 0)
	if closed {
		return nil, nil, nil
	}
	if value, err = b.part(o.additional.list); err != nil {
		return nil, nil, err
	}
	switch {
	case len(o.properties) > 0:
		key = b.otherNames(o.properties)
	case len(o.names) > 0:
		texts := located{&stringSchema, "string"}
		key = b.ref(o.names.with(texts))
	default:
		key = b.anyString()
	}
	return key, value, nil
}

// stringSchema is the schema of strings.
var stringSchema = value{kind: objectKind, members: []member{{"type", &value{kind: stringKind, text: "string"}}}}

// checkNames refuses propertyNames where it cannot be honoured.
func (b *builder) checkNames(s *spec, isOpen bool) error {
	o := &s.object
	if len(o.names) == 0 || len(o.properties) == 0 && isOpen {
		return nil
	}
	for _, n := range o.names {
		for _, m := range n.schema.members {
			_, says := keywords[m.name]
			if says && !(m.name == "type" && m.value.text == "string") || m.name == "$ref" || m.name == "anyOf" || m.name == "allOf" || m.name == "oneOf" {
				return b.unsupported(n.pointer, "propertyNames beside properties is not supported: leave one of them out")
			}
		}
	}
	return nil
}
