package draft

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// longest is Find, by looking everywhere.
func longest(tokens []ask.Token, least int) (at, matched int) {
	for end := len(tokens) - 1; end > 0; end-- {
		if n := common(tokens[:end], tokens, MostMatch); n >= least && n > matched {
			at, matched = end, n
		}
	}
	return at, matched
}

// text is tokens of a small alphabet, which repeat.
func text(random *rand.Rand, n, alphabet int) []ask.Token {
	tokens := make([]ask.Token, n)
	for i := range tokens {
		tokens[i] = ask.Token(random.IntN(alphabet))
	}
	for range n / 10 { // what was said is said again
		from, to, length := random.IntN(n), random.IntN(n), random.IntN(40)
		copy(tokens[to:], slices.Clone(tokens[from:min(n, from+length)]))
	}
	return tokens
}

// TestFindIsTheLongest: a sequence that grows gets what looking everywhere gives, as long
// as there are no more places than are looked at.
func TestFindIsTheLongest(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		least := 1 + random.IntN(8)
		tokens := text(random, 600, 60+random.IntN(200)) // fewer than candidates of each, on the whole
		index := NewIndex(least)
		found := 0
		for n := 1; n <= len(tokens); n += 1 + random.IntN(3) {
			at, matched := index.Find(tokens[:n])
			wantAt, want := longest(tokens[:n], least)
			if matched != want || at != wantAt {
				if places := occurrences(tokens[:n], least); places <= candidates {
					t.Fatalf("seed %d, %d tokens, %d match at least: %d behind %d, want %d behind %d; %d places", seed, n, least, matched, at, want, wantAt, places)
				}
			}
			if matched > 0 {
				found++
			}
		}
		if found == 0 {
			t.Errorf("seed %d: nothing was found", seed)
		}
	}
}

// occurrences is how often the last tokens that are hashed were before.
func occurrences(tokens []ask.Token, least int) (n int) {
	for end := least; end < len(tokens); end++ {
		if common(tokens[:end], tokens, hashed) >= min(least, hashed) {
			n++
		}
	}
	return n
}

// TestFindInWhatRepeats: of tokens that are all alike, a few places are looked at, and
// the last of them is as good as any.
func TestFindInWhatRepeats(t *testing.T) {
	tokens, index := make([]ask.Token, 5000), NewIndex(3)
	for n := 4; n <= len(tokens); n++ {
		at, matched := index.Find(tokens[:n])
		if want := min(n-1, MostMatch); matched != want || at < n-candidates && n > 200 {
			t.Fatalf("%d tokens: %d behind %d", n, matched, at)
		}
	}
}

func TestFindNothing(t *testing.T) {
	for _, c := range []struct {
		least  int
		tokens []ask.Token
	}{{1, nil}, {1, []ask.Token{7}}, {1, []ask.Token{7, 8}}, {2, []ask.Token{7, 8, 7}}, {3, []ask.Token{1, 2, 3, 4, 2, 3}}} {
		if at, matched := NewIndex(c.least).Find(c.tokens); at != 0 || matched != 0 {
			t.Errorf("%v: %d behind %d", c.tokens, matched, at)
		}
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		tokens []ask.Token
		at, n  int
		want   []ask.Token
	}{
		{[]ask.Token{1, 2, 3, 4, 1, 2}, 2, 3, []ask.Token{3, 4, 1}},
		{[]ask.Token{1, 2, 3, 1, 2}, 2, 7, []ask.Token{3, 1, 2, 3, 1, 2, 3}},
		{[]ask.Token{5, 5}, 1, 3, []ask.Token{5, 5, 5}},
		{[]ask.Token{5, 5}, 1, 0, nil},
	} {
		if got := Append(nil, c.tokens, c.at, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%v from %d: %v, want %v", c.tokens, c.at, got, c.want)
		}
		if got := Append([]ask.Token{9}, c.tokens, c.at, c.n); !slices.Equal(got[1:], c.want) || got[0] != 9 {
			t.Errorf("%v from %d behind another: %v", c.tokens, c.at, got)
		}
	}
}

func TestIndexDoesNotAllocate(t *testing.T) {
	tokens, index := text(rand.New(rand.NewPCG(1, 1)), 1000, 50), NewIndex(3)
	index.Find(tokens)
	buffer := make([]ask.Token, 0, MostTokens)
	if n := testing.AllocsPerRun(100, func() {
		if at, matched := index.Find(tokens); matched > 0 {
			buffer = Append(buffer[:0], tokens, at, 16)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheck(t *testing.T) {
	if err := (Config{Lookup: true}).WithDefaults().Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{Most: -2}, {Most: MostTokens + 1}, {Least: -1}, {Match: MostMatch + 1}, {LeastChance: 1.5}, {LeastChance: math.NaN()}} {
		if c.Check() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
