//go:build goexperiment.simd

package vector

import (
	"math"
	"simd/archsimd"
)

type vec = archsimd.Float32x8

func load(s []float32, i int) vec { return archsimd.LoadFloat32x8Array((*[lanes]float32)(s[i:])) }

func store(s []float32, i int, v vec) { v.StoreArray((*[lanes]float32)(s[i:])) }

func broadcast(x float32) vec { return archsimd.BroadcastFloat32x8(x) }

// whole returns how many of n elements are in whole vectors.
func whole(n int) int {
	if level == levelPlain {
		return 0
	}
	return n &^ (lanes - 1)
}

// Constants in all lanes, in memory: the compiler keeps a scalar that it spreads in
// a register, and where those run out saves it by an instruction older than AVX,
// which waits for the whole register. Loads have nothing to save.
var (
	vecOne     = spread(1)
	vecLeast   = spread(expLeast)
	vecMost    = spread(expMost)
	vecLog2e   = spread(log2e)
	vecLn2High = spread(-ln2High)
	vecLn2Low  = spread(-ln2Low)
	vecC0      = spread(expC0)
	vecC1      = spread(expC1)
	vecC2      = spread(expC2)
	vecC3      = spread(expC3)
	vecC4      = spread(expC4)
	vecC5      = spread(expC5)
	vecBias    = [lanes]int32{expBias, expBias, expBias, expBias, expBias, expBias, expBias, expBias}
)

func spread(x float32) [lanes]float32 { return [lanes]float32{x, x, x, x, x, x, x, x} }

func constant(c *[lanes]float32) vec { return archsimd.LoadFloat32x8Array(c) }

func exp(x vec) vec {
	x = x.Max(constant(&vecLeast)).Min(constant(&vecMost))
	n := x.Mul(constant(&vecLog2e)).Round()
	r := n.MulAdd(constant(&vecLn2High), x)
	r = n.MulAdd(constant(&vecLn2Low), r)
	p := constant(&vecC0).MulAdd(r, constant(&vecC1))
	p = p.MulAdd(r, constant(&vecC2))
	p = p.MulAdd(r, constant(&vecC3))
	p = p.MulAdd(r, constant(&vecC4))
	p = p.MulAdd(r, constant(&vecC5))
	p = p.MulAdd(r.Mul(r), r).Add(constant(&vecOne))
	power := n.ConvertToInt32().Add(archsimd.LoadInt32x8Array(&vecBias)).ShiftAllLeft(expShift)
	return p.Mul(power.ToBits().BitsToFloat32())
}

func sigmoids(x vec) vec {
	one := constant(&vecOne)
	return one.Div(one.Add(exp(vec{}.Sub(x))))
}

func dotHead(s *[lanes]float32, x, y []float32) int {
	n := whole(len(x))
	var sum vec
	for i := 0; i < n; i += lanes {
		sum = load(x, i).MulAdd(load(y, i), sum)
	}
	sum.StoreArray(s)
	return n
}

func addHead(dst, x []float32) int {
	n := whole(len(x))
	for i := 0; i < n; i += lanes {
		store(dst, i, load(dst, i).Add(load(x, i)))
	}
	return n
}

func addScaledHead(dst, x []float32, scale float32) int {
	n, by := whole(len(x)), broadcast(scale)
	for i := 0; i < n; i += lanes {
		store(dst, i, load(x, i).MulAdd(by, load(dst, i)))
	}
	return n
}

func multiplyScaledHead(dst, x, y []float32, scale float32) int {
	n, by := whole(len(x)), broadcast(scale)
	for i := 0; i < n; i += lanes {
		store(dst, i, load(x, i).Mul(by).Mul(load(y, i)))
	}
	return n
}

func addProductHead(dst, x, y []float32, scale float32) int {
	n, by := whole(len(x)), broadcast(scale)
	for i := 0; i < n; i += lanes {
		store(dst, i, load(x, i).Mul(by).MulAdd(load(y, i), load(dst, i)))
	}
	return n
}

func scaleHead(dst []float32, scale float32) int {
	n, by := whole(len(dst)), broadcast(scale)
	for i := 0; i < n; i += lanes {
		store(dst, i, load(dst, i).Mul(by))
	}
	return n
}

func greatestHead(s *[lanes]float32, x []float32) int {
	n := whole(len(x))
	most := broadcast(float32(math.Inf(-1)))
	for i := 0; i < n; i += lanes {
		most = most.Max(load(x, i))
	}
	if n > 0 {
		most.StoreArray(s)
	}
	return n
}

func expSumHead(s *[lanes]float32, x []float32, scale, shift float32) int {
	n, by, plus := whole(len(x)), broadcast(scale), broadcast(shift)
	var sum vec
	for i := 0; i < n; i += lanes {
		v := exp(load(x, i).MulAdd(by, plus))
		store(x, i, v)
		sum = sum.Add(v)
	}
	sum.StoreArray(s)
	return n
}

func gateHead(dst, g, u []float32) int {
	n := whole(len(g))
	for i := 0; i < n; i += lanes {
		x := load(g, i)
		store(dst, i, x.Mul(sigmoids(x)).Mul(load(u, i)))
	}
	return n
}

func gateBackHead(dg, du, d, g, u []float32) int {
	n, one := whole(len(g)), constant(&vecOne)
	for i := 0; i < n; i += lanes {
		x, grad, other := load(g, i), load(d, i), load(u, i)
		s := sigmoids(x)
		silu := x.Mul(s)
		store(dg, i, grad.Mul(other).Mul(silu.MulAdd(one.Sub(s), s)))
		store(du, i, grad.Mul(silu))
	}
	return n
}

func adamHead(a *Adam, w, m, v, g []float32) int {
	n := whole(len(w))
	rate, keep, scale := broadcast(-a.Rate), broadcast(a.Keep), broadcast(a.Scale)
	first, second := broadcast(1-a.Beta1), broadcast(1-a.Beta2)
	correct, epsilon, zero := broadcast(a.Correct), broadcast(a.Epsilon), vec{}
	for i := 0; i < n; i += lanes {
		x, old, square := load(g, i).Mul(scale), load(m, i), load(v, i)
		old = x.Sub(old).MulAdd(first, old)
		square = x.MulAdd(x, zero.Sub(square)).MulAdd(second, square)
		store(m, i, old)
		store(v, i, square)
		step := old.Div(square.Mul(correct).Sqrt().Add(epsilon))
		store(w, i, step.MulAdd(rate, load(w, i).Mul(keep)))
	}
	return n
}
