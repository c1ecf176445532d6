package sampling

import (
	"math/bits"

	"github.com/weirgo/weir/server/ask"
)

// Constraint holds a generation to a form. It belongs to one goroutine.
type Constraint interface {
	// Allowed returns a bit for each token of the vocabulary that may come next, end-of-generation tokens included; nil allows all. It is the constraint's, until Accept.
	Allowed() []uint64
	// Accept moves on by a token that was drawn; it must have been allowed.
	Accept(token ask.Token)
}

// Waiting is a constraint that does not always hold.
type Waiting interface {
	Constraint
	// Free reports that Allowed allows all tokens, at no cost.
	Free() bool
}

// allows reports whether a token's bit is set.
func allows(set []uint64, token ask.Token) bool {
	word := int(token) / 64
	return word < len(set) && set[word]&(1<<(token%64)) != 0
}

// mask forbids the values whose bit is not set, those beyond the bits too.
func mask(row []float32, allowed []uint64) {
	for from := 0; from < len(row); from += 64 {
		word := uint64(0)
		if at := from / 64; at < len(allowed) {
			word = allowed[at]
		}
		part := row[from:min(from+64, len(row))]
		switch word {
		case ^uint64(0):
		case 0:
			for i := range part {
				part[i] = negativeInfinity
			}
		default:
			for out := ^word & (^uint64(0) >> (64 - len(part))); out != 0; out &= out - 1 {
				part[bits.TrailingZeros64(out)] = negativeInfinity
			}
		}
	}
}

// forbid forbids the values whose bit is set.
func forbid(row []float32, set []uint64) {
	for at, word := range set {
		for ; word != 0; word &= word - 1 {
			if t := at*64 + bits.TrailingZeros64(word); t < len(row) {
				row[t] = negativeInfinity
			}
		}
	}
}
