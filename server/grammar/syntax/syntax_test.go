package syntax

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Each character of some ranges is in exactly one sequence of spans, and no other
// is.
func TestSpans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	edges := []rune{0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF, 'a', 'z', 0x1234, 0x12345}
	for range 200 {
		low, high := edges[random.IntN(len(edges))], edges[random.IntN(len(edges))]
		if random.IntN(2) == 0 {
			low, high = rune(random.IntN(0x110000)), rune(random.IntN(0x110000))
		}
		ranges := merged([]Range{{low, high}, {low + 5, high + 3}})
		var all [][]span
		for _, r := range ranges {
			all = spans(all, r)
		}
		for range 200 {
			c := edges[random.IntN(len(edges))] + rune(random.IntN(3)) - 1
			if random.IntN(2) == 0 {
				c = rune(random.IntN(0x110000))
			}
			if !utf8.ValidRune(c) {
				continue
			}
			in := 0
			for _, sequence := range all {
				bytes := []byte(string(c))
				if within(bytes, sequence) {
					in++
				}
			}
			want := 0
			if low <= high && c >= low && c <= high || low+5 <= high+3 && c >= low+5 && c <= high+3 {
				want = 1
			}
			if in != want {
				t.Fatalf("U+%04X is in %d sequences of U+%04X to U+%04X", c, in, low, high)
			}
		}
	}
}

func within(bytes []byte, sequence []span) bool {
	if len(bytes) != len(sequence) {
		return false
	}
	for i, b := range bytes {
		if b < sequence[i].low || b > sequence[i].high {
			return false
		}
	}
	return true
}

func TestRanges(t *testing.T) {
	a := []Range{{'a', 'f'}, {'x', 'z'}}
	if got := Intersect(a, []Range{{'e', 'y'}}); !slices.Equal(got, []Range{{'e', 'f'}, {'x', 'y'}}) {
		t.Errorf("%v", got)
	}
	if got := merged([]Range{{'c', 'd'}, {'a', 'b'}, {0xD000, 0xE001}, {5, 3}}); !slices.Equal(got, []Range{{'a', 'd'}, {0xD000, 0xD7FF}, {0xE000, 0xE001}}) {
		t.Errorf("%v", got)
	}
	for x, want := range map[*Expr]bool{Text("é"): true, Class(a...): true, Text("ab"): false, Any(): true, Seq(Text("a")): true, Optional(Text("a")): false} {
		if _, ok := x.Single(); ok != want {
			t.Errorf("%+v: %v", x, ok)
		}
	}
}

// compile makes a program of rules a, b, … of which a is the root.
func compile(bodies ...func(r func(string) *Expr) *Expr) (*Program, error) {
	var g Grammar
	for i := range bodies {
		g.Rule(string(rune('a' + i)))
	}
	for i, body := range bodies {
		g.Define(RuleID(i), body(func(name string) *Expr { return Ref(RuleID(name[0] - 'a')) }))
	}
	return Compile(context.Background(), &g)
}

func TestRefused(t *testing.T) {
	type rule = func(func(string) *Expr) *Expr
	for _, test := range []struct {
		what  string
		rules []rule
	}{
		{"left recursion: a → a", []rule{func(r func(string) *Expr) *Expr { return Choice(Seq(r("a"), Text("x")), Text("y")) }}},
		{"left recursion: a → b → a", []rule{
			func(r func(string) *Expr) *Expr { return Seq(Optional(Text("x")), r("b")) },
			func(r func(string) *Expr) *Expr { return Choice(r("a"), Text("")) },
		}},
		{"derives no finite text", []rule{func(r func(string) *Expr) *Expr { return Seq(Text("x"), r("a")) }}},
		{"derives no finite text", []rule{func(r func(string) *Expr) *Expr { return Seq(Text("x"), Never()) }}},
		{"repeats what may be empty up to 65 times", []rule{func(r func(string) *Expr) *Expr { return Repeat(Text(""), 0, MaxEmptyRepeats+1) }}},
	} {
		_, err := compile(test.rules...)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.What, test.what) {
			t.Errorf("%s: %v", test.what, err)
		}
	}
	var g Grammar
	g.Root = g.Rule("lost")
	if _, err := Compile(context.Background(), &g); err == nil || err.Error() != "the rule lost is not defined" {
		t.Errorf("%v", err)
	}
	g.Define(g.Root, Text("x"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Compile(ctx, &g); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A call is recursive if its rule may lead back to the one that calls.
func TestRecursive(t *testing.T) {
	p, err := compile(
		func(r func(string) *Expr) *Expr { return Seq(Text("a"), r("b"), r("c"), Text("a")) },
		func(r func(string) *Expr) *Expr { return Choice(Seq(Text("("), r("b"), Text(")")), r("c")) },
		func(r func(string) *Expr) *Expr { return Text("c") },
	)
	if err != nil {
		t.Fatal(err)
	}
	recursive := 0
	for _, in := range p.Code {
		if in.Op == Call && in.Recursive {
			recursive++
		}
	}
	if recursive != 1 {
		t.Errorf("%d recursive calls", recursive)
	}
}

// Bytes of one class are in the same sets.
func TestClasses(t *testing.T) {
	p, err := compile(func(func(string) *Expr) *Expr {
		return Seq(Class(Range{'a', 'f'}), Class(Range{'c', 'z'}), Text("c"), Any())
	})
	if err != nil {
		t.Fatal(err)
	}
	for a := range 256 {
		for b := range 256 {
			same := true
			for i := range p.Sets {
				same = same && p.Sets[i].Has(byte(a)) == p.Sets[i].Has(byte(b))
			}
			if same != (p.ClassOf[a] == p.ClassOf[b]) || int(p.ClassOf[a]) >= p.Classes {
				t.Fatalf("%q and %q", byte(a), byte(b))
			}
		}
	}
}

// The program of a repetition does not grow with its bounds.
func TestRepeatIsSmall(t *testing.T) {
	p, err := compile(func(func(string) *Expr) *Expr { return Repeat(Text("ab"), 1000, 1_000_000) })
	if err != nil || len(p.Code) > 8 {
		t.Errorf("%d instructions, %v", len(p.Code), err)
	}
}

func TestComponents(t *testing.T) {
	got := components([][]int32{{1}, {2}, {0, 3}, {4}, {4}, {0}})
	if got[0] != got[1] || got[1] != got[2] || got[0] < 0 || got[3] != -1 || got[4] < 0 || got[4] == got[0] || got[5] != -1 {
		t.Errorf("%v", got)
	}
	if circle := circleOf([][]int32{{1}, {2}, {3}, {1}}); !slices.Equal(circle, []int32{1, 2, 3}) {
		t.Errorf("%v", circle)
	}
	if circle := circleOf([][]int32{{1, 2}, {2}, {}}); circle != nil {
		t.Errorf("%v", circle)
	}
}
