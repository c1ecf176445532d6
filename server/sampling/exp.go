package sampling

import "math"

// The exponential of x in [expLow, 0], to about two units in the last place of
// a float32: x = n·ln 2 + r with |r| <= ln 2/2, and e^r by its Taylor series,
// whose first term left out, r^7/5040, is below 1.2e-7. Below expLow it is 0,
// which a sum that holds e^0 does not notice.
//
// The assembly does the same operations in the same order: products are rounded
// before they are added, which Go is held to by the conversions.
const (
	expLow = -86
	log2e  = 1.44269504
	ln2Hi  = 0.693359375 // 9 bits: n·ln2Hi is exact
	ln2Lo  = -2.12194440e-4
	// magic, added and taken away, rounds to an integer and leaves it in the
	// low bits of the sum.
	magic = 3 << 22
)

func exp(x float32) float32 {
	if !(x > expLow) {
		return 0
	}
	sum := float32(x*log2e) + magic
	n := sum - magic
	r := x - float32(n*ln2Hi)
	r -= float32(n * ln2Lo)
	p := float32(float32(1./720)*r) + 1./120
	p = float32(p*r) + 1./24
	p = float32(p*r) + 1./6
	p = float32(p*r) + 1./2
	p = float32(p*r) + 1
	p = float32(p*r) + 1
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(sum)<<23)
}

// weight is the exponential of (v - shift)·scale, which is at most 0.
func weight(v, shift, scale float32) float32 { return exp(float32(float32(v-shift) * scale)) }
