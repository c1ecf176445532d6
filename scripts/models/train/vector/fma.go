package vector

import "math"

// fma returns x*y + z, rounded once, as the processor's instruction does.
//
// The product of two float32 is exact as float64. Their sum with z is not, but
// rounding it once more to float32 goes wrong only where it lies just between
// two of those, or is too small for all their digits.
func fma(x, y, z float32) float32 {
	sum := float64(x)*float64(y) + float64(z)
	if unsure(sum) {
		sum = exactSum(x, y, z)
	}
	return float32(sum)
}

// unsure reports whether a sum, once rounded, may not be rounded again.
func unsure(sum float64) bool {
	bits := math.Float64bits(sum)
	return bits&betweenMask == between || bits<<1-1 < leastNormal<<1-1 // zero is sure
}

const (
	betweenMask = 1<<29 - 1 // the digits that float32 has no room for
	between     = 1 << 28
	leastNormal = (1023 - 126) << 52 // bits of the smallest float32 with all digits
)

// exactSum returns x*y + z rounded to odd, which keeps enough of what was lost
// to be rounded again (Boldo and Melquiond, "Emulation of FMA and correctly
// rounded sums").
//
//go:noinline
func exactSum(x, y, z float32) float64 {
	product, addend := float64(x)*float64(y), float64(z)
	sum := float64(product + addend)
	t := float64(sum - product)
	lost := float64(product-float64(sum-t)) + float64(addend-t)
	if lost != 0 && lost == lost { // not exact, not NaN
		if bits := math.Float64bits(sum); bits&1 == 0 {
			if (lost > 0) == (sum > 0) {
				bits++
			} else {
				bits--
			}
			sum = math.Float64frombits(bits)
		}
	}
	return sum
}
