package network

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

var small = Shape{Vocabulary: 37, Embedding: 24, Layers: 2, Heads: 6, HeadsKV: 3, FeedForward: 20, Context: 80}

func newNetwork(t testing.TB, shape Shape, workers int) *Network {
	n, err := New(shape, workers)
	if err != nil {
		t.Fatal(err)
	}
	n.Init(11)
	// Gains other than one, and an embedding whose logits tell tokens apart.
	r := rand.New(rand.NewPCG(5, 5))
	for _, m := range n.Tensors() {
		for i := range m.data {
			if m.Vector {
				m.data[i] = 0.5 + r.Float32()
			} else {
				m.data[i] *= 1.5
			}
		}
	}
	return n
}

func randomBatch(shape Shape, lengths ...int) *Batch {
	r, b := rand.New(rand.NewPCG(6, 6)), &Batch{}
	for _, length := range lengths {
		tokens, targets := make([]int32, length), make([]int32, length)
		for i := range tokens {
			tokens[i], targets[i] = int32(r.IntN(shape.Vocabulary)), int32(r.IntN(shape.Vocabulary))
			if r.IntN(3) == 0 {
				targets[i] = -1
			}
		}
		b.Add(tokens, targets)
	}
	return b
}

func TestLossIsTheReferences(t *testing.T) {
	n, b := newNetwork(t, small, 2), randomBatch(small, 5, 1, 70)
	got, want := n.Judge(b).Loss, newReference(n).loss(b)
	if math.Abs(got-want) > 1e-5*want {
		t.Errorf("%v, want %v", got, want)
	}
}

// Every tensor's gradient is what the reference's differences say.
func TestGradients(t *testing.T) {
	n, b := newNetwork(t, small, 2), randomBatch(small, 6, 2, 9)
	n.Train(b)
	r, random := newReference(n), rand.New(rand.NewPCG(7, 7))
	at := 0
	for _, m := range n.Tensors() {
		data := r.tensors[m.Name]
		for range 12 {
			i := random.IntN(len(data))
			const step = 1e-5
			was := data[i]
			data[i] = was + step
			up := r.loss(b)
			data[i] = was - step
			down := r.loss(b)
			data[i] = was
			want := (up - down) / (2 * step)
			if got := float64(n.Gradients[at+i]); math.Abs(got-want) > 2e-4*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: %v, want %v", m.Name, i, got, want)
			}
		}
		at += len(data)
	}
	before := slices.Clone(n.Gradients)
	n.Train(b)
	for i, g := range n.Gradients {
		if math.Abs(float64(g-2*before[i])) > 1e-4*(1+math.Abs(float64(g))) {
			t.Fatalf("a second pass does not add: %v after %v", g, before[i])
		}
	}
}

func TestLogits(t *testing.T) {
	n, b := newNetwork(t, small, 1), randomBatch(small, 9)
	logits := n.Logits(b.Tokens)
	sum := 0.0
	for i, target := range b.Targets {
		if target >= 0 {
			row := slices.Clone(logits[i*small.Vocabulary:][:small.Vocabulary])
			own := row[target]
			sum += vector.Softmax(row, 1) - float64(own)
		}
	}
	if want := newReference(n).loss(b); math.Abs(sum-want) > 1e-5*want {
		t.Errorf("they make a loss of %v, want %v", sum, want)
	}
}

func digest(n *Network) uint64 {
	sum := fnv.New64a()
	w := n.Weights
	sum.Write(unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), 4*len(w)))
	return sum.Sum64()
}

// The network learns to say a sequence again, and the same one whatever the
// number of workers is.
func TestLearnsToCopy(t *testing.T) {
	shape := Shape{Vocabulary: 14, Embedding: 32, Layers: 2, Heads: 2, HeadsKV: 1, FeedForward: 64, Context: 16}
	train := func(workers, steps int) *Network {
		n, err := New(shape, workers)
		if err != nil {
			t.Fatal(err)
		}
		n.Init(1)
		r, b := rand.New(rand.NewPCG(8, 8)), &Batch{}
		b1, b2 := 1.0, 1.0
		for range steps {
			copies(b, r, 12)
			result := n.Train(b)
			b1, b2 = b1*0.9, b2*0.98
			n.Step(vector.Adam{
				Rate: float32(0.01 / (1 - b1)), Beta1: 0.9, Beta2: 0.98, Correct: float32(1 / (1 - b2)), Epsilon: 1e-8,
			}, 1, 1e-4, result.Count, 1)
		}
		return n
	}
	if a, b := digest(train(1, 3)), digest(train(3, 3)); a != b {
		t.Error("three workers make other weights than one")
	}
	if testing.Short() {
		t.Skip("short")
	}
	n, b := train(2, 120), &Batch{}
	copies(b, rand.New(rand.NewPCG(9, 9)), 50)
	right := 0
	for _, ok := range n.Judge(b).Right {
		if ok {
			right++
		}
	}
	if right < 45 {
		t.Errorf("%d of 50 right", right)
	}
}

// copies fills a batch with four tokens, a mark, and the four again.
func copies(b *Batch, r *rand.Rand, count int) {
	b.Reset()
	for range count {
		tokens, targets := make([]int32, 9), make([]int32, 9)
		for i := range 4 {
			tokens[i] = int32(1 + r.IntN(13))
			tokens[i+5] = tokens[i]
			targets[i], targets[i+4] = -1, tokens[i]
		}
		targets[8] = 0
		b.Add(tokens, targets)
	}
}

func TestRefused(t *testing.T) {
	for _, change := range []func(*Shape){
		func(s *Shape) { s.Heads = 5 }, func(s *Shape) { s.HeadsKV = 4 }, func(s *Shape) { s.Layers = 0 },
		func(s *Shape) { s.Embedding = 18 }, func(s *Shape) { s.Vocabulary = 1 << 30 },
	} {
		shape := small
		change(&shape)
		if _, err := New(shape, 1); err == nil {
			t.Errorf("%+v is taken", shape)
		}
	}
	n := newNetwork(t, small, 1)
	for name, b := range map[string]*Batch{
		"token":  {[]int32{37}, []int32{-1}, []int{1}},
		"target": {[]int32{1}, []int32{37}, []int{1}},
		"length": randomBatch(small, 81),
		"end":    {[]int32{1, 2}, []int32{-1, -1}, []int{1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			n.Judge(b)
		}()
	}
}
