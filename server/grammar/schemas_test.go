package grammar

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weirgo/weir/server/ask"
)

// TestRandomSchemas writes schemas. What a grammar lets a random model say is
// valid by its schema, as another implementation reads it, and what is valid can
// be said.
func TestRandomSchemas(t *testing.T) {
	schemas := 1000
	if testing.Short() {
		schemas = 100
	}
	for seed := range uint64(schemas) {
		a := &author{Rand: rand.New(rand.NewPCG(seed, 7))}
		s := a.document()
		check, err := validator(s.schema)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, s.schema, err)
		}
		v := toy(a.Rand, 60)
		g := compiled(t, v, schemaForm(s.schema))
		for range 3 {
			text := s.value()
			if err := check(text); err != nil {
				t.Fatalf("seed %d: the test is wrong: %s\n%s\n%v", seed, s.schema, text, err)
			}
			if !accepts(g, text) {
				t.Errorf("seed %d: a valid value is refused\n%s\n%s", seed, s.schema, text)
			}
		}
		for range 3 {
			text := walk(t, g.Matcher(), a.Rand, 60)
			if err := check(text); err != nil {
				t.Errorf("seed %d: what was said is not valid\n%s\n%s\n%v", seed, s.schema, text, err)
			}
		}
	}
}

// validator returns what validates by a schema.
func validator(source string) (func(text string) error, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return nil, err
	}
	return func(text string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return fmt.Errorf("no JSON: %w", err)
		}
		return compiled.Validate(value)
	}, nil
}

// walk draws allowed tokens at random, and after some of them such that the text
// comes to its end. It returns the text.
func walk(t testing.TB, m *Matcher, random *rand.Rand, free int) string {
	t.Helper()
	var text []byte
	for n := 0; n < 20_000; n++ {
		bits := m.Allowed()
		has := func(token ask.Token) bool { return bits[token/64]&(1<<(token%64)) != 0 }
		token := ask.Token(-1)
		if n < free {
			for range 200 { // likelier a long one
				if token = ask.Token(random.IntN(m.grammar.vocabulary.size)); has(token) {
					break
				}
			}
		}
		if token < 0 || !has(token) {
			token = closing(has, random, inString(text))
		}
		if token < 0 || token == controlToken {
			t.Fatalf("token %d after %q", token, text)
		}
		m.Accept(token)
		if token == endToken {
			return string(text)
		}
		text = append(text, m.grammar.vocabulary.text(token)...)
	}
	t.Fatalf("no end after %d bytes: … %q", len(text), text[len(text)-200:])
	return ""
}

// closing chooses a token that leads to the end, as far as one can tell.
func closing(has func(ask.Token) bool, random *rand.Rand, inString bool) ask.Token {
	if has(endToken) {
		return endToken
	}
	order := `}]"ntf0123456789,`
	if inString {
		order = `"`
	}
	for _, b := range []byte(order) {
		if has(ask.Token(b)) {
			return ask.Token(b)
		}
	}
	from := random.IntN(256)
	for i := range 256 {
		if token := ask.Token((from + i) % 256); has(token) {
			return token
		}
	}
	return -1
}

// inString reports whether a text ends within a JSON string.
func inString(text []byte) bool {
	in := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			in = !in
		case text[i] == '\\' && in:
			i++
		}
	}
	return in
}
