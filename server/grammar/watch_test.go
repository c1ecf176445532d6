package grammar

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// twoPlaces begins a call with <c> anywhere, or with {"f" where a text begins, but
// not within <t> and </t>.
func twoPlaces(marks map[ask.Token]string) Plan {
	return Plan{
		Places: []Place{
			{First: true, Blanks: " \n", Else: 1, Words: []Word{
				{Text: "<t>", To: 2}, {Text: "<c>", To: Held, Feed: "1"}, {Text: `{"f"`, To: Held, Feed: `2{"f"`}, {Text: `{"g"`, To: Held, Feed: `2{"g"`},
			}},
			{Words: []Word{{Text: "<c>", To: Held, Feed: "1"}}},
			{Words: []Word{{Text: "</t>", To: 0}}},
		},
		Marks: marks,
	}
}

const twoCalls = `root ::= ( "1" [0-9]{1,3} "<e>" | "2{\"" [fg] "\":" [0-9] "}" ) [ \n]?`

// watchOf watches over a vocabulary of bytes and of some texts; marks are control
// tokens behind them, and then comes the end.
func watchOf(t testing.TB, grammar string, plan func(map[ask.Token]string) Plan, texts []string, marks ...string) (*Watch, *Vocabulary) {
	t.Helper()
	silent := map[ask.Token]string{}
	for i, m := range marks {
		silent[ask.Token(256+len(texts)+i)] = m
	}
	end := ask.Token(256 + len(texts) + len(marks))
	v := NewVocabulary(int(end)+1, func(dst []byte, token ask.Token) []byte {
		switch {
		case token < 256:
			return append(dst, byte(token))
		case int(token) < 256+len(texts):
			return append(dst, texts[token-256]...)
		}
		return dst
	}, func(token ask.Token) bool { return token == end })
	g := compiled(t, v, grammarForm(grammar))
	return g.Watch(func() Plan { return plan(silent) }), v
}

func TestWatch(t *testing.T) {
	w, _ := watchOf(t, twoCalls, twoPlaces, nil)
	for _, c := range []struct {
		text  string
		place int
		holds bool
	}{
		{"", 0, false}, {"<c>", 0, true}, {"a <c>", 0, true}, {"a <<c>1", 0, true}, {"a <c>12<e>", 0, false}, {"a <c>12<e>x<c>", 0, true},
		{` {"f"`, 0, true}, {`x {"f"`, 0, false}, {`{"f":1}`, 0, false}, {`{"f":1} {"g"`, 0, true}, {`{"h"`, 0, false}, {`{"h" <c>`, 0, true}, {`{"<c>`, 0, true},
		{"<t>a<c>", 0, false}, {"<t>a</t>{\"f\"", 0, true}, {"<t>a<</t>\n\n<c>", 0, true}, {"x<t>a<c>", 0, true}, {"<t></t>a</t><t><c>", 0, true},
		{"<c>", 2, false}, {"</t><c>", 2, true}, {`{"f"`, 1, false}, {"<t><c>", 1, true},
	} {
		m := w.Watcher(c.place)
		for i := range len(c.text) {
			if bits := m.Allowed(); bits != nil && bits[c.text[i]/64]&(1<<(c.text[i]%64)) == 0 {
				t.Errorf("%q: %q is not allowed", c.text, c.text[i:])
			}
			m.Accept(ask.Token(c.text[i]))
		}
		if m.Holds() != c.holds {
			t.Errorf("%q in place %d: holds %v", c.text, c.place, m.Holds())
		}
	}
}

// Before a call all may come, and come to an end, but for a token that goes beyond
// the beginning of a call otherwise than the grammar says.
func TestWatchForbidsLittle(t *testing.T) {
	texts := []string{"<c", ">1", ">x", "><e>", "<c>1", "<c>x", ">22<e>", ">22<e>x", `"f":`, `f"x`, `{"f"}`, "<c>1<e>\n"}
	w, v := watchOf(t, twoCalls, twoPlaces, texts, "<c>", "<t>", "<other>")
	token := func(text string) ask.Token { return ask.Token(256 + slices.Index(texts, text)) }
	never := func(m *Watcher) (all []string) {
		bits := m.Allowed()
		for i := range ask.Token(v.size) {
			if bits != nil && bits[i/64]&(1<<(i%64)) == 0 {
				all = append(all, string(v.text(i)))
			}
		}
		slices.Sort(all)
		return all
	}
	m := w.Watcher(0)
	if got, want := never(m), []string{"<c>x", `{"f"}`}; !slices.Equal(got, want) || m.Free() {
		t.Errorf("at the beginning: %q", got)
	}
	m.Accept('x')
	if got, want := never(m), []string{"<c>x"}; !slices.Equal(got, want) {
		t.Errorf("in a text: %q", got)
	}
	m.Accept(token("<c"))
	if got, want := never(m), []string{"<c>x", ">22<e>x", "><e>", ">x"}; !slices.Equal(got, want) {
		t.Errorf("within a beginning: %q", got)
	}
	m.Accept(token(">22<e>")) // a whole call
	if m.Holds() {
		t.Error("a call that is over holds")
	}
	m.Accept(ask.Token(v.size - 1)) // an end that does not count
	m.Accept(ask.Token(256 + len(texts)))
	if bits := m.Allowed(); !m.Holds() || bits['x'/64]&(1<<('x'%64)) != 0 || bits['1'/64]&(1<<('1'%64)) == 0 {
		t.Error("behind a mark that is a control token")
	}
	m = w.Watcher(0)
	m.Accept(ask.Token(256 + len(texts) + 1))
	if got := never(m); got != nil || !m.Free() {
		t.Errorf("in a thought: %q", got)
	}
	for _, outside := range []ask.Token{-1, 1 << 20, ask.Token(256 + len(texts) + 2)} {
		if m.Accept(outside); m.Holds() {
			t.Error("a token that means nothing")
		}
	}
}

// What is forbidden is what a walk through each token alone finds, wherever the
// text is cut.
func TestWatchAgreesWithEachToken(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	const letters = "<ct>/e1{\"f: \n"
	var texts []string
	for range 400 {
		text := ""
		for range 2 + random.IntN(6) {
			text += letters[random.IntN(len(letters)):][:1]
		}
		texts = append(texts, text)
	}
	w, v := watchOf(t, twoCalls, twoPlaces, texts)
	var all sync.WaitGroup
	for seed := range uint64(4) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, 3))
			for range 40 {
				place := random.IntN(3)
				m, single := w.Watcher(place), w.Watcher(place)
				for range 12 {
					var may []ask.Token
					bits := m.Allowed()
					for token := range ask.Token(v.size - 1) {
						allowed := bits == nil || bits[token/64]&(1<<(token%64)) != 0
						if !m.Holds() && allowed == w.crosses(m.at, token) {
							t.Errorf("%q behind node %d: allowed %v", v.text(token), m.at, allowed)
						}
						if allowed && token >= 256 || allowed && m.Holds() {
							may = append(may, token)
						}
					}
					if len(may) == 0 {
						break
					}
					token := may[random.IntN(len(may))]
					m.Accept(token)
					for _, b := range v.text(token) {
						single.Accept(ask.Token(b))
					}
					if m.Holds() != single.Holds() || !m.Holds() && m.at != single.at {
						break // a call ended within the token: it holds until the token's end
					}
				}
			}
		})
	}
	all.Wait()
}

// With Lasts a grammar holds on where more may follow.
func TestWatchLasts(t *testing.T) {
	for _, lasts := range []bool{false, true} {
		w, _ := watchOf(t, `root ::= "1a" "b"?`, func(map[ask.Token]string) Plan {
			return Plan{Places: []Place{{Words: []Word{{Text: "<c>", To: Held, Feed: "1"}}}}, Lasts: lasts}
		}, nil)
		m := w.Watcher(0)
		for _, b := range []byte("<c>a") {
			m.Accept(ask.Token(b))
		}
		if m.Holds() != lasts {
			t.Errorf("lasts %v: holds %v", lasts, m.Holds())
		}
		if m.Accept('b'); m.Holds() {
			t.Error("nothing can follow, and it holds")
		}
	}
}

// BenchmarkWatch is what a token costs while nothing is a call, and what it costs
// to prepare a watch.
func BenchmarkWatch(b *testing.B) {
	g := compiled(b, large(), grammarForm(twoCalls))
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			newWatch(g, twoPlaces(nil))
		}
	})
	const text = "the quick brown fox <jumps> over \"the\" lazy dog. "
	b.Run("token", func(b *testing.B) {
		m := newWatch(g, twoPlaces(nil)).Watcher(1)
		for n := 0; b.Loop(); n++ {
			m.Allowed()
			m.Accept(ask.Token(text[n%len(text)]))
		}
	})
}
