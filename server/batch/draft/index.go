package draft

import "github.com/weirgo/weir/server/ask"

// Index finds where the last tokens of one sequence were before. It keeps chains of
// places with the same hash, the last one first, as LZ77 compressors do.
type Index struct {
	least  int     // tokens that match
	heads  []int32 // by hash: behind which token such tokens ended last, 0 for nowhere; a power of two
	before []int32 // by the same: where they ended before that
}

const (
	// MostMatch bounds how many tokens have to match, and how far a match is followed.
	MostMatch = 64
	// candidates is how many places are looked at: of text that repeats itself all the
	// time, there are as many as tokens.
	candidates = 32
	// hashed is how many tokens of a match are hashed at most; the others are compared.
	hashed = 4
	// leastHeads is the smallest table.
	leastHeads = 256
)

// NewIndex makes an index of a sequence without tokens. At least so many tokens match:
// 1 to MostMatch.
func NewIndex(least int) *Index {
	return &Index{least: max(1, min(least, MostMatch))}
}

// Find gives the place behind the longest tokens that were there before and end the
// sequence now, and how many they are; of several as long the last place. It is 0 and 0 if
// there is none. The sequence is the one that the index was asked about before, with
// tokens added.
func (x *Index) Find(tokens []ask.Token) (at, matched int) {
	n := len(tokens)
	if n <= x.least {
		return 0, 0
	}
	x.add(tokens[:n-1])
	looked := 0
	for end := int(x.heads[x.hash(tokens)]); end > 0 && looked < candidates; end = int(x.before[end]) {
		if m := common(tokens[:end], tokens, MostMatch); m > matched && m >= x.least {
			at, matched = end, m
			if m == MostMatch {
				break
			}
		}
		looked++
	}
	return at, matched
}

// add takes the places of tokens that are new.
func (x *Index) add(tokens []ask.Token) {
	n := len(tokens)
	if n > len(x.heads) {
		size := max(leastHeads, len(x.heads))
		for size < n {
			size *= 2
		}
		x.heads, x.before = make([]int32, size), x.before[:0]
	}
	for end := len(x.before); end <= n; end++ {
		if end < x.least {
			x.before = append(x.before, 0)
			continue
		}
		head := &x.heads[x.hash(tokens[:end])]
		x.before = append(x.before, *head)
		*head = int32(end)
	}
}

// hash is where the chain of a sequence's end begins.
func (x *Index) hash(tokens []ask.Token) uint32 {
	h := uint32(0)
	for _, t := range tokens[len(tokens)-min(x.least, hashed):] {
		h = (h ^ uint32(t)) * 0x9e3779b1
		h ^= h >> 15
	}
	return h & uint32(len(x.heads)-1)
}

// common is how many tokens two sequences end with alike, limit at most.
func common(a, b []ask.Token, limit int) (n int) {
	limit = min(limit, len(a), len(b))
	for n < limit && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// Append appends n tokens of a draft: those of a sequence from a place on that Find gave
// and, where the sequence ends, those that the draft itself has begun with, so that what
// repeats goes on repeating.
func Append(dst, tokens []ask.Token, at, n int) []ask.Token {
	begin := len(dst)
	for i := range n {
		if at+i < len(tokens) {
			dst = append(dst, tokens[at+i])
		} else {
			dst = append(dst, dst[begin+at+i-len(tokens)])
		}
	}
	return dst
}
