package vector

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func random(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

func near(t *testing.T, what string, got float32, want, tolerance float64) {
	t.Helper()
	if d := math.Abs(float64(got) - want); !(d <= tolerance*(1+math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestFMAIsRoundedOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	exact := func(x, y, z float32) float32 {
		f := func(v float32) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(float64(v)) }
		sum := f(x)
		sum.Mul(sum, f(y)).Add(sum, f(z))
		v, _ := sum.Float32()
		return v
	}
	for range 200_000 {
		pick := func() float32 {
			// Few bits of fraction, so that ties come up.
			v := float32(r.IntN(1<<13)-1<<12) * float32(math.Ldexp(1, r.IntN(40)-20))
			return v + float32(r.IntN(2))*float32(math.Ldexp(1, -20))
		}
		x, y, z := pick(), pick(), pick()
		if got, want := fma(x, y, z), exact(x, y, z); got != want {
			t.Fatalf("fma(%v, %v, %v) = %v, want %v", x, y, z, got, want)
		}
	}
}

func TestExp(t *testing.T) {
	worst := 0.0
	for x := float32(expLeast); x < expMost; x += 0.0137 {
		want := math.Exp(float64(x))
		unit := float64(math.Nextafter32(float32(want), math.MaxFloat32)) - float64(float32(want))
		worst = max(worst, math.Abs(float64(Exp(x))-want)/unit)
	}
	if worst > 2 {
		t.Errorf("off by %.2f units of the last place", worst)
	}
	if Exp(0) != 1 || !(Exp(-1e9) >= 0 && Exp(-1e9) < 1e-37) || Exp(1e9) < 1e38 {
		t.Errorf("at the ends: %v %v %v", Exp(0), Exp(-1e9), Exp(1e9))
	}
}

func TestMultiply(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range [][3]int{{1, 1, 1}, {2, 3, 0}, {8, 32, 4}, {6, 128, 5}, {9, 33, 257}, {23, 70, 513}, {3, 64, 256}} {
		rows, columns, depth := n[0], n[1], n[2]
		a, b := random(r, rows*depth), random(r, depth*columns)
		at, bt := transposed(a, rows, depth), transposed(b, depth, columns)
		var l, lt Left
		var right, rt Right
		l.Pack(a, depth, rows, depth)
		lt.PackTransposed(at, rows, rows, depth)
		right.Pack(b, columns, depth, columns)
		rt.PackTransposed(bt, depth, depth, columns)
		c, d := make([]float32, rows*columns), random(r, rows*columns)
		start := append([]float32(nil), d...)
		Multiply(c, columns, &l, &right, false)
		Multiply(d, columns, &lt, &rt, true)
		for i := range rows {
			for j := range columns {
				want := 0.0
				for k := range depth {
					want += float64(a[i*depth+k]) * float64(b[k*columns+j])
				}
				near(t, fmt.Sprint(n, i, j), c[i*columns+j], want, 1e-4)
				near(t, fmt.Sprint(n, i, j, " added"), d[i*columns+j], want+float64(start[i*columns+j]), 1e-4)
			}
		}
	}
}

func transposed(x []float32, rows, columns int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range columns {
			y[j*rows+i] = x[i*columns+j]
		}
	}
	return y
}

func TestLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{1, 7, 8, 9, 31, 64} {
		x, y, z := random(r, n), random(r, n), random(r, n)
		sum, dot := 0.0, 0.0
		for i := range x {
			dot += float64(x[i]) * float64(y[i])
			sum += math.Exp(float64(x[i]) * 0.5)
		}
		near(t, "Dot", Dot(x, y), dot, 1e-5)
		soft := append([]float32(nil), x...)
		near(t, "Softmax's logarithm", float32(Softmax(soft, 0.5)), math.Log(sum), 1e-5)
		added, scaled, product, back := clone(z), clone(z), clone(z), make([]float32, n)
		other, gate := make([]float32, n), make([]float32, n)
		Add(added, x)
		AddScaled(scaled, x, 3)
		AddProduct(product, x, y, 3)
		Gate(gate, x, y)
		GateBack(back, other, z, x, y)
		for i := range x {
			a, b, c := float64(x[i]), float64(y[i]), float64(z[i])
			s := 1 / (1 + math.Exp(-a))
			near(t, "Add", added[i], c+a, 1e-6)
			near(t, "AddScaled", scaled[i], c+3*a, 1e-6)
			near(t, "AddProduct", product[i], c+3*a*b, 1e-6)
			near(t, "Softmax", soft[i], math.Exp(a*0.5)/sum, 1e-5)
			near(t, "Gate", gate[i], a*s*b, 1e-5)
			near(t, "GateBack of g", back[i], c*b*(s+a*s*(1-s)), 1e-5)
			near(t, "GateBack of u", other[i], c*a*s, 1e-5)
		}
	}
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

func TestAdam(t *testing.T) {
	// The first step goes by the rate, whatever the gradient's size.
	a := Adam{Rate: 0.1 / (1 - 0.9), Beta1: 0.9, Beta2: 0.99, Correct: 1 / (1 - 0.99), Epsilon: 1e-8, Keep: 0.5, Scale: 2}
	w, m, v := []float32{1, 1, 1}, make([]float32, 3), make([]float32, 3)
	a.Step(w, m, v, []float32{5, -0.01, 0})
	near(t, "up", w[0], 0.5-0.1, 1e-5)
	near(t, "down", w[1], 0.5+0.1, 1e-5)
	near(t, "still", w[2], 0.5, 1e-7)
	near(t, "m", m[0], 1, 1e-6)
	near(t, "v", v[0], 1, 1e-5)
}

// digest is of the results of everything here, for a fixed input.
func digest() uint64 {
	sum := fnv.New64a()
	put := func(x ...float32) { binary.Write(sum, binary.LittleEndian, x) }
	r := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{5, 32, 77, 300} {
		// No transcendental function of package math makes the input: they
		// differ from machine to machine.
		in := func() []float32 {
			s := make([]float32, n)
			for i := range s {
				s[i] = float32(r.IntN(1<<20)-1<<19) / (1 << 17)
			}
			return s
		}
		x, y, z, w := in(), in(), in(), in()
		put(Dot(x, y), Greatest(x), ExpSum(clone(x), 0.3, -1))
		Gate(w, x, y)
		put(w...)
		GateBack(w, z, clone(z), x, y)
		put(append(w, z...)...)
		Add(z, x)
		AddScaled(z, x, 0.3)
		AddProduct(z, x, y, 0.7)
		MultiplyScaled(w, z, y, 1.1)
		Scale(w, 0.9)
		put(append(w, z...)...)
		a := Adam{Rate: 0.1, Beta1: 0.9, Beta2: 0.98, Correct: 2, Epsilon: 1e-8, Keep: 0.999, Scale: 0.7}
		Add(y, x)
		for i := range y {
			y[i] *= y[i]
		}
		a.Step(w, z, y, x)
		put(w...)
		var left Left
		var right Right
		left.Pack(x, n, 1, n)
		right.PackTransposed(x, n, n, 1)
		Multiply(w, 1, &left, &right, true)
		left.Pack(x, 1, n, 1)
		right.Pack(y, n, 1, n)
		product := make([]float32, n*n)
		Multiply(product, n, &left, &right, false)
		left.Pack(product, n, n, n)
		right.PackTransposed(product, n, n, n)
		Multiply(product, n, &left, &right, true)
		put(append(product, w...)...)
	}
	return sum.Sum64()
}

// Every build gives the same bits, on every machine.
func TestSameBits(t *testing.T) {
	const want = 0x8aa14ba9bb6b0016
	if got := digest(); got != want {
		t.Errorf("%s: results have the digest %#x, not %#x", Instructions(), got, uint64(want))
	}
}

func TestDifferentDepths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var l Left
	var r Right
	l.Pack([]float32{1}, 1, 1, 1)
	r.Pack([]float32{1, 2}, 1, 2, 1)
	Multiply([]float32{0}, 1, &l, &r, false)
}
