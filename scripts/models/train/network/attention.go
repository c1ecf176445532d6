package network

import (
	"math"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// head is where the parts of one head of queries, and of its keys and values,
// begin in a row of queries, keys and values together.
type head struct {
	query, key, value int
	output            int // in a row of all heads' output
}

func (s Shape) head(kv, i int) head {
	size := s.HeadSize()
	q := kv*(s.Heads/s.HeadsKV) + i
	return head{q * size, s.Embedding + kv*size, s.Embedding + s.keys() + kv*size, q * size}
}

// attend computes the output of the heads that share one head of keys, for the
// sequence in the rows from..to.
func (n *Network) attend(s *scratch, a *activations, from, to, kv int) {
	size, width, rows := n.shape.HeadSize(), n.shape.joint(), to-from
	first := n.shape.head(kv, 0)
	s.keys.PackTransposed(a.qkv[from*width+first.key:], width, size, rows)
	s.values.Pack(a.qkv[from*width+first.value:], width, rows, size)
	for i := range n.shape.Heads / n.shape.HeadsKV {
		h := n.shape.head(kv, i)
		n.weigh(s, a.qkv[from*width+h.query:], rows)
		s.left.Pack(s.scores, rows, rows, rows)
		vector.Multiply(a.att[from*n.shape.Embedding+h.output:], n.shape.Embedding, &s.left, &s.values, false)
	}
}

// weigh puts into s.scores how much each row looks at each before it, given
// queries, and keys in s.keys.
func (n *Network) weigh(s *scratch, queries []float32, rows int) {
	size, width := n.shape.HeadSize(), n.shape.joint()
	s.scores = resize(s.scores, rows*rows)
	s.left.Pack(queries, width, rows, size)
	vector.Multiply(s.scores, rows, &s.left, &s.keys, false)
	scale := n.attentionScale()
	for i := range rows {
		row := s.scores[i*rows:][:rows]
		vector.Softmax(row[:i+1], scale)
		clear(row[i+1:])
	}
}

func (n *Network) attentionScale() float32 {
	return float32(1 / math.Sqrt(float64(n.shape.HeadSize())))
}

// attendBack puts the gradients of queries, keys and values into dqkv, given
// datt, that of the output, for the heads that share one head of keys.
func (n *Network) attendBack(s *scratch, a *activations, datt, dqkv []float32, from, to, kv int) {
	size, width, d, rows := n.shape.HeadSize(), n.shape.joint(), n.shape.Embedding, to-from
	scale := n.attentionScale()
	qkv, dqkv, datt := a.qkv[from*width:], dqkv[from*width:], datt[from*d:]
	for i := range n.shape.Heads / n.shape.HeadsKV {
		h, more := n.shape.head(kv, i), i > 0
		s.keys.PackTransposed(qkv[h.key:], width, size, rows)
		n.weigh(s, qkv[h.query:], rows)
		// Of values: what looked at them.
		s.left.PackTransposed(s.scores, rows, rows, rows)
		s.right.Pack(datt[h.output:], d, rows, size)
		vector.Multiply(dqkv[h.value:], width, &s.left, &s.right, more)
		// Of the weights, then of what softmax made them of.
		s.slopes = resize(s.slopes, rows*rows)
		s.left.Pack(datt[h.output:], d, rows, size)
		s.values.PackTransposed(qkv[h.value:], width, size, rows)
		vector.Multiply(s.slopes, rows, &s.left, &s.values, false)
		for t := range rows {
			weights, slopes := s.scores[t*rows:][:t+1], s.slopes[t*rows:][:rows]
			common := vector.Dot(weights, slopes[:t+1])
			vector.MultiplyScaled(slopes[:t+1], weights, slopes[:t+1], scale)
			vector.AddScaled(slopes[:t+1], weights, -common*scale)
			clear(slopes[t+1:])
		}
		s.left.Pack(s.slopes, rows, rows, rows)
		s.right.Pack(qkv[h.key:], width, rows, size)
		vector.Multiply(dqkv[h.query:], width, &s.left, &s.right, false)
		s.left.PackTransposed(s.slopes, rows, rows, rows)
		s.right.Pack(qkv[h.query:], width, rows, size)
		vector.Multiply(dqkv[h.key:], width, &s.left, &s.right, more)
	}
}
