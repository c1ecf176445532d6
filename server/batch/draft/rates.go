package draft

import "math/bits"

// Rates is how often a token of a draft was right where all before it were, by how many
// tokens had matched. The zero value knows nothing.
type Rates [classes + 1]rate

// classes are of 1 token, of 2 and 3, of 4 to 7, and so on, up to 32 and more. The one
// behind them is ByModel's.
const classes = 6

// ByModel stands for how many tokens matched where a model has guessed.
const ByModel = 0

// Prior is the chance of a token that nothing is known of: high enough to try where a
// row is not nearly as dear as a step.
const Prior = 0.75

const (
	// weight is how many tokens it takes to outweigh what was thought before.
	weight = 2
	// Memory is how many tokens of a sequence count, and LoopMemory those of all.
	Memory     = 32
	LoopMemory = 512
	// forgotten is the part that is forgotten each time that nothing was drafted though
	// something matched: else what was wrong once would never be tried again.
	forgotten = 1.0 / 64
)

// rate is a moving mean.
type rate struct{ right, tried float64 }

func class(matched int) int {
	if matched == ByModel {
		return classes
	}
	return min(bits.Len(uint(matched))-1, classes-1)
}

// Chance is how likely a token is right where so many matched; prior is what is
// thought of those that nothing is known of.
func (r *Rates) Chance(matched int, prior float64) float64 {
	c := &r[class(matched)]
	return (c.right + weight*prior) / (c.tried + weight)
}

// Learn takes in a draft of which so many tokens were right, up to the first that was
// not. The last memory tokens count.
func (r *Rates) Learn(matched, drafted, right int, memory float64) {
	c := &r[class(matched)]
	c.right += float64(right)
	c.tried += float64(min(right+1, drafted))
	if c.tried > memory {
		c.right *= memory / c.tried
		c.tried = memory
	}
}

// Pass takes in that so many tokens matched and nothing was drafted.
func (r *Rates) Pass(matched int) {
	c := &r[class(matched)]
	c.right -= c.right * forgotten
	c.tried -= c.tried * forgotten
}
