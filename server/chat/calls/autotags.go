package calls

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
)

// tagCalls is a call in tags of each tool, from its name on to its end.
func (a *auto) tagCalls() string {
	t := a.form.tagged
	end := t.end
	if end == "" {
		end = a.form.closes[len(a.form.closes)-1]
	}
	return a.rule("tag-call", func() string {
		return a.alternatives(func(i int) string {
			name := a.tools[i].Name
			switch {
			case t.nameQuote:
				name = `"` + name + `"` + t.nameEnds[0]
			case t.call != "":
				name += t.nameEnds[0]
			}
			return a.literal(name) + " " + a.blanks() + " " + a.tagArguments(i) + " " + a.literal(end)
		})
	})
}

// tagArguments is a tool's arguments in tags, in the order of its schema.
func (a *auto) tagArguments(tool int) string {
	name := fmt.Sprintf("tags-%d", tool)
	return a.rule(name, func() string {
		s := readArguments(parametersOf(&a.tools[tool]))
		parts := []string{`""`}
		for _, key := range s.keys {
			if a.fault() != nil {
				break // each may come with all definitions
			}
			rule := a.rule(fmt.Sprintf("%s-%d", name, len(parts)), func() string {
				return a.tagArgument(fmt.Sprintf("%s-value-%d", name, len(parts)), key, s)
			})
			if !s.required[key] {
				rule = "( " + rule + " )?"
			}
			parts = append(parts, rule)
		}
		return strings.Join(parts, " ")
	})
}

// tagArgument is an argument with its tags.
func (a *auto) tagArgument(rule, key string, s *argumentSet) string {
	t, of := a.form.tagged, argumentTypes(s.schemas[key])
	open := a.literal(t.key + key)
	if t.nameQuote {
		open = a.literal(t.key + `"` + key + `"`)
	}
	switch {
	case strings.Contains(t.key, "｜DSML｜"):
		open += " " + quoted(fmt.Sprintf(" string=%q", fmt.Sprint(of&stringType != 0)))
	case a.form.name == "kimi-k3":
		open += " ( " + quoted(` type="`+kindOf(of)+`"`) + " )?"
	}
	open += " " + a.literal(t.keyEnd)
	if t.value != "" {
		open += " " + a.blanks() + " " + a.literal(t.value)
	}
	line := ""
	if t.lines {
		line = ` "\n"? `
	}
	return open + line + " " + a.tagValue(rule, key, of, s) + line + " " + a.literal(t.valueEnd) + " " + a.blanks()
}

// kindOf names a set of types in a tag.
func kindOf(of types) string {
	for _, n := range []string{"string", "number", "boolean", "null", "object", "array"} {
		if of&typeNames[n] != 0 {
			return n
		}
	}
	return "object"
}

// tagValue is what stands within the tags of an argument: a string as it is,
// anything else as JSON.
func (a *auto) tagValue(rule, key string, of types, s *argumentSet) string {
	property := s.schemas[key]
	if of&stringType == 0 {
		schema := withDefinitions(property, &s.parameters)
		if schema == nil {
			schema = []byte("true")
		}
		a.schema(rule, schema)
		return rule
	}
	var may argument
	if json.Unmarshal(property, &may) == nil && (len(may.Enum) > 0 || may.Const != nil) {
		values := may.Enum
		if may.Const != nil {
			values = []jsontext.Value{may.Const}
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = quoted(textOf(v))
		}
		return "( " + strings.Join(texts, " | ") + " )"
	}
	return a.without(a.form.tagged.valueEnd)
}

// textOf returns a string's text, and any other value as it is.
func textOf(v jsontext.Value) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	return string(v)
}

// without is any text that a word is not in: a rule for each beginning of the word
// that the text may have at its end (Knuth, Morris and Pratt 1977).
func (a *auto) without(word string) string {
	runes := []rune(word)
	name := func(n int) string { return fmt.Sprintf("text-%d", n) }
	return a.rule(name(0), func() string {
		letters := slices.Clone(runes)
		slices.Sort(letters)
		letters = slices.Compact(letters)
		bodies := make([]string, len(runes))
		for n := range runes {
			ways := []string{`""`, class(letters) + " " + name(0)}
			for _, c := range letters {
				if to := overlap(runes, append(slices.Clone(runes[:n]), c)); to < len(runes) {
					ways = append(ways, quoted(string(c))+" "+name(to))
				}
			}
			bodies[n] = strings.Join(ways, " | ")
		}
		for n := 1; n < len(runes); n++ {
			a.rule(name(n), func() string { return bodies[n] })
		}
		return bodies[0]
	})
}

// overlap returns how long a beginning of word text ends in.
func overlap(word, text []rune) int {
	for n := min(len(word), len(text)); n > 0; n-- {
		if slices.Equal(word[:n], text[len(text)-n:]) {
			return n
		}
	}
	return 0
}

// class returns all characters but some.
func class(but []rune) string {
	var b strings.Builder
	b.WriteString("[^")
	for _, c := range but {
		fmt.Fprintf(&b, `\U%08X`, c)
	}
	return b.String() + "]"
}
