package network

import (
	"math"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// Muon steps matrices in directions whose singular values are about one (Jordan
// et al., 2024), so that what is rare in a batch is learnt as well as what is
// frequent. The zero value leaves all tensors to AdamW.
type Muon struct {
	Momentum float32 // of gradients
	// Rate is of learning. A step's elements have stepSpread of it as their root
	// mean square.
	Rate float32
}

// stepSpread is the root mean square of a step's elements over the rate:
// somewhat more than AdamW's steps have (Liu et al., 2025).
const stepSpread = 0.3

// iterations of the polynomial below take singular values of 0.01 and more to
// the neighbourhood of one.
const iterations = 5

// orthogonal is room for making one matrix orthogonal.
type orthogonal struct {
	step, x, y, square, mixed []float32
	left                      vector.Left
	right                     vector.Right
}

// advance does a step of a matrix w of rows·columns whose gradients are scale·g.
// moment is its momentum.
func (o *orthogonal) advance(u Muon, w, moment, g []float32, rows, columns int, scale, keep float32) {
	vector.Scale(moment, u.Momentum)
	vector.AddScaled(moment, g, scale)
	o.step = resize(o.step, len(w))
	for i, v := range g { // as Nesterov looks ahead
		o.step[i] = v * scale
	}
	vector.AddScaled(o.step, moment, u.Momentum)
	wide := rows <= columns
	if !wide {
		o.x = resize(o.x, len(w))
		transpose(o.x, o.step, rows, columns)
		o.x, o.step = o.step, o.x
		rows, columns = columns, rows
	}
	o.make(rows, columns)
	if !wide {
		transpose(o.x, o.step, rows, columns)
		o.x, o.step = o.step, o.x
	}
	vector.Scale(w, keep)
	vector.AddScaled(w, o.step, -u.Rate*stepSpread*float32(math.Sqrt(float64(columns))))
}

// make replaces o.step, which has at least as many columns as rows, by about its
// nearest matrix with singular values of one: Newton and Schulz's iteration with
// a polynomial that is steep at zero.
func (o *orthogonal) make(rows, columns int) {
	const linear, cubic, quintic = 3.4445, -4.7750, 2.0315
	size := rows * columns
	o.x, o.y = resize(o.x, size), resize(o.y, size)
	o.square, o.mixed = resize(o.square, rows*rows), resize(o.mixed, rows*rows)
	sum := 0.0
	for piece := range piecesOf(o.step, 4096) {
		sum += float64(vector.Dot(piece, piece))
	}
	copy(o.x, o.step)
	vector.Scale(o.x, float32(1/(math.Sqrt(sum)+1e-12)))
	for range iterations {
		o.left.Pack(o.x, columns, rows, columns)
		o.right.PackTransposed(o.x, columns, columns, rows)
		vector.Multiply(o.square, rows, &o.left, &o.right, false)
		o.left.Pack(o.square, rows, rows, rows)
		o.right.Pack(o.square, rows, rows, rows)
		vector.Multiply(o.mixed, rows, &o.left, &o.right, false)
		vector.Scale(o.mixed, quintic)
		vector.AddScaled(o.mixed, o.square, cubic)
		o.left.Pack(o.mixed, rows, rows, rows)
		o.right.Pack(o.x, columns, rows, columns)
		vector.Multiply(o.y, columns, &o.left, &o.right, false)
		vector.AddScaled(o.y, o.x, linear)
		o.x, o.y = o.y, o.x
	}
	o.x, o.step = o.step, o.x
}

// transpose puts a matrix of rows·columns into dst, columns by rows.
func transpose(dst, src []float32, rows, columns int) {
	for i := range rows {
		for j, v := range src[i*columns:][:columns] {
			dst[j*rows+i] = v
		}
	}
}
