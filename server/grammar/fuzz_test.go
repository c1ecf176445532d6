package grammar

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// fuzzTime bounds what is compiled under a fuzzer: it is about panics and wrong
// masks, not about slow grammars, which a context ends.
const fuzzTime = 5 * time.Second

// fuzzForm compiles a form and, if that works, holds masks on a random walk
// against the bytes of each token.
func fuzzForm(t *testing.T, v *Vocabulary, form Form, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), fuzzTime)
	defer cancel()
	g, err := NewCompiler(v, Config{SourceBytes: 4096}).Compile(ctx, form)
	if err != nil {
		if f, ok := err.(*ask.Fault); !ok || f.Kind == ask.Internal || f.Error() == "" {
			t.Fatalf("%q: %v", form.Source, err)
		}
		return
	}
	random := rand.New(rand.NewPCG(seed, 8))
	m := g.Matcher()
	for range 12 {
		bits := m.Allowed()
		if bits == nil {
			t.Fatalf("%q: all is allowed", form.Source)
		}
		from := random.IntN(v.size)
		token := ask.Token(-1)
		for i := range v.size {
			next := ask.Token((from + i) % v.size)
			if bits[next/64]&(1<<(next%64)) == 0 {
				continue
			}
			if !v.isEnd(next) && !follows(g, m.state, next) || next == controlToken {
				t.Fatalf("%q: %q is allowed", form.Source, v.text(next))
			}
			if token < 0 {
				token = next
			}
		}
		if token < 0 {
			t.Fatalf("%q: nothing is allowed", form.Source)
		}
		if m.Accept(token); token == endToken {
			return
		}
	}
}

func FuzzGBNF(f *testing.F) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 100)
	for _, s := range []string{
		`root ::= "a" [^b-c]* (x | "y"){2,3} . # z` + "\nx ::= [\\x00-\\u00ff]+ | \"(\" root \")\"", "root ::= (\"a\"?)*", "root ::= a\na ::= a",
		"root ::= \"a\"{0,1000000}", "root ::= [\\U0010ffff]?\n|\n", "root::=((((\"a\"))))",
	} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, source string, seed uint64) { fuzzForm(t, v, grammarForm(source), seed) })
}

func FuzzSchema(f *testing.F) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 100)
	for seed := range uint64(20) {
		f.Add((&author{Rand: rand.New(rand.NewPCG(seed, 7))}).document().schema, seed)
	}
	for _, s := range []string{
		`{"allOf":[{"$ref":"#"},{"properties":{"a":{"$ref":"#"}}}]}`, `{"minimum":1e60,"maximum":1e64}`, `{"pattern":"(a?){50}(b|\\p{L})*$","maxLength":9}`,
		`{"items":[{}],"additionalItems":{"$ref":"#/items/0"},"maxItems":0}`, `{"enum":[{"a":1}],"properties":{}}`, `{"minProperties":1,"properties":{"a":false}}`,
	} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, source string, seed uint64) { fuzzForm(t, v, schemaForm(source), seed) })
}
