package network

import (
	"fmt"
	"math"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// Batch is sequences one after the other.
type Batch struct {
	Tokens []int32
	// Targets are the tokens to be foreseen after each, -1 where nothing is
	// asked.
	Targets []int32
	// Ends are the sequences' ends within Tokens, rising.
	Ends []int
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.Tokens, b.Targets, b.Ends = b.Tokens[:0], b.Targets[:0], b.Ends[:0] }

// Add appends a sequence.
func (b *Batch) Add(tokens, targets []int32) {
	b.Tokens = append(b.Tokens, tokens...)
	b.Targets = append(b.Targets, targets...)
	b.Ends = append(b.Ends, len(b.Tokens))
}

// check panics for what a batch must not hold: the caller makes it.
func (b *Batch) check(s Shape) {
	if len(b.Targets) != len(b.Tokens) || len(b.Ends) > 0 && b.Ends[len(b.Ends)-1] != len(b.Tokens) {
		panic("network: a batch whose parts differ in length")
	}
	from := 0
	for _, end := range b.Ends {
		if end <= from || end-from > s.Context {
			panic("network: a sequence that is empty or longer than the context")
		}
		from = end
	}
	for i, token := range b.Tokens {
		if token < 0 || int(token) >= s.Vocabulary || int(b.Targets[i]) >= s.Vocabulary {
			panic(fmt.Sprintf("network: token %d or target %d is not in the vocabulary", token, b.Targets[i]))
		}
	}
}

// sequence returns where sequence i is within the batch.
func (b *Batch) sequence(i int) (from, to int) {
	if i > 0 {
		from = b.Ends[i-1]
	}
	return from, b.Ends[i]
}

// rotation is the sines and cosines of positions.
type rotation struct {
	half     int // pairs of a head
	cos, sin []float32
}

func newRotation(s Shape) rotation {
	r := rotation{half: s.HeadSize() / 2}
	for pos := range s.Context {
		for i := range r.half {
			angle := float64(pos) * math.Pow(RotaryBase, -float64(2*i)/float64(s.HeadSize()))
			r.cos = append(r.cos, float32(math.Cos(angle)))
			r.sin = append(r.sin, float32(math.Sin(angle)))
		}
	}
	return r
}

// turn rotates neighbouring pairs of the heads in x as their position says, or
// back for a sign of -1.
func (r *rotation) turn(x []float32, pos int, sign float32) {
	cos, sin := r.cos[pos*r.half:][:r.half], r.sin[pos*r.half:][:r.half]
	for ; len(x) > 0; x = x[2*r.half:] {
		for i, c := range cos {
			s := sin[i] * sign
			a, b := x[2*i], x[2*i+1]
			x[2*i] = float32(a*c) - float32(b*s)
			x[2*i+1] = float32(a*s) + float32(b*c)
		}
	}
}

// room makes room for a batch.
func (n *Network) room(rows int) {
	d, f, w := n.shape.Embedding, n.shape.FeedForward, n.shape.joint()
	for i := range n.acts {
		a := &n.acts[i]
		a.in = resize(a.in, rows*d)
		if i == n.shape.Layers {
			break
		}
		a.normed1, a.normed2 = resize(a.normed1, rows*d), resize(a.normed2, rows*d)
		a.qkv, a.att, a.mid = resize(a.qkv, rows*w), resize(a.att, rows*d), resize(a.mid, rows*d)
		a.gateUp, a.hidden = resize(a.gateUp, rows*2*f), resize(a.hidden, rows*f)
		a.inverse1, a.inverse2 = resize(a.inverse1, rows), resize(a.inverse2, rows)
	}
}

// positions[t] is where in its sequence row t is.
func (b *Batch) positions() []int {
	all := make([]int, 0, len(b.Tokens))
	for i := range b.Ends {
		from, to := b.sequence(i)
		for pos := range to - from {
			all = append(all, pos)
		}
	}
	return all
}

// forward runs the layers over a batch.
func (n *Network) forward(b *Batch) {
	b.check(n.shape)
	n.pack()
	rows, d := len(b.Tokens), n.shape.Embedding
	n.room(rows)
	n.batch = b
	positions := b.positions()
	n.back.positions = positions
	n.blocks(rows, func(_ *scratch, from, to int) {
		for t := from; t < to; t++ {
			copy(n.acts[0].in[t*d:][:d], n.table[int(b.Tokens[t])*d:])
		}
	})
	turned := d + n.shape.keys()
	width := n.shape.joint()
	for i := range n.layers {
		l, a := &n.layers[i], &n.acts[i]
		n.blocks(rows, func(s *scratch, from, to int) {
			normalise(a.normed1, a.in, l.norm1, a.inverse1, from, to)
			s.left.Pack(a.normed1[from*d:], d, to-from, d)
			vector.Multiply(a.qkv[from*width:], width, &s.left, &n.packed.qkv[i], false)
			for t := from; t < to; t++ {
				n.turns.turn(a.qkv[t*width:][:turned], positions[t], 1)
			}
		})
		n.parallel(len(b.Ends)*n.shape.HeadsKV, func(worker, task int) {
			from, to := b.sequence(task / n.shape.HeadsKV)
			n.attend(&n.scratch[worker], a, from, to, task%n.shape.HeadsKV)
		})
		n.blocks(rows, func(s *scratch, from, to int) { n.gated(s, i, from, to) })
	}
}

// gated is the second half of a layer, for some rows: the sum after attention,
// and the gated part.
func (n *Network) gated(s *scratch, i, from, to int) {
	d, f := n.shape.Embedding, n.shape.FeedForward
	l, a, next := &n.layers[i], &n.acts[i], &n.acts[i+1]
	copy(a.mid[from*d:to*d], a.in[from*d:])
	s.left.Pack(a.att[from*d:], d, to-from, d)
	vector.Multiply(a.mid[from*d:], d, &s.left, &n.packed.out[i], true)
	normalise(a.normed2, a.mid, l.norm2, a.inverse2, from, to)
	s.left.Pack(a.normed2[from*d:], d, to-from, d)
	vector.Multiply(a.gateUp[from*2*f:], 2*f, &s.left, &n.packed.gateUp[i], false)
	for t := from; t < to; t++ {
		both := a.gateUp[t*2*f:][:2*f]
		vector.Gate(a.hidden[t*f:][:f], both[:f], both[f:])
	}
	copy(next.in[from*d:to*d], a.mid[from*d:])
	s.left.Pack(a.hidden[from*f:], f, to-from, f)
	vector.Multiply(next.in[from*d:], d, &s.left, &n.packed.down[i], true)
}
