//go:build goexperiment.simd

package vector

import "testing"

// What this processor has gives the same bits as what it has besides.
func TestLevels(t *testing.T) {
	have := level
	defer func() { level = have }()
	for level = have; level >= levelPlain; level-- {
		t.Run(Instructions(), TestSameBits)
		t.Run(Instructions(), TestMultiply)
		t.Run(Instructions(), TestLoops)
	}
}

func BenchmarkMultiply(b *testing.B) {
	const rows, columns, depth = 64, 512, 192
	x := make([]float32, depth*columns)
	var l Left
	var r Right
	l.Pack(x, depth, rows, depth)
	r.Pack(x, columns, depth, columns)
	c := make([]float32, rows*columns)
	for b.Loop() {
		Multiply(c, columns, &l, &r, true)
	}
	b.ReportMetric(2*rows*columns*depth*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
}
