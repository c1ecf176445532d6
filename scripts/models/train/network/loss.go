package network

import (
	"github.com/weirgo/weir/scripts/models/train/vector"
)

// final is what the output keeps of a batch: rows that have a target only.
type final struct {
	rows       []int // of the batch
	in, normed []float32
	inverse    []float32
	logits     []float32 // then shares, then their gradients
	losses     []float64
	right      []bool
	dNormed    []float32
	packed     vector.Right // normed
}

// Result is what a batch was found to be.
type Result struct {
	Loss  float64 // sum over all targets, in nats
	Count int     // of targets
	// Right says for each sequence whether every target was the likeliest
	// token: whether greedy generation gives them.
	Right []bool
}

// output computes the logits of rows that have a target.
func (n *Network) output() {
	d, v, f := n.shape.Embedding, n.shape.Vocabulary, &n.last
	f.rows = f.rows[:0]
	for t, target := range n.batch.Targets {
		if target >= 0 {
			f.rows = append(f.rows, t)
		}
	}
	count := len(f.rows)
	f.in, f.normed, f.inverse = resize(f.in, count*d), resize(f.normed, count*d), resize(f.inverse, count)
	f.logits = resize(f.logits, count*v)
	x := n.acts[n.shape.Layers].in
	n.blocks(count, func(s *scratch, from, to int) {
		for i := from; i < to; i++ {
			copy(f.in[i*d:][:d], x[f.rows[i]*d:])
		}
		normalise(f.normed, f.in, n.gain, f.inverse, from, to)
		s.left.Pack(f.normed[from*d:], d, to-from, d)
		vector.Multiply(f.logits[from*v:], v, &s.left, &n.packed.table, false)
	})
}

// judge turns logits into the gradients of the loss.
func (n *Network) judge() Result {
	v, f := n.shape.Vocabulary, &n.last
	count := len(f.rows)
	if cap(f.losses) < count {
		f.losses, f.right = make([]float64, count), make([]bool, count)
	}
	f.losses, f.right = f.losses[:count], f.right[:count]
	n.blocks(count, func(_ *scratch, from, to int) {
		for i := from; i < to; i++ {
			row, target := f.logits[i*v:][:v], n.batch.Targets[f.rows[i]]
			own := row[target]
			f.right[i] = own >= vector.Greatest(row)
			f.losses[i] = vector.Softmax(row, 1) - float64(own)
			row[target]--
		}
	})
	result := Result{Count: count, Right: make([]bool, len(n.batch.Ends))}
	at := 0
	for i := range result.Right {
		result.Right[i] = true
		for _, to := n.batch.sequence(i); at < count && f.rows[at] < to; at++ {
			result.Loss += f.losses[at]
			result.Right[i] = result.Right[i] && f.right[at]
		}
	}
	return result
}

// Judge runs the network over a batch without learning.
func (n *Network) Judge(b *Batch) Result {
	n.forward(b)
	n.output()
	return n.judge()
}

// Logits returns the logits after each token of one sequence, Vocabulary of
// them a token, in memory that the next pass reuses.
func (n *Network) Logits(tokens []int32) []float32 {
	n.forward(&Batch{Tokens: tokens, Targets: make([]int32, len(tokens)), Ends: []int{len(tokens)}})
	n.output()
	return n.last.logits
}

// outputBack adds the gradients of the embedding as the output's matrix and of
// the last gain, and puts those of what left the layers into dx.
func (n *Network) outputBack(dx []float32) {
	d, v, f := n.shape.Embedding, n.shape.Vocabulary, &n.last
	count := len(f.rows)
	f.dNormed = resize(f.dNormed, count*d)
	clear(dx)
	n.blocks(count, func(s *scratch, from, to int) {
		s.row = resize(s.row, d)
		s.left.Pack(f.logits[from*v:], v, to-from, v)
		vector.Multiply(f.dNormed[from*d:], d, &s.left, &n.packed.tableBack, false)
		for i := from; i < to; i++ {
			normaliseBack(dx[f.rows[i]*d:][:d], f.dNormed[i*d:][:d], f.in[i*d:][:d], n.gain, s.row, f.inverse[i])
		}
	})
	f.packed.Pack(f.normed, d, count, d)
	chunks := (v + blockRows - 1) / blockRows
	n.parallel(chunks+1, func(worker, task int) {
		if task == chunks {
			gainBack(n.dGain, f.dNormed, f.in, f.inverse)
			return
		}
		s, from := &n.scratch[worker], task*blockRows
		s.left.PackTransposed(f.logits[from:], v, min(blockRows, v-from), count)
		vector.Multiply(n.dTable[from*d:], d, &s.left, &f.packed, true)
	})
}

// gainBack adds the gradient of a norm's gain, row by row.
func gainBack(dGain, dy, x, inverse []float32) {
	d := len(dGain)
	for t, inv := range inverse {
		vector.AddProduct(dGain, dy[t*d:][:d], x[t*d:][:d], inv)
	}
}
