package grammar

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// large makes a vocabulary of about the size and the shares of a real one: words
// with and without a space, code, numbers, parts of characters.
var large = sync.OnceValue(func() *Vocabulary {
	random := rand.New(rand.NewPCG(3, 3))
	texts := make([]string, 258, 152_000)
	for b := range 256 {
		texts[b] = string([]byte{byte(b)})
	}
	texts = append(texts, pieces...)
	syllables := []string{"er", "in", "st", "a", "th", "re", "on", "ing", "é", "ло", "的", "co", "de", "un", "ly", "S", "X", "_", "o", "m"}
	marks := []string{`"`, `":`, "\n", `\`, "(", ");\n", "\t", "\xe2", "\xf0\x9f", "{", "}", "  "}
	for len(texts) < cap(texts) {
		s := ""
		if random.IntN(2) == 0 {
			s = " "
		}
		for range 1 + random.IntN(4) {
			s += syllables[random.IntN(len(syllables))]
		}
		if random.IntN(9) == 0 {
			s += marks[random.IntN(len(marks))]
		}
		texts = append(texts, s)
	}
	return NewVocabulary(len(texts), func(dst []byte, t ask.Token) []byte { return append(dst, texts[t]...) },
		func(t ask.Token) bool { return t == endToken })
})

var benchForms = []struct {
	name, text string
	form       Form
}{
	{"json", `{"name": "the quick brown fox", "list": [1, 2, {"a": null}]}`, Form{Format: ask.Format{Kind: ask.FormatJSON}}},
	{"schema", `{"name": "the quick brown fox", "age": 12, "tags": ["a", "bc"], "code": "AB-12"}`, schemaForm(
		`{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},"tags":{"type":"array","items":{"type":"string","maxLength":20}},"code":{"pattern":"^[A-Z]{2}-[0-9]{2}$"}},"required":["name","age","tags","code"]}`)},
	{"open", `{"name": "x", "other": {"y": "z"}}`, schemaForm(`{"type":"object","properties":{"name":{"type":"string"}},"additionalProperties":true}`)},
	{"gbnf", `{"name": "the quick brown fox", "list": [1, 2, {"a": null}]}`, grammarForm(`root ::= object
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= "-"? [0-9]+ ("." [0-9]+)? ws
ws ::= [ \t\n]*`)},
	{"dot", "the quick brown fox", grammarForm(`root ::= [a-z ]* | .*`)},
}

// BenchmarkToken is what a token costs when its states are known, and
// BenchmarkLearn when none is.
func BenchmarkToken(b *testing.B) {
	for _, f := range benchForms {
		b.Run(f.name, func(b *testing.B) {
			g := compiled(b, large(), f.form)
			m := g.Matcher()
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if at == len(f.text) {
					m, at = g.Matcher(), 0
				}
				m.Allowed()
				m.Accept(ask.Token(f.text[at]))
				at++
			}
		})
	}
}

func BenchmarkLearn(b *testing.B) {
	for _, f := range benchForms {
		b.Run(f.name, func(b *testing.B) {
			tokens, worst := 0, int64(0)
			for b.Loop() {
				b.StopTimer()
				g, err := Compile(context.Background(), f.form.Format, large())
				if err != nil {
					b.Fatal(err)
				}
				m := g.Matcher()
				b.StartTimer()
				for i := range len(f.text) {
					before := b.Elapsed()
					m.Allowed()
					worst = max(worst, int64(b.Elapsed()-before))
					m.Accept(ask.Token(f.text[i]))
					tokens++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(tokens), "ns/token")
			b.ReportMetric(float64(worst), "ns/worst")
		})
	}
}

func BenchmarkVocabulary(b *testing.B) {
	v := large()
	for b.Loop() {
		NewVocabulary(v.size, func(dst []byte, t ask.Token) []byte { return append(dst, v.text(t)...) }, v.isEnd)
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, f := range benchForms {
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Compile(context.Background(), f.form.Format, large()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
