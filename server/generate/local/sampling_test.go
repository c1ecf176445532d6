package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine/enginetest"
)

var errBroken = errors.New("broken")

// TestBiasOfTexts forbids and wants tokens by their text.
func TestBiasOfTexts(t *testing.T) {
	g := open(t, saying("aaaa"))
	pieces, _, _ := answer(t, g, hello(func(r *ask.Request) {
		r.MaxTokens = 3
		r.Sampling.Bias = []ask.Bias{{Text: "ab", Add: -1000}, {Token: 'c', Add: 500}, {Text: "d", Add: 400}}
	}))
	if text := strings.Join(pieces, ""); text != "ccc" {
		t.Errorf("%q", text)
	}
	many := make([]ask.Bias, ask.MaxBiasTexts+1)
	for i := range many {
		many[i].Text = "x"
	}
	for _, bias := range [][]ask.Bias{{{Token: enginetest.VocabSize}}, {{Token: -1}}, many} {
		_, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.Sampling.Bias = bias }))
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.InvalidValue || f.Param != "logit_bias" {
			t.Errorf("%v", err)
		}
	}
}

// TestBreakersAreSpelt finds the tokens that hold a breaker or begin it.
func TestBreakersAreSpelt(t *testing.T) {
	g := open(t, saying("x"))
	for _, test := range []struct {
		text string
		want [][]ask.Token
	}{
		{"\n", [][]ask.Token{{'\n'}}},
		{"ab", [][]ask.Token{{'a', 'b'}}},
		{"s", [][]ask.Token{{'s'}, {enginetest.BOS}, {enginetest.EOS}, {enginetest.Separator}}},
		{">!", [][]ask.Token{{'>', '!'}, {enginetest.BOS, '!'}, {enginetest.EOS, '!'}, {enginetest.Separator, '!'}}},
		{"€", nil}, // its bytes are tokens, and no text begins within it
		{strings.Repeat("a", 40), [][]ask.Token{[]ask.Token(slices.Repeat([]ask.Token{'a'}, 21))}},
	} {
		got, err := g.spellings(t.Context(), test.text, make([]bool, g.about.VocabSize))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%q: %v %v, want %v", test.text, got, err, test.want)
		}
	}
	first, err := g.breakers.of(t.Context(), g, []string{"\n", ""})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if _, err := g.breakers.of(t.Context(), g, []string{fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		again, err := g.breakers.of(t.Context(), g, []string{"\n"})
		if err != nil || i == 0 && again != first || len(g.breakers.made) > madeLists {
			t.Fatalf("list %d: kept %d, %v", i, len(g.breakers.made), err)
		}
	}
	_, err = g.Submit(t.Context(), hello(func(r *ask.Request) {
		r.Sampling.DRY = ask.DRY{Multiplier: 1, Base: 1, LastTokens: -1, Breakers: slices.Repeat([]string{"x"}, ask.MaxBreakers+1)}
	}))
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Param != "dry_sequence_breakers" {
		t.Errorf("%v", err)
	}
}

// TestDRYBreaksARepetition: the model says the same for ever, and goes on with
// something else; a breaker lets it.
func TestDRYBreaksARepetition(t *testing.T) {
	say := func(d ask.DRY) string {
		g := open(t, enginetest.Options{Printable: true, Next: func(tokens []ask.Token) ask.Token { return ask.Token("ab-"[len(tokens)%3]) }})
		pieces, _, _ := answer(t, g, hello(func(r *ask.Request) { r.MaxTokens, r.Sampling.DRY = 30, d }))
		return strings.Join(pieces, "")
	}
	d := ask.DRY{Multiplier: 100, Base: 2, AllowedLength: 4, LastTokens: -1}
	if text := say(d); strings.Contains(text, "ab-ab-ab-ab-") {
		t.Errorf("%q", text)
	}
	d.Breakers = []string{"-"}
	if text := say(d); !strings.Contains(text, "ab-ab-ab-ab-ab-ab-ab") {
		t.Errorf("%q", text)
	}
}
