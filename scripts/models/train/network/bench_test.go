package network

import (
	"runtime"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/vector"
)

// BenchmarkStep is of a step of the demo model: 32 sequences of 80 tokens, of
// which a half has targets.
func BenchmarkStep(b *testing.B) {
	shape := Shape{Vocabulary: 1536, Embedding: 192, Layers: 4, Heads: 6, HeadsKV: 3, FeedForward: 512, Context: 512}
	n, err := New(shape, runtime.GOMAXPROCS(0))
	if err != nil {
		b.Fatal(err)
	}
	n.Init(1)
	lengths := make([]int, 32)
	for i := range lengths {
		lengths[i] = 80
	}
	batch := randomBatch(shape, lengths...)
	for i := range batch.Targets {
		if i%80 < 40 {
			batch.Targets[i] = -1
		}
	}
	for b.Loop() {
		result := n.Train(batch)
		n.Step(vector.Adam{Rate: 1e-6, Beta1: 0.9, Beta2: 0.98, Correct: 1, Epsilon: 1e-8}, 1, 0, result.Count, 1)
	}
	b.ReportMetric(float64(len(batch.Tokens)*b.N)/b.Elapsed().Seconds(), "tokens/s")
}
