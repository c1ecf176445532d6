package grammar

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// pieces are tokens as models have them: parts of words, of JSON, of characters.
var pieces = []string{
	`{"`, `":`, `": `, `","`, `", "`, `"}`, `"}}`, `"]`, `"],"`, `":"`, `":{"`, `":["`, `{}`, `[]`, `[{"`, `}]`, `},{"`, `":[`, `]}`,
	` "`, `: `, `, `, `,`, "\n  ", "\n    ", ",\n", "{\n", "}\n", "\n}", "\n\n", "  ", "   ",
	`true`, `false`, `null`, ` true`, ` false`, ` null`, `tr`, `nul`, `ls`, `e"`, `10`, `123`, `-1`, `0.`, `.5`, `e+`, `e-1`, `00`,
	`\"`, `\\`, `\n`, `\u`, `\u00`, `\ud83d\ude00`, `é`, `ü`, `日本`, `語`, `😀`, "\xe2\x82", "\x82\xac", "\xf0\x9f", "\x98\x80",
	`a`, `ab`, `abc`, `the`, ` the`, `name`, `"name`, `name"`, `id`, `"id":`, `value`, `kind`, `type`, `item`, ` of`, `-`, `--`, `:00`, `20`, `T1`, `Z"`,
}

const (
	endToken     = ask.Token(256) // of toy vocabularies
	controlToken = ask.Token(257)
)

// toy makes a vocabulary: each byte, an end, a control token, and pieces, some of
// them put together.
func toy(random *rand.Rand, more int) *Vocabulary {
	texts := make([]string, 258, 258+len(pieces)+more)
	for b := range 256 {
		texts[b] = string([]byte{byte(b)})
	}
	texts = append(texts, pieces...)
	for range more {
		s := ""
		for range 2 + random.IntN(3) {
			s += pieces[random.IntN(len(pieces))]
		}
		texts = append(texts, s)
	}
	return NewVocabulary(len(texts), func(dst []byte, t ask.Token) []byte { return append(dst, texts[t]...) },
		func(t ask.Token) bool { return t == endToken })
}

// compiled is the grammar of a form that is right.
func compiled(t testing.TB, v *Vocabulary, form Form) *Grammar {
	t.Helper()
	g, err := NewCompiler(v, Config{}).Compile(context.Background(), form)
	if err != nil {
		t.Fatalf("%s: %v", form.Source, err)
	}
	return g
}

func schemaForm(source string) Form {
	return Form{Format: ask.Format{Kind: ask.FormatSchema, Source: source}}
}

func grammarForm(source string) Form {
	return Form{Format: ask.Format{Kind: ask.FormatGrammar, Source: source}}
}

// accepts reports whether a grammar derives a text.
func accepts(g *Grammar, text string) bool {
	s := g.start()
	for i := range len(text) {
		s = g.step(g.current(s), text[i])
	}
	return s.accepts
}

// follows reports whether a token may follow, byte by byte.
func follows(g *Grammar, s *state, t ask.Token) bool {
	if g.vocabulary.isEnd(t) {
		return s.accepts
	}
	text := g.vocabulary.text(t)
	for _, b := range text {
		if s = g.step(s, b); s.dead() {
			return false
		}
	}
	return len(text) > 0
}

// checkMask holds a mask against each token.
func checkMask(t testing.TB, m *Matcher) []ask.Token {
	t.Helper()
	bits := m.Allowed()
	var allowed []ask.Token
	for i := range m.grammar.vocabulary.size {
		token := ask.Token(i)
		is := bits[i/64]&(1<<(i%64)) != 0
		if is {
			allowed = append(allowed, token)
		}
		if is != follows(m.grammar, m.state, token) {
			t.Fatalf("token %d %q: allowed %v", i, m.grammar.vocabulary.text(token), is)
		}
	}
	return allowed
}
