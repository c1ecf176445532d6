package sampling

import (
	"math"

	"github.com/weirgo/weir/server/ask"
)

// Key is a token and its logit in one number: the greater key is the likelier
// token, and of equally likely ones the lower.
//
//	63      32 31     0
//	┌─────────┬────────┐
//	│ ordered │ ^token │
//	└─────────┴────────┘
//
// ordered is the logit's bits, changed so that they grow with its value.
type Key uint64

func keyOf(logit float32, token int) Key {
	return Key(ordered(logit))<<32 | Key(^uint32(token))
}

// leastOf returns the least key of tokens with that logit.
func leastOf(logit float32) Key { return Key(ordered(logit)) << 32 }

// Token returns the key's token.
func (k Key) Token() ask.Token { return ask.Token(^uint32(k)) }

// Logit returns the key's logit.
func (k Key) Logit() float32 {
	bits := uint32(k >> 32)
	if bits>>31 != 0 {
		return math.Float32frombits(bits &^ (1 << 31))
	}
	return math.Float32frombits(^bits)
}

// ordered maps a logit, which is a number, so that unsigned order is its order.
func ordered(logit float32) uint32 {
	if logit == 0 {
		return 1 << 31 // the two zeros are equal
	}
	bits := math.Float32bits(logit)
	if bits>>31 != 0 {
		return ^bits
	}
	return bits | 1<<31
}

// mostLikely is greater than any key.
const mostLikely = Key(math.MaxUint64)

// below is the greatest value less than v.
func below(v float32) float32 { return math.Nextafter32(v, negativeInfinity) }

var negativeInfinity = float32(math.Inf(-1))
