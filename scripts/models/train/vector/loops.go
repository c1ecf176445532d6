package vector

import "math"

// lanes is how many chains a sum over a row is.
const lanes = 8

// sumOf adds the chains of a sum.
func sumOf(s *[lanes]float32) float32 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// The functions whose names end in Head do as much of the work as there are
// whole vectors for, and return how many elements that was: none without
// vector instructions. The loops below do the rest in the same way.

// Dot returns the sum of the products of x and y, which are of one length.
func Dot(x, y []float32) float32 {
	var s [lanes]float32
	for i := dotHead(&s, x, y[:len(x)]); i < len(x); i++ {
		s[i%lanes] = fma(x[i], y[i], s[i%lanes])
	}
	return sumOf(&s)
}

// Add adds x to dst.
func Add(dst, x []float32) {
	for i := addHead(dst[:len(x)], x); i < len(x); i++ {
		dst[i] += x[i]
	}
}

// AddScaled adds scale·x to dst.
func AddScaled(dst, x []float32, scale float32) {
	for i := addScaledHead(dst[:len(x)], x, scale); i < len(x); i++ {
		dst[i] = fma(x[i], scale, dst[i])
	}
}

// MultiplyScaled puts scale·x·y, element by element, into dst.
func MultiplyScaled(dst, x, y []float32, scale float32) {
	for i := multiplyScaledHead(dst[:len(x)], x, y[:len(x)], scale); i < len(x); i++ {
		dst[i] = float32(x[i]*scale) * y[i]
	}
}

// AddProduct adds scale·x·y, element by element, to dst.
func AddProduct(dst, x, y []float32, scale float32) {
	for i := addProductHead(dst[:len(x)], x, y[:len(x)], scale); i < len(x); i++ {
		dst[i] = fma(float32(x[i]*scale), y[i], dst[i])
	}
}

// Scale multiplies dst by scale.
func Scale(dst []float32, scale float32) {
	for i := scaleHead(dst, scale); i < len(dst); i++ {
		dst[i] *= scale
	}
}

// Greatest returns the largest element of x, which are numbers, and -Inf if
// there is none.
func Greatest(x []float32) float32 {
	s := [lanes]float32{}
	for i := range s {
		s[i] = float32(math.Inf(-1))
	}
	for i := greatestHead(&s, x); i < len(x); i++ {
		s[0] = max(s[0], x[i])
	}
	for _, v := range s[1:] {
		s[0] = max(s[0], v)
	}
	return s[0]
}

// ExpSum replaces each element x by e^(scale·x + shift) and returns their sum.
func ExpSum(x []float32, scale, shift float32) float32 {
	var s [lanes]float32
	at := expSumHead(&s, x, scale, shift)
	for len(x)-at > 0 {
		// The rest is a vector of its own, with something behind it.
		var rest, sums [lanes]float32
		n := copy(rest[:], x[at:])
		if expSumHead(&sums, rest[:], scale, shift) == 0 {
			for i, v := range rest[:n] {
				rest[i] = Exp(fma(v, scale, shift))
			}
		}
		for i, v := range rest[:n] {
			x[at+i] = v
			s[i] += v
		}
		at += n
	}
	return sumOf(&s)
}

// Softmax replaces each element of x by its share of the sum of all e^(scale·x).
// It returns the logarithm of that sum.
func Softmax(x []float32, scale float32) float64 {
	greatest := float32(Greatest(x) * scale)
	sum := ExpSum(x, scale, -greatest)
	Scale(x, 1/sum)
	return float64(greatest) + math.Log(float64(sum))
}

// Gate puts silu(g)·u into dst, where silu(g) is g/(1+e^-g).
func Gate(dst, g, u []float32) {
	for i := gateHead(dst[:len(g)], g, u[:len(g)]); i < len(g); i++ {
		dst[i] = float32(g[i]*sigmoid(g[i])) * u[i]
	}
}

// GateBack puts the gradients of g and u into dg and du, given d, that of what
// Gate makes of them.
func GateBack(dg, du, d, g, u []float32) {
	n := len(g)
	for i := gateBackHead(dg[:n], du[:n], d[:n], g, u[:n]); i < n; i++ {
		s := sigmoid(g[i])
		silu := float32(g[i] * s)
		dg[i] = float32(d[i]*u[i]) * fma(silu, 1-s, s)
		du[i] = d[i] * silu
	}
}

// Adam is one step of AdamW (Loshchilov and Hutter, 2019).
type Adam struct {
	Rate  float32 // of learning, divided by 1-Beta1^step
	Beta1 float32
	Beta2 float32
	// Correct is 1/(1-Beta2^step), Epsilon what is added to the root.
	Correct, Epsilon float32
	// Keep is what is left of a weight by decay: 1 - rate·decay.
	Keep float32
	// Scale is what gradients are multiplied by.
	Scale float32
}

// Step changes the weights w and their moments m and v by the gradients g.
func (a *Adam) Step(w, m, v, g []float32) {
	n := len(w)
	for i := adamHead(a, w, m[:n], v[:n], g[:n]); i < n; i++ {
		x := float32(g[i] * a.Scale)
		m[i] = fma(x-m[i], 1-a.Beta1, m[i])
		v[i] = fma(fma(x, x, -v[i]), 1-a.Beta2, v[i])
		root := float32(math.Sqrt(float64(float32(v[i] * a.Correct))))
		w[i] = fma(m[i]/(root+a.Epsilon), -a.Rate, float32(w[i]*a.Keep))
	}
}
