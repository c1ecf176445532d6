package network

import (
	"math"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// backward is room for the way back, used by one layer after the other.
type backward struct {
	layers    []layer // views of the gradients
	positions []int

	dOut, dIn, dMid, dAtt    []float32
	dNormed1, dNormed2       []float32
	dGateUp, dHidden, dJoint []float32
	hidden, normed2          vector.Right
	att, normed1             vector.Right
}

// Train runs the network over a batch and adds the gradients of the sum of all
// losses to n.Gradients.
func (n *Network) Train(b *Batch) Result {
	n.forward(b)
	n.output()
	result := n.judge()
	rows, d, f, k := len(b.Tokens), n.shape.Embedding, n.shape.FeedForward, &n.back
	for _, part := range []*[]float32{&k.dOut, &k.dIn, &k.dMid, &k.dAtt, &k.dNormed1, &k.dNormed2} {
		*part = resize(*part, rows*d)
	}
	k.dGateUp, k.dHidden = resize(k.dGateUp, rows*2*f), resize(k.dHidden, rows*f)
	k.dJoint = resize(k.dJoint, rows*n.shape.joint())
	n.outputBack(k.dOut)
	for i := n.shape.Layers - 1; i >= 0; i-- {
		n.layerBack(i)
		k.dOut, k.dIn = k.dIn, k.dOut
	}
	// The embedding as the input's matrix: row after row, a part of the columns
	// a task.
	n.parallel((d+blockRows-1)/blockRows, func(_, task int) {
		from, to := task*blockRows, min((task+1)*blockRows, d)
		for t, token := range b.Tokens {
			vector.Add(n.dTable[int(token)*d+from:int(token)*d+to], k.dOut[t*d+from:t*d+to])
		}
	})
	return result
}

// layerBack takes the gradient of what layer i put out, in dOut, to that of
// what it took in, in dIn.
func (n *Network) layerBack(i int) {
	d, f, width := n.shape.Embedding, n.shape.FeedForward, n.shape.joint()
	b, k, a, l := n.batch, &n.back, &n.acts[i], &n.layers[i]
	rows := len(b.Tokens)
	n.blocks(rows, func(s *scratch, from, to int) {
		s.left.Pack(k.dOut[from*d:], d, to-from, d)
		vector.Multiply(k.dHidden[from*f:], f, &s.left, &n.packed.downBack[i], false)
		for t := from; t < to; t++ {
			both, dBoth := a.gateUp[t*2*f:][:2*f], k.dGateUp[t*2*f:][:2*f]
			vector.GateBack(dBoth[:f], dBoth[f:], k.dHidden[t*f:][:f], both[:f], both[f:])
		}
		s.left.Pack(k.dGateUp[from*2*f:], 2*f, to-from, 2*f)
		vector.Multiply(k.dNormed2[from*d:], d, &s.left, &n.packed.gateUpBack[i], false)
		copy(k.dMid[from*d:to*d], k.dOut[from*d:])
		s.row = resize(s.row, d)
		for t := from; t < to; t++ {
			normaliseBack(k.dMid[t*d:][:d], k.dNormed2[t*d:][:d], a.mid[t*d:][:d], l.norm2, s.row, a.inverse2[t])
		}
		s.left.Pack(k.dMid[from*d:], d, to-from, d)
		vector.Multiply(k.dAtt[from*d:], d, &s.left, &n.packed.outBack[i], false)
	})
	n.parallel(len(b.Ends)*n.shape.HeadsKV, func(worker, task int) {
		from, to := b.sequence(task / n.shape.HeadsKV)
		n.attendBack(&n.scratch[worker], a, k.dAtt, k.dJoint, from, to, task%n.shape.HeadsKV)
	})
	turned := d + n.shape.keys()
	n.blocks(rows, func(s *scratch, from, to int) {
		for t := from; t < to; t++ {
			n.turns.turn(k.dJoint[t*width:][:turned], k.positions[t], -1)
		}
		s.left.Pack(k.dJoint[from*width:], width, to-from, width)
		vector.Multiply(k.dNormed1[from*d:], d, &s.left, &n.packed.qkvBack[i], false)
		copy(k.dIn[from*d:to*d], k.dMid[from*d:])
		s.row = resize(s.row, d)
		for t := from; t < to; t++ {
			normaliseBack(k.dIn[t*d:][:d], k.dNormed1[t*d:][:d], a.in[t*d:][:d], l.norm1, s.row, a.inverse1[t])
		}
	})
	n.weightsBack(i)
}

// product is a matrix's gradient: the sum over all rows of the batch of what
// came back times what went in.
type product struct {
	to      []float32
	rows    int
	back    []float32
	in      []float32
	columns int
	packed  *vector.Right
}

// weightsBack adds the gradients of a layer's weights.
func (n *Network) weightsBack(i int) {
	d, f, width := n.shape.Embedding, n.shape.FeedForward, n.shape.joint()
	k, a, g := &n.back, &n.acts[i], &n.back.layers[i]
	rows := len(n.batch.Tokens)
	products := []product{
		{g.down, d, k.dOut, a.hidden, f, &k.hidden},
		{g.gateUp, 2 * f, k.dGateUp, a.normed2, d, &k.normed2},
		{g.out, d, k.dMid, a.att, d, &k.att},
		{g.qkv, width, k.dJoint, a.normed1, d, &k.normed1},
	}
	depths := (rows + vector.BlockDepth - 1) / vector.BlockDepth
	for _, p := range products {
		p.packed.Reset(rows, p.columns)
	}
	n.parallel(len(products)*depths, func(_, task int) {
		p := &products[task/depths]
		p.packed.PackBlock(task%depths*vector.BlockDepth, p.in, p.columns)
	})
	type chunk struct {
		*product
		from int
	}
	var chunks []chunk
	for j := range products {
		for from := 0; from < products[j].rows; from += blockRows {
			chunks = append(chunks, chunk{&products[j], from})
		}
	}
	n.parallel(len(chunks)+2, func(worker, task int) {
		switch task {
		case len(chunks):
			gainBack(g.norm1, k.dNormed1, a.in, a.inverse1)
		case len(chunks) + 1:
			gainBack(g.norm2, k.dNormed2, a.mid, a.inverse2)
		default:
			c, s := chunks[task], &n.scratch[worker]
			s.left.PackTransposed(c.back[c.from:], c.rows, min(blockRows, c.rows-c.from), rows)
			vector.Multiply(c.to[c.from*c.columns:], c.columns, &s.left, c.packed, true)
		}
	})
}

// Step changes the weights by the gradients, which it clears. The gradients are
// those of count targets; if their mean is longer than clip, it is shortened to
// that. The embedding's rate is table times the others'. It returns the length
// before.
func (n *Network) Step(a vector.Adam, table, decay float32, count int, clip float64) (length float64) {
	var parts []float64
	tensors, at := n.shape.tensors(n.Weights), 0
	for i := range tensors {
		size := tensors[i].Rows * tensors[i].Columns
		// In pieces, so that a sum of millions keeps its digits.
		for piece := range piecesOf(n.Gradients[at:at+size], 4096) {
			parts = append(parts, float64(vector.Dot(piece, piece)))
		}
		at += size
	}
	for _, p := range parts {
		length += p
	}
	length = math.Sqrt(length) / float64(count)
	scale := 1 / float64(count)
	if length > clip {
		scale *= clip / length
	}
	a.Scale = float32(scale)
	starts := make([]int, len(tensors))
	for i := 1; i < len(tensors); i++ {
		starts[i] = starts[i-1] + tensors[i-1].Rows*tensors[i-1].Columns
	}
	n.parallel(len(tensors), func(_, task int) {
		from := starts[task]
		to := from + tensors[task].Rows*tensors[task].Columns
		step, times := a, float32(1)
		if task == 0 { // the embedding
			times = table
		}
		step.Rate *= times
		step.Keep = 1
		if !tensors[task].Vector {
			step.Keep = 1 - decay*times
		}
		step.Step(n.Weights[from:to], n.First[from:to], n.Second[from:to], n.Gradients[from:to])
		clear(n.Gradients[from:to])
	})
	n.fresh = false
	return length
}

// piecesOf yields s in pieces of up to size elements.
func piecesOf(s []float32, size int) func(func([]float32) bool) {
	return func(yield func([]float32) bool) {
		for len(s) > 0 {
			n := min(size, len(s))
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}
