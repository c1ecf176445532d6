package split

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func parts(s *Specials, text string, trusted ...Range) (all []string) {
	s.Split(text, trusted, func(p Part) bool {
		all = append(all, show(text, p))
		return true
	})
	return all
}

func show(text string, p Part) string {
	switch {
	case p.Token >= 0:
		return fmt.Sprint(p.Token)
	case p.Joined:
		return "+" + text[p.From:p.To]
	}
	return "'" + text[p.From:p.To]
}

func TestSplit(t *testing.T) {
	s := NewSpecials([]Special{
		{Token: 1, Text: "<s>", Control: true},
		{Token: 2, Text: "<|end|>", Control: true},
		{Token: 3, Text: "<think>", Visible: true},
		{Token: 4, Text: "<|note|>", Control: true, Visible: true},
		{Token: 5, Text: "  ", Visible: true},
		{Token: 6, Text: "    ", Visible: true},
		{Token: 7, Text: "<mask>", Visible: true, StripLeft: true},
		{Token: 8, Text: "<user>", Visible: true, StripRight: true},
		{Token: 9, Text: "abc", Visible: true},
		{Token: 10, Text: "bcde", Visible: true},
	})
	all := func(text string) []Range { return []Range{{0, len(text)}} }
	for _, test := range []struct {
		text    string
		trusted []Range
		want    string
	}{
		{"", nil, ""},
		{"plain", nil, "'plain"},
		{"a<s>b", all("a<s>b"), "'a|1|'b"},
		{"a<s>b", nil, "'a<s>b"},
		{"<s><s>", []Range{{0, 3}}, "1|'<s>"},
		{"<s><s>", []Range{{0, 2}, {3, 6}}, "'<s>|1"},
		{"<s>", []Range{{1, 3}}, "'<s>"}, // half of it is the client's
		{"<|end|>", []Range{{0, 4}, {4, 7}}, "'<|end|>"},
		{"x<think>y", nil, "'x|3|'y"},
		{"x<|note|>y<|note|><|note", nil, "'x<|+|note|>y<|+|note|><|note"},
		{"x<|note|>y", []Range{{1, 9}}, "'x|4|'y"},
		{"       a", nil, "6|5|' a"},
		{"a \n<mask> \nb", nil, "'a|7|' \nb"},
		{" \n<mask>", nil, "7"},
		{"a \n<user> \nb", nil, "'a \n|8|'b"},
		{"<user> \n", nil, "8"},
		{"<user>  <think>", nil, "8|3"},
		{"xabcde", nil, "'xa|10"}, // the longer one, though it begins later
		{"xabcd", nil, "'x|9|'d"},
		{"<|en<|end|>d|>", all("<|en<|end|>d|>"), "'<|en|2|'d|>"},
	} {
		want := strings.ReplaceAll(test.want, "<|", "\x00")
		want = strings.ReplaceAll(want, "|>", "\x01")
		got := strings.Join(parts(s, test.text, test.trusted...), "|")
		got = strings.ReplaceAll(got, "<|+|", "\x00+|")
		got = strings.ReplaceAll(strings.ReplaceAll(got, "<|", "\x00"), "|>", "\x01")
		if got != want {
			t.Errorf("%q, %v: %q, want %q", test.text, test.trusted, got, want)
		}
	}
}

// The library's way: token by token, the longest first, and of each the first
// in what is left.
func oneByOne(list []Special, text string) []string {
	type fragment struct {
		text  string
		token int32
	}
	fragments := []fragment{{text, -1}}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Special) int { return len(b.Text) - len(a.Text) })
	for _, special := range list {
		var next []fragment
		for _, f := range fragments {
			for f.token < 0 {
				before, after, found := strings.Cut(f.text, special.Text)
				if !found {
					break
				}
				next = append(next, fragment{before, -1}, fragment{"", special.Token})
				f.text = after
			}
			next = append(next, f)
		}
		fragments = next
	}
	var all []string
	for _, f := range fragments {
		switch {
		case f.token >= 0:
			all = append(all, fmt.Sprint(f.token))
		case f.text != "":
			all = append(all, "'"+f.text)
		}
	}
	return all
}

func TestSplitGoesByLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab c"[rng.IntN(4)]
		}
		return string(b)
	}
	for range 20_000 {
		var list []Special
		lengths := rng.Perm(8) // of one length there is one: among equals the library's order is chance
		for i := range 1 + rng.IntN(5) {
			list = append(list, Special{Token: int32(i), Text: random(1 + lengths[i])})
		}
		text := random(rng.IntN(40))
		if got, want := parts(NewSpecials(list), text), oneByOne(list, text); !slices.Equal(got, want) {
			t.Fatalf("%+v in %q: %q, want %q", list, text, got, want)
		}
	}
}

// A text of nothing but special tokens, or of what looks like them, is one pass:
// the steps taken grow with the text.
func TestSplitIsLinear(t *testing.T) {
	s := NewSpecials([]Special{{Token: 0, Text: "<|im_start|>"}, {Token: 1, Text: "\n\n"}, {Token: 2, Text: "\n\n\n\n"}})
	for _, unit := range []string{"<|im_start|>", "<|im_start|>x", "<|im_start", "<", "\n", "\n\n\n\n\n"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		at := 0
		s.Split(text, nil, func(p Part) bool {
			if p.From != at || p.To <= p.From {
				t.Fatalf("%q: a part %+v after %d", unit, p, at)
			}
			at = p.To
			return true
		})
		if at != len(text) {
			t.Errorf("%q: %d of %d bytes", unit, at, len(text))
		}
	}
}

func TestSplitStops(t *testing.T) {
	s := NewSpecials([]Special{{Token: 0, Text: "."}, {Token: 1, Text: ".|", Control: true, Visible: true}})
	for limit := range 7 {
		n := 0
		s.Split("a.b.c.|.", nil, func(Part) bool { n++; return n < limit })
		if n != max(1, limit) {
			t.Errorf("%d parts after a stop at %d", n, limit)
		}
	}
}
