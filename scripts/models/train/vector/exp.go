package vector

import "math"

// Constants of Exp: the range where its result is a normal number, log2(e), ln 2
// in two parts, and the polynomial of Cephes' expf.
const (
	expLeast = -87.33654
	expMost  = 88.0
	log2e    = 1.44269504088896341
	ln2High  = 0.693359375
	ln2Low   = -2.12194440e-4
	expC0    = 1.9875691500e-4
	expC1    = 1.3981999507e-3
	expC2    = 8.3334519073e-3
	expC3    = 4.1665795894e-2
	expC4    = 1.6666665459e-1
	expC5    = 5.0000001201e-1
	expBias  = 127 // of the exponent's bits
	expShift = 23  // where they begin
)

// Exp returns e to the power of x, within 2 units of the last place. Beyond the
// range of normal numbers it is the nearest one, and x must be a number.
func Exp(x float32) float32 {
	x = min(max(x, expLeast), expMost)
	n := float32(math.RoundToEven(float64(float32(x * log2e))))
	r := fma(n, -ln2High, x)
	r = fma(n, -ln2Low, r)
	p := float32(expC0)
	p = fma(p, r, expC1)
	p = fma(p, r, expC2)
	p = fma(p, r, expC3)
	p = fma(p, r, expC4)
	p = fma(p, r, expC5)
	p = fma(p, float32(r*r), r)
	p = float32(p + 1)
	return p * math.Float32frombits(uint32(int32(n)+expBias)<<expShift)
}

// sigmoid returns 1/(1+e^-x).
func sigmoid(x float32) float32 { return 1 / (1 + Exp(-x)) }
