package network

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Shape is the sizes of a network.
type Shape struct {
	Vocabulary  int
	Embedding   int // elements of a token's vector
	Layers      int
	Heads       int // of queries
	HeadsKV     int // of keys and values; Heads is a multiple of it
	FeedForward int
	Context     int // tokens
}

// Constants of the architecture, as the model's file names them.
const (
	NormEpsilon = 1e-5
	RotaryBase  = 10000
)

// HeadSize returns the elements of one head.
func (s Shape) HeadSize() int { return s.Embedding / s.Heads }

// keys returns the elements of all heads of keys.
func (s Shape) keys() int { return s.HeadsKV * s.HeadSize() }

// joint returns the elements of queries, keys and values together.
func (s Shape) joint() int { return s.Embedding + 2*s.keys() }

func (s Shape) check() error {
	for _, n := range []int{s.Vocabulary, s.Embedding, s.Layers, s.Heads, s.HeadsKV, s.FeedForward, s.Context} {
		if n < 1 || n > 1<<20 {
			return fmt.Errorf("network: a size of %+v is not in [1, 1048576]", s)
		}
	}
	if s.Embedding%s.Heads != 0 || s.HeadSize()%2 != 0 || s.Heads%s.HeadsKV != 0 {
		return fmt.Errorf("network: %+v: Embedding must be a multiple of 2·Heads, and Heads of HeadsKV", s)
	}
	return nil
}

// Matrix is one tensor: rows of columns elements, one row if it is a vector.
type Matrix struct {
	Name          string // as the model's file has it
	Rows, Columns int
	Vector        bool
	data          []float32 // within the weights
	spread        float64   // of the random numbers that it begins with; 0: ones
}

// tensors returns the tensors of flat weights, or only their sizes if flat is
// nil. Those that are used together are neighbours: queries, keys and values;
// gate and up.
func (s Shape) tensors(flat []float32) []Matrix {
	var all []Matrix
	at := 0
	add := func(name string, rows, columns int, spread float64) {
		m := Matrix{Name: name + ".weight", Rows: rows, Columns: columns, Vector: spread == 0, spread: spread}
		if flat != nil {
			m.data = flat[at : at+rows*columns]
		}
		at += rows * columns
		all = append(all, m)
	}
	in := func(n int) float64 { return 1 / math.Sqrt(float64(n)) }
	// What is added to the stream is the smaller, the more layers add to it.
	less := in(2 * s.Layers)
	add("token_embd", s.Vocabulary, s.Embedding, 0.5*in(s.Embedding))
	for i := range s.Layers {
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s", i, part) }
		add(name("attn_norm"), 1, s.Embedding, 0)
		add(name("attn_q"), s.Embedding, s.Embedding, in(s.Embedding))
		add(name("attn_k"), s.keys(), s.Embedding, in(s.Embedding))
		add(name("attn_v"), s.keys(), s.Embedding, in(s.Embedding))
		add(name("attn_output"), s.Embedding, s.Embedding, less*in(s.Embedding))
		add(name("ffn_norm"), 1, s.Embedding, 0)
		add(name("ffn_gate"), s.FeedForward, s.Embedding, in(s.Embedding))
		add(name("ffn_up"), s.FeedForward, s.Embedding, in(s.Embedding))
		add(name("ffn_down"), s.Embedding, s.FeedForward, less*in(s.FeedForward))
	}
	add("output_norm", 1, s.Embedding, 0)
	return all
}

// Parameters returns the number of weights.
func (s Shape) Parameters() int {
	n := 0
	for _, m := range s.tensors(nil) {
		n += m.Rows * m.Columns
	}
	return n
}

// Init fills the weights with random numbers of the seed.
func (n *Network) Init(seed uint64) {
	for i, m := range n.shape.tensors(n.Weights) {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		for j := range m.data {
			if m.Vector {
				m.data[j] = 1
				continue
			}
			// Uniform, of the spread: no function of package math in it, whose
			// last bits differ from machine to machine.
			m.data[j] = float32((2*r.Float64() - 1) * m.spread * math.Sqrt(3))
		}
	}
	n.fresh = false
}

// Tensors returns the tensors with their weights, in file order.
func (n *Network) Tensors() []Matrix { return n.shape.tensors(n.Weights) }

// Data returns the weights, row by row.
func (m *Matrix) Data() []float32 { return m.data }
