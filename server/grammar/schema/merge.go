package schema

import "slices"

// merge adds to a spec what schemas say, and those that they refer to. What is
// left is choices.
func (b *builder) merge(s *spec, l list) error {
	todo := slices.Clone(l)
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if slices.Contains(s.seen, next.pointer) {
			continue
		}
		if err := b.spend(next.pointer, mergeWork+len(s.seen)/8); err != nil {
			return err
		}
		if s.seen = append(s.seen, next.pointer); len(s.seen) > maxMerged {
			return b.unsupported(s.pointer, "more than %d schemas apply at once: use fewer", maxMerged)
		}
		switch next.schema.kind {
		case trueKind:
		case falseKind:
			s.never = true
		case objectKind:
			more, err := b.schema(s, next)
			if err != nil {
				return err
			}
			todo = append(todo, more...)
		default:
			return b.invalid(next.pointer, "a schema is an object, true or false")
		}
	}
	return nil
}

// schema adds what one schema says itself, and returns those that apply as well.
func (b *builder) schema(s *spec, at located) (more list, err error) {
	for _, m := range at.schema.members {
		k := keyword{b, s, at, m.name, m.value, below(at.pointer, m.name)}
		switch m.name {
		case "$ref":
			target, err := k.target()
			if err != nil {
				return nil, err
			}
			more = append(more, target)
		case "allOf", "anyOf", "oneOf":
			parts, err := k.schemas()
			if err != nil {
				return nil, err
			}
			if m.name == "allOf" {
				more = append(more, parts...)
			} else {
				s.choices = append(s.choices, parts)
			}
		default:
			if read, ok := keywords[m.name]; ok {
				if err := read(&k); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := b.objectKeywords(s, at); err != nil {
		return nil, err
	}
	return more, b.arrayKeywords(s, at)
}

// target returns what a $ref refers to.
func (k *keyword) target() (located, error) {
	if k.value.kind != stringKind {
		return located{}, k.invalid("a text is expected")
	}
	pointer, ok := fragment(k.value.text)
	if !ok {
		return located{}, k.unsupported("%q is another document: put its schema under #/$defs", k.value.text)
	}
	target := k.b.root.find(pointer)
	if target == nil {
		return located{}, k.invalid("%q refers to nothing: put a schema there", k.value.text)
	}
	return located{target, pointer}, nil
}

// isLink reports whether a schema says no more than that others apply.
func isLink(v *value) bool {
	for _, m := range v.members {
		_, says := keywords[m.name]
		if says || isStructural(m.name) || m.name == "allOf" || m.name == "anyOf" || m.name == "oneOf" {
			return false
		}
	}
	return v.get("$ref") != nil
}

// straight follows references that say nothing else, so that what is referred to
// is one rule wherever it is used.
func (b *builder) straight(at located) (located, error) {
	for range maxMerged {
		if at.schema.kind != objectKind || !isLink(at.schema) {
			return at, nil
		}
		k := keyword{b, nil, at, "$ref", at.schema.get("$ref"), below(at.pointer, "$ref")}
		next, err := k.target()
		if err != nil {
			return at, err
		}
		at = next
	}
	return at, b.invalid(at.pointer, "the reference leads to itself: let it lead to a schema")
}

// branches returns a spec's alternatives: one branch of each choice, merged.
func (b *builder) branches(s *spec) ([]*spec, error) {
	all := []*spec{s}
	var done []*spec
	for len(all) > 0 {
		s := all[len(all)-1]
		all = all[:len(all)-1]
		if s.never {
			continue
		}
		if len(s.choices) == 0 {
			done = append(done, s)
		} else {
			choice := s.choices[0]
			for i := len(choice) - 1; i >= 0; i-- { // so that the first is taken first
				branch := s.clone()
				branch.choices = slices.Clone(s.choices[1:])
				if err := b.merge(branch, list{choice[i]}); err != nil {
					return nil, err
				}
				all = append(all, branch)
			}
		}
		if len(all)+len(done) > maxBranches {
			return nil, b.unsupported(s.pointer, "anyOf and oneOf combine in more than %d ways: use fewer", maxBranches)
		}
	}
	return done, nil
}
