package network

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// A step turns no direction longer or shorter than the polynomial leaves it, goes
// against the gradient, and is that of the transposed matrix transposed.
func TestOrthogonal(t *testing.T) {
	const rows, columns, rate = 12, 30, 0.5
	u := Muon{Momentum: 0.9, Rate: rate}
	r := rand.New(rand.NewPCG(1, 1))
	g, turned := make([]float32, rows*columns), make([]float32, rows*columns)
	for i := range g {
		g[i] = r.Float32() - 0.5
	}
	transpose(turned, g, rows, columns)
	w, tall := make([]float32, len(g)), make([]float32, len(g))
	var o orthogonal
	o.advance(u, w, make([]float32, len(g)), g, rows, columns, 0.1, 1)
	o.advance(u, tall, make([]float32, len(g)), turned, columns, rows, 0.1, 1)
	back := make([]float32, len(g))
	transpose(back, tall, columns, rows)
	for i := range w {
		if w[i] != back[i] {
			t.Fatalf("element %d: %v, of the transposed matrix %v", i, w[i], back[i])
		}
	}
	if vector.Dot(w, g) >= 0 {
		t.Error("the step goes along the gradient")
	}
	unit := rate * stepSpread * math.Sqrt(columns)
	for range 20 {
		direction, sum, length := make([]float64, rows), make([]float64, columns), 0.0
		for i := range direction {
			direction[i] = r.NormFloat64()
			length += direction[i] * direction[i]
			for j := range sum {
				sum[j] += direction[i] * float64(w[i*columns+j])
			}
		}
		of := 0.0
		for _, v := range sum {
			of += v * v
		}
		if stretch := math.Sqrt(of/length) / unit; stretch < 0.6 || stretch > 1.3 {
			t.Errorf("a direction is stretched to %.2f", stretch)
		}
	}
}

// Momentum goes on, decay takes its share, and no gradient makes no number of none.
func TestOrthogonalMomentum(t *testing.T) {
	u := Muon{Momentum: 0.5, Rate: 1}
	w, moment, g := []float32{1, 0, 0, 1}, make([]float32, 4), []float32{1, 0, 0, 1}
	var o orthogonal
	o.advance(u, w, moment, g, 2, 2, 2, 0.5)
	if moment[0] != 2 || moment[1] != 0 || w[0] >= 0.5 || w[1] != 0 {
		t.Errorf("weights %v, momentum %v", w, moment)
	}
	before := w[0]
	o.advance(u, w, moment, make([]float32, 4), 2, 2, 2, 1)
	if moment[0] != 1 || w[0] >= before {
		t.Errorf("without a gradient: weights %v, momentum %v", w, moment)
	}
	none := make([]float32, 4)
	o.advance(u, none, make([]float32, 4), make([]float32, 4), 2, 2, 2, 1)
	for _, v := range none {
		if v != 0 {
			t.Errorf("a step of %v without gradients", none)
		}
	}
}
