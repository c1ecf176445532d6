package network

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// Network is a model with room for its gradients. Weights may be set from
// outside before a pass if [Network.Changed] is called.
type Network struct {
	Weights, Gradients []float32
	First, Second      []float32 // moments, as AdamW has them

	shape   Shape
	workers int
	scratch []scratch // one a worker
	packed  packed
	fresh   bool // packed is of the weights
	layers  []layer
	gain    []float32 // of the last norm
	dGain   []float32
	table   []float32 // the embedding
	dTable  []float32

	batch *Batch
	acts  []activations
	last  final
	back  backward
	turns rotation
}

// layer is views of one layer's weights, or of their gradients.
type layer struct {
	norm1, qkv, out, norm2, gateUp, down []float32
}

// packed is the weights as products take them: forward, and for the gradients
// of what went in.
type packed struct {
	qkv, out, gateUp, down                 []vector.Right
	qkvBack, outBack, gateUpBack, downBack []vector.Right
	table, tableBack                       vector.Right
}

// scratch is what one worker needs.
type scratch struct {
	left                     vector.Left
	right                    vector.Right
	keys, values             vector.Right
	scores, slopes, row, sum []float32
}

// activations are what one layer keeps of a batch for the way back.
type activations struct {
	in, normed1, qkv, att, mid, normed2, gateUp, hidden []float32
	inverse1, inverse2                                  []float32 // of the norms
}

// New returns a network of zeros. workers is how many goroutines share the
// work, at least one.
func New(shape Shape, workers int) (*Network, error) {
	if err := shape.check(); err != nil {
		return nil, err
	}
	size := shape.Parameters()
	n := &Network{
		shape: shape, workers: max(workers, 1),
		Weights: make([]float32, size), Gradients: make([]float32, size),
		First: make([]float32, size), Second: make([]float32, size),
		turns: newRotation(shape),
	}
	n.scratch = make([]scratch, n.workers)
	n.acts = make([]activations, shape.Layers+1) // the last holds what leaves the layers
	n.table, n.layers, n.gain = views(shape, n.Weights)
	var gradients []layer
	n.dTable, gradients, n.dGain = views(shape, n.Gradients)
	n.back.layers = gradients
	p := &n.packed
	for _, side := range []*[]vector.Right{
		&p.qkv, &p.out, &p.gateUp, &p.down, &p.qkvBack, &p.outBack, &p.gateUpBack, &p.downBack,
	} {
		*side = make([]vector.Right, shape.Layers)
	}
	return n, nil
}

// Shape returns the network's sizes.
func (n *Network) Shape() Shape { return n.shape }

// Changed says that the weights have been changed from outside.
func (n *Network) Changed() { n.fresh = false }

// views cuts flat weights into the embedding, the layers and the last gain.
func views(s Shape, flat []float32) (table []float32, layers []layer, gain []float32) {
	take := func(n int) []float32 {
		part := flat[:n:n]
		flat = flat[n:]
		return part
	}
	d, f := s.Embedding, s.FeedForward
	table = take(s.Vocabulary * d)
	for range s.Layers {
		layers = append(layers, layer{
			norm1: take(d), qkv: take(s.joint() * d), out: take(d * d),
			norm2: take(d), gateUp: take(2 * f * d), down: take(d * f),
		})
	}
	return table, layers, take(d)
}

// pack packs the weights if they have changed.
func (n *Network) pack() {
	if n.fresh {
		return
	}
	d, f, w, v := n.shape.Embedding, n.shape.FeedForward, n.shape.joint(), n.shape.Vocabulary
	p := &n.packed
	n.parallel(n.shape.Layers+1, func(_, i int) {
		if i == n.shape.Layers {
			p.table.PackTransposed(n.table, d, d, v)
			p.tableBack.Pack(n.table, d, v, d)
			return
		}
		l := &n.layers[i]
		p.qkv[i].PackTransposed(l.qkv, d, d, w)
		p.qkvBack[i].Pack(l.qkv, d, w, d)
		p.out[i].PackTransposed(l.out, d, d, d)
		p.outBack[i].Pack(l.out, d, d, d)
		p.gateUp[i].PackTransposed(l.gateUp, d, d, 2*f)
		p.gateUpBack[i].Pack(l.gateUp, d, 2*f, d)
		p.down[i].PackTransposed(l.down, f, f, d)
		p.downBack[i].Pack(l.down, f, d, f)
	})
	n.fresh = true
}

// parallel calls do for every task, with the number of the worker that does it.
// Tasks are dealt out in order.
func (n *Network) parallel(tasks int, do func(worker, task int)) {
	var next atomic.Int64
	work := func(worker int) {
		for {
			task := int(next.Add(1)) - 1
			if task >= tasks {
				return
			}
			do(worker, task)
		}
	}
	var others sync.WaitGroup
	for worker := 1; worker < min(n.workers, tasks); worker++ {
		others.Go(func() { work(worker) })
	}
	work(0)
	others.Wait()
}

// blockRows is how many rows of a batch one task takes.
const blockRows = 32 * vector.TileRows

// blocks calls do for all rows from..to, in tasks.
func (n *Network) blocks(rows int, do func(s *scratch, from, to int)) {
	n.parallel((rows+blockRows-1)/blockRows, func(worker, task int) {
		do(&n.scratch[worker], task*blockRows, min((task+1)*blockRows, rows))
	})
}

// resize returns n elements of unknown content, in s if it has room.
func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n, n+n/4)
	}
	return s[:n]
}

// normalise puts the norm of the rows from..to of x into dst and what they are
// multiplied by into inverse.
func normalise(dst, x, gain, inverse []float32, from, to int) {
	d := len(gain)
	for t := from; t < to; t++ {
		row := x[t*d:][:d]
		inv := float32(1 / math.Sqrt(float64(vector.Dot(row, row)/float32(d)+NormEpsilon)))
		inverse[t] = inv
		vector.MultiplyScaled(dst[t*d:][:d], row, gain, inv)
	}
}

// normaliseBack adds to dst the gradient of x, given dy, that of its norm. row
// is room for a row.
func normaliseBack(dst, dy, x, gain, row []float32, inverse float32) {
	vector.MultiplyScaled(row, dy, gain, 1)
	common := vector.Dot(row, x) * inverse * inverse * inverse / float32(len(gain))
	vector.AddScaled(dst, row, inverse)
	vector.AddScaled(dst, x, -common)
}
