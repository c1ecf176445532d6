package sampling

import "github.com/weirgo/weir/server/ask"

// Breakers are sequences of tokens across which DRY sees no repetition. Once
// made they are not changed, and may be shared.
type Breakers struct {
	tails   map[ask.Token][][]ask.Token // by the first token, what follows it
	longest int                         // of the tails
}

// NewBreakers makes breakers of sequences; empty ones are left out.
func NewBreakers(sequences ...[]ask.Token) *Breakers {
	b := &Breakers{tails: make(map[ask.Token][][]ask.Token, len(sequences))}
	for _, s := range sequences {
		if len(s) > 0 {
			b.tails[s[0]] = append(b.tails[s[0]], s[1:])
			b.longest = max(b.longest, len(s)-1)
		}
	}
	return b
}

// alone reports whether a token by itself is a breaker.
func (b *Breakers) alone(token ask.Token) bool {
	if b == nil {
		return false
	}
	for _, tail := range b.tails[token] {
		if len(tail) == 0 {
			return true
		}
	}
	return false
}

// match returns how long the longest tail is that follows the token at a place,
// as far as the tokens go, -1 if no breaker is there.
func (b *Breakers) match(tokens []ask.Token, at int) int {
	longest := -1
	if b == nil {
		return longest
	}
	rest := tokens[at+1:]
next:
	for _, tail := range b.tails[tokens[at]] {
		if len(tail) <= longest || len(tail) > len(rest) {
			continue
		}
		for i, t := range tail {
			if rest[i] != t {
				continue next
			}
		}
		longest = len(tail)
	}
	return longest
}
