package sampling

import (
	"cmp"
	"math"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// dry penalises a token that would go on with a sequence that was there before,
// the more the longer the sequence is. The lengths are kept from token to token:
// only places whose token is the last one end in a repetition of the last ones,
// and each is one more than that of the place before it was.
type dry struct {
	multiplier, base float64
	maxPower         int // up to which base is not infinite, 0 for no limit
	allowed          int
	limit            int // tokens that are looked at, all if negative
	breakers         *Breakers

	tokens   []ask.Token
	previous []int32             // of each place, the last one before it with its token, or -1
	last     map[ask.Token]int32 // the last place of each token
	length   []int32             // of the places with the last token: how many tokens up to there are the last ones
	broken   int                 // where the last breaker begins, -1 for none
	tail     int                 // how many of its tokens follow
	repeats  []repeat
	visited  int // places, to find them
}

// repeat is a token and how long the sequence is that it would go on with.
type repeat struct {
	token  ask.Token
	length int
}

// newDRY looks through a prompt; nil if the step is off.
func newDRY(d ask.DRY, prompt []ask.Token, breakers *Breakers) *dry {
	if number32(d.Multiplier) == 0 || !(d.Base >= 1) || d.LastTokens == 0 {
		return nil
	}
	s := &dry{
		multiplier: float64(d.Multiplier), base: float64(d.Base), allowed: d.AllowedLength, limit: d.LastTokens,
		breakers: breakers, broken: -1,
	}
	if s.base > 1.000001 {
		s.maxPower = int(math.Log(math.MaxFloat32) / math.Log(s.base))
	}
	if s.limit > 0 {
		prompt = prompt[max(0, len(prompt)-s.limit):]
	}
	s.tokens = append(make([]ask.Token, 0, len(prompt)+growTokens), prompt...)
	s.previous = make([]int32, 0, cap(s.tokens))
	s.last = make(map[ask.Token]int32, min(len(prompt), 1024))
	for at, t := range prompt {
		s.link(at, t)
	}
	s.length = append(make([]int32, 0, cap(s.tokens)), suffixes(prompt)...)
	for at := len(prompt) - 1; at >= 0; at-- {
		if tail := breakers.match(prompt, at); tail >= 0 {
			s.broken, s.tail = at, tail
			break
		}
	}
	return s
}

// growTokens is for how many tokens of an answer there is room at the beginning.
const growTokens = 256

// link names the place before with the same token.
func (s *dry) link(at int, token ask.Token) {
	before, ok := s.last[token]
	if !ok {
		before = -1
	}
	s.previous = append(s.previous, before)
	s.last[token] = int32(at)
}

// suffixes returns for each place how many tokens up to there are the last ones
// of all: the Z-function, backwards, in linear time.
func suffixes(tokens []ask.Token) []int32 {
	n := len(tokens)
	z := make([]int32, n)
	back := func(i int) ask.Token { return tokens[n-1-i] }
	for at, left, right := 1, 0, 0; at < n; at++ {
		same := 0
		if at < right {
			same = min(int(z[n-1-(at-left)]), right-at)
		}
		for at+same < n && back(same) == back(at+same) {
			same++
		}
		z[n-1-at] = int32(same)
		if at+same > right {
			left, right = at, at+same
		}
	}
	return z
}

// window returns the first place that is looked at.
func (s *dry) window() int {
	if s.limit < 0 {
		return 0
	}
	return max(0, len(s.tokens)-s.limit)
}

// add takes in one more token.
//
// The length at a place that is about to leave the window may be too great, for
// those before it are kept up no more. It is one token by then that counts, so
// apply cuts it.
func (s *dry) add(token ask.Token) {
	at := len(s.tokens)
	s.tokens = append(s.tokens, token)
	s.length = append(s.length, 0)
	s.link(at, token)
	start := s.window()
	// The later places first: each reads the length that the one before it had.
	for j := int(s.previous[at]); j >= start; j = int(s.previous[j]) {
		n := int32(1)
		if j > 0 && s.tokens[j-1] == s.tokens[at-1] {
			n += s.length[j-1]
		}
		s.length[j] = n
	}
	if s.breakers == nil {
		return
	}
	for begin := at; begin >= max(0, at-s.breakers.longest, s.broken); begin-- {
		if tail := s.breakers.match(s.tokens, begin); tail >= 0 && (begin > s.broken || tail > s.tail) {
			s.broken, s.tail = begin, tail
			return
		}
	}
}

// apply penalises in a row.
func (s *dry) apply(row []float32) {
	s.find()
	for i, r := range s.repeats {
		if i > 0 && r.token == s.repeats[i-1].token || int(r.token) >= len(row) || !(row[r.token] > negativeInfinity) || s.breakers.alone(r.token) {
			continue
		}
		power := r.length - s.allowed
		if s.maxPower > 0 {
			power = min(power, s.maxPower)
		}
		row[r.token] = finite(row[r.token] - float32(s.multiplier*math.Pow(s.base, float64(power))))
	}
}

// find fills repeats, those of a token together, the longest first.
func (s *dry) find() {
	s.repeats, s.visited = s.repeats[:0], 0
	last := len(s.tokens) - 1
	start := s.window()
	limit := last + 1 - start
	if s.broken >= start {
		limit = last - s.broken - s.tail
	}
	if limit < s.allowed {
		return
	}
	found := func(at, length int) {
		s.visited++
		if length = min(length, at-start+1, limit); length < s.allowed {
			return
		}
		r := repeat{s.tokens[at+1], length}
		if n := len(s.repeats); n > 0 && s.repeats[n-1].token == r.token { // as in a loop
			s.repeats[n-1].length = max(s.repeats[n-1].length, length)
			return
		}
		s.repeats = append(s.repeats, r)
	}
	if s.allowed > 0 {
		if last < 0 {
			return
		}
		for at := int(s.previous[last]); at >= start; at = int(s.previous[at]) {
			found(at, int(s.length[at]))
		}
	} else { // each token that follows another, whatever
		for at := start; at < last; at++ {
			length := 0
			if s.tokens[at] == s.tokens[last] {
				length = int(s.length[at])
			}
			found(at, length)
		}
	}
	slices.SortFunc(s.repeats, func(a, b repeat) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(b.length, a.length))
	})
}
