package text

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// run adds the pieces to a new Text and checks what holds for every stream. It
// returns the deltas, the tokens each covered, and the stop string that hit.
func run(t *testing.T, stops []string, pieces []string) (deltas []string, covered []int, stop int) {
	t.Helper()
	var text Text
	text.Reset(stops)
	take := func() {
		delta, n := text.Take()
		if !utf8.Valid(delta) {
			t.Errorf("delta %q is not valid UTF-8", delta)
		}
		deltas, covered = append(deltas, string(delta)), append(covered, n)
	}
	for _, p := range pieces {
		stopped := text.Add([]byte(p))
		take()
		if stopped {
			break
		}
	}
	text.Flush()
	take()
	stop = -1
	if i, ok := text.Stop(); ok {
		stop = i
	}
	if d, n := text.Take(); len(d) > 0 || n > 0 {
		t.Errorf("a second Take after the end gives %q and %d tokens", d, n)
	}
	return deltas, covered, stop
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name    string
		stops   []string
		pieces  []string
		deltas  []string
		covered []int
		stop    int
	}{
		{"ascii", nil, []string{"a", "bc"}, []string{"a", "bc", ""}, []int{1, 1, 0}, -1},
		{"empty", nil, nil, []string{""}, []int{0}, -1},
		{"control token", nil, []string{"", "a", ""}, []string{"", "a", "", ""}, []int{1, 1, 1, 0}, -1},
		{"split character", nil, []string{"x\xe2", "\x82", "\xac"}, []string{"x", "", "€", ""}, []int{0, 0, 3, 0}, -1},
		{"split, then another", nil, []string{"\xe2\x82", "\xacé\xf0\x9f", "\x98\x80"}, []string{"", "€é", "😀", ""}, []int{0, 1, 2, 0}, -1},
		{"incomplete at the end", nil, []string{"a\xf0\x9f\x98"}, []string{"a", "\ufffd"}, []int{0, 1}, -1},
		{"invalid byte", nil, []string{"a\xffb"}, []string{"a\ufffdb", ""}, []int{1, 0}, -1},
		{"maximal subpart", nil, []string{"\xf0\x9f", "\x98", "x"}, []string{"", "", "\ufffdx", ""}, []int{0, 0, 3, 0}, -1},
		{"surrogate", nil, []string{"\xed\xa0\x80"}, []string{"\ufffd\ufffd\ufffd", ""}, []int{1, 0}, -1},
		{"control token in a character", nil, []string{"\xc3", "", "\xa9"}, []string{"", "", "é", ""}, []int{0, 0, 3, 0}, -1},
		{"stop in one token", []string{"b"}, []string{"abc"}, []string{"a", ""}, []int{1, 0}, 0},
		{"stop over tokens", []string{"END"}, []string{"aE", "N", "D!"}, []string{"a", "", "", ""}, []int{0, 0, 1, 0}, 0},
		{"stop at a boundary", []string{"END"}, []string{"a", "EN", "D"}, []string{"a", "", "", ""}, []int{1, 0, 0, 0}, 0},
		{"held back, then not", []string{"END"}, []string{"aE", "N", "x"}, []string{"a", "", "ENx", ""}, []int{0, 0, 3, 0}, -1},
		{"held back at the end", []string{"END"}, []string{"aEN"}, []string{"a", "EN"}, []int{0, 1}, -1},
		{"begins again", []string{"aab"}, []string{"a", "a", "a", "b"}, []string{"", "", "a", "", ""}, []int{0, 0, 1, 0, 0}, 0},
		{"first complete wins", []string{"abcd", "bc"}, []string{"abcd"}, []string{"a", ""}, []int{1, 0}, 1},
		{"longest of two", []string{"c", "bc"}, []string{"abc"}, []string{"a", ""}, []int{1, 0}, 1},
		{"stop in characters", []string{"€"}, []string{"é\xe2\x82", "\xacx"}, []string{"é", "", ""}, []int{0, 1, 0}, 0},
		{"stop of half a character's token", []string{"b"}, []string{"ab\xe2"}, []string{"a", ""}, []int{1, 0}, 0},
		{"stop that Flush completes", []string{"a\ufffd"}, []string{"xa", "\xe2"}, []string{"x", "", ""}, []int{0, 0, 1}, 0},
		{"stop at once", []string{"a"}, []string{"a"}, []string{"", ""}, []int{0, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			deltas, covered, stop := run(t, c.stops, c.pieces)
			if !slices.Equal(deltas, c.deltas) || !slices.Equal(covered, c.covered) || stop != c.stop {
				t.Errorf("got  %q %v stop %d\nwant %q %v stop %d", deltas, covered, stop, c.deltas, c.covered, c.stop)
			}
		})
	}
}

// validText is the reference for whole texts: invalid bytes become U+FFFD, one
// for each maximal subpart of a character.
func validText(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			for size < len(s) && !utf8.FullRuneInString(s[:size]) {
				if !utf8.FullRuneInString(s[:size+1]) {
					size++
					continue
				}
				break
			}
		}
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

// cutText is the reference for stop strings: the text before the first to be
// complete, of several that end there the longest.
func cutText(s string, stops []string) (string, int) {
	for end := 1; end <= len(s); end++ {
		hit := -1
		for i, stop := range stops {
			if strings.HasSuffix(s[:end], stop) && (hit < 0 || len(stop) > len(stops[hit])) {
				hit = i
			}
		}
		if hit >= 0 {
			return s[:end-len(stops[hit])], hit
		}
	}
	return s, -1
}

// checkText compares a run over pieces with the references.
func checkText(t *testing.T, stops, pieces []string) {
	t.Helper()
	deltas, covered, stop := run(t, stops, pieces)
	whole := strings.Join(pieces, "")
	want, wantStop := cutText(validText(whole), stops)
	if got := strings.Join(deltas, ""); got != want {
		t.Errorf("pieces %q stops %q: text %q, want %q", pieces, stops, got, want)
	}
	if stop != wantStop {
		t.Errorf("pieces %q stops %q: stop %d, want %d", pieces, stops, stop, wantStop)
	}
	tokens := 0
	for _, n := range covered {
		tokens += n
	}
	if stop < 0 && tokens != len(pieces) {
		t.Errorf("pieces %q stops %q: %d tokens covered", pieces, stops, tokens)
	}
	if stop >= 0 && utf8.ValidString(whole) {
		// The covered tokens are the fewest that contain the text, and the
		// empty ones that follow.
		length := 0
		for _, p := range pieces[:tokens] {
			length += len(p)
		}
		if length < len(want) || tokens > 0 && length-len(pieces[tokens-1]) > len(want) {
			t.Errorf("pieces %q stops %q: %d tokens covered for %q", pieces, stops, tokens, want)
		}
	}
}

func TestTextRandom(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	letters := []string{"a", "b", "a", "b", "é", "€", "😀", "\xe2", "\x82", "\xff", "\xf0\x9f", ""}
	for range 20000 {
		word := func(limit int) string {
			var b strings.Builder
			for range random.IntN(limit) {
				b.WriteString(letters[random.IntN(len(letters))])
			}
			return b.String()
		}
		var stops, pieces []string
		for range random.IntN(4) {
			if s := word(5); s != "" && utf8.ValidString(s) {
				stops = append(stops, s)
			}
		}
		for range random.IntN(12) {
			pieces = append(pieces, word(4))
		}
		checkText(t, stops, pieces)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("hello \xe2\x82\xac END"), "END", "lo", uint64(1))
	f.Add([]byte("\xf0\x9f\x98x\xff"), "\ufffdx", "", uint64(2))
	f.Add([]byte("aaab"), "aab", "aaab", uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, stop1, stop2 string, cuts uint64) {
		var stops, pieces []string
		for _, s := range []string{stop1, stop2} {
			if s != "" && utf8.ValidString(s) {
				stops = append(stops, s)
			}
		}
		random := rand.New(rand.NewPCG(cuts, 0))
		for len(data) > 0 {
			n := random.IntN(min(len(data), 6) + 1)
			pieces = append(pieces, string(data[:n]))
			data = data[n:]
		}
		checkText(t, stops, pieces)
	})
}

func TestTextAllocates(t *testing.T) {
	var text Text
	stops := []string{"STOP", "\nUser:", "<|im_end|>"}
	pieces := [][]byte{[]byte(" hello"), []byte("\xe2"), []byte("\x82\xac"), []byte("\nUs"), []byte("e"), nil, []byte("\xff")}
	round := func() {
		for _, p := range pieces {
			text.Add(p)
			text.Take()
		}
	}
	text.Reset(stops)
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations in steady state", n)
	}
	if n := testing.AllocsPerRun(100, func() { text.Reset(stops); round() }); n != 0 {
		t.Errorf("%v allocations a generation", n)
	}
}

func BenchmarkText(b *testing.B) {
	var text Text
	text.Reset([]string{"\nUser:", "<|im_end|>"})
	piece := []byte(" hello")
	b.ReportAllocs()
	for b.Loop() {
		text.Add(piece)
		text.Take()
	}
}
