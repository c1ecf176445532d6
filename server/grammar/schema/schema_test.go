package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// What the rules of a schema derive is tested with package grammar, which runs
// them.

// An automaton accepts what its patterns match, within its lengths.
func TestAutomaton(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	patterns := []string{`^a*b`, `b$`, `^(ab|c)+$`, `a.c`, `^[^a]?$`, `(?i)A`, `^a{2,3}`, `c|^b`, `é`, `^$`, ``, `a|`, `[[:alpha:]]$`, `^(a|b)*$`, `\.`, `^.$`}
	for range 400 {
		spec := textSpec{most: syntax.Unbounded}
		for range 1 + random.IntN(2) {
			spec.patterns = append(spec.patterns, patterns[random.IntN(len(patterns))])
		}
		if random.IntN(2) == 0 {
			spec.least = random.IntN(4)
		}
		if random.IntN(2) == 0 {
			spec.most = spec.least + random.IntN(4)
		}
		a, err := newAutomaton(spec)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			text := make([]rune, random.IntN(7))
			for i := range text {
				text[i] = []rune("aabbcAé\n.")[random.IntN(9)]
			}
			want := len(text) >= spec.least && (spec.most < 0 || len(text) <= spec.most)
			for _, p := range spec.patterns {
				want = want && regexp.MustCompile(p).MatchString(string(text))
			}
			if got := reads(a, text); got != want {
				t.Fatalf("%+v, %q: %v", spec, string(text), got)
			}
		}
	}
}

func TestLengths(t *testing.T) {
	for pattern, want := range map[string][2]int{
		`^a{2,5}$`: {2, 5}, `^(a|bcd)?$`: {0, 3}, `^a+$`: {1, -1}, `a`: {1, -1}, `^$`: {0, 0}, `^(ab|c)(d|ef)$`: {2, 4}, `a^`: {0, -1},
	} {
		states, _, err := explore(t.Context(), textSpec{most: syntax.Unbounded, patterns: []string{pattern}})
		if err != nil {
			t.Fatal(err)
		}
		if shortest, longest := lengths(states); shortest != want[0] || longest != want[1] {
			t.Errorf("%s: %d to %d", pattern, shortest, longest)
		}
	}
}

func reads(a *automaton, text []rune) bool {
	at := 0
next:
	for _, c := range text {
		for _, e := range a.edges(at) {
			for _, r := range e.ranges {
				if c >= r.Low && c <= r.High {
					at = e.to
					continue next
				}
			}
		}
		return false
	}
	return a.accepts(at)
}

// Formats are regular expressions that match what they are for.
func TestFormats(t *testing.T) {
	for name, texts := range map[string][2]string{
		"date":      {"2024-02-29 2000-02-29 1999-11-30", "2023-02-29 1900-02-29 2024-00-10 2024-11-31 24-1-1"},
		"time":      {"00:00:00Z 23:59:59.123+01:30", "24:00:00Z 12:60:00Z 12:00:00 12:00Z"},
		"date-time": {"2024-01-01T00:00:00Z", "2024-01-01 2024-01-01T00:00:00"},
		"duration":  {"P1Y P3W PT5M P1Y2M3DT4H5M6S P1DT1S", "P PT 1Y P1YT P1H"},
		"uuid":      {"123e4567-E89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"},
		"ipv4":      {"0.0.0.0 255.255.255.255 10.1.2.3", "256.0.0.1 1.2.3 01.2.3.4"},
		"ipv6":      {"2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0 g:0:0:0:0:0:0:0"},
		"hostname":  {"a a-b.example A1.b", "-a a- a..b ."},
		"email":     {"a@b.c a.b+c@example.com", "a@b @b.c a@-.c"},
		"uri":       {"https://example.com http://a:80/b/c?d=e&f#g", "example.com http:// ://a"},
	} {
		re := regexp.MustCompile(Formats[name])
		for i, words := range texts {
			for word := range strings.FieldsSeq(words) {
				if re.MatchString(word) != (i == 0) {
					t.Errorf("%s: %s", name, word)
				}
			}
		}
	}
}

func TestIntervals(t *testing.T) {
	var v interval
	for _, bound := range []struct {
		isLower, out bool
		at           int64
	}{{true, false, 1}, {true, true, 1}, {true, false, 0}, {false, true, 9}, {false, false, 7}} {
		if r := big.NewRat(bound.at, 1); bound.isLower {
			v.above(r, bound.out)
		} else {
			v.under(r, bound.out)
		}
	}
	for n, want := range map[int64]bool{0: false, 1: false, 2: true, 7: true, 8: false} {
		if v.has(big.NewRat(n, 1)) != want {
			t.Errorf("%d: %v", n, !want)
		}
	}
}

// JSON comes back as it was, without blanks.
func TestDocument(t *testing.T) {
	for _, s := range []string{`{"b":[1,"é\n",{}],"a":null}`, `-1.50e3`, `"\u2028"`, `[true,false]`} {
		v, err := parse([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := errors.Join(json.Unmarshal([]byte(s), &want), json.Unmarshal([]byte(v.String()), &got)); err != nil || fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%s: %s, %v", s, v, err)
		}
	}
	for _, s := range []string{``, `{`, `[1,]`, `{"a":1,"a":2}`, `1 2`, "\"\xff\"", strings.Repeat("[", 1000)} {
		if _, err := parse([]byte(s)); err == nil {
			t.Errorf("%.20s is read", s)
		}
	}
	v, _ := parse([]byte(`{"a/b":[{"~":1}]}`))
	if at := v.find("/a~1b/0/~0"); at == nil || at.text != "1" || v.find("/a~1b/1") != nil || v.find("x") != nil || v.find("/a~1b/0/~0/c") != nil {
		t.Errorf("%v", at)
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compile(ctx, []byte(`{"pattern":"a"}`), false); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`{"properties":{"a":{"$ref":"#"}}}`, `{"allOf":[{"minimum":1},{"anyOf":[{"maxItems":3},{"const":1}]}]}`, `{"pattern":"^a+$","maxLength":3}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if _, err := Compile(t.Context(), []byte(source), false); err != nil {
			if fault, ok := errors.AsType[*ask.Fault](err); !ok || fault.Kind == ask.Internal || fault.Param != param {
				t.Errorf("%q: %v", source, err)
			}
		}
	})
}
