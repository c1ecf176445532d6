package llama_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// embed decodes sequences together and returns their vectors: one a sequence, or
// one a token.
func embed(t *testing.T, c engine.EmbeddingContext, sequences ...[]engine.Token) (vectors [][]float32) {
	t.Helper()
	b := engine.NewBatch(c.Limits().BatchTokens)
	for id, tokens := range sequences {
		for i, token := range tokens {
			b.Add(token, i, engine.SequenceID(id), true)
		}
	}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	if c.Pooling() == engine.PoolingNone {
		for row := range b.Len() {
			v, err := c.TokenEmbedding(row)
			if err != nil {
				t.Fatal(err)
			}
			vectors = append(vectors, slices.Clone(v))
		}
	}
	for id := range sequences {
		v, err := c.Embedding(engine.SequenceID(id))
		if (err != nil) != (c.Pooling() == engine.PoolingNone) {
			t.Fatal(err)
		}
		if err == nil {
			vectors = append(vectors, slices.Clone(v))
		}
		if !c.RemoveSequence(engine.SequenceID(id), 0, -1) {
			t.Fatal("the sequence stays")
		}
	}
	return vectors
}

func openEmbedding(t *testing.T, m engine.Model, cfg engine.ContextConfig, pooling engine.Pooling) engine.EmbeddingContext {
	t.Helper()
	c, err := m.(engine.EmbeddingModel).NewEmbeddingContext(cfg, pooling)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// near reports whether two vectors are equal but for rounding.
func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-3*(1+math.Abs(float64(y))) })
}

// TestEmbeddings compares the kinds of pooling with what they are made of, and
// sequences together with each alone.
func TestEmbeddings(t *testing.T) {
	m := llamatest.Load(t)
	size := engine.ContextConfig{MaxSequences: 4, BatchTokens: 64}
	a, b := []engine.Token{5, 9, 300, 17, 8}, []engine.Token{1000, 4, 2}
	each := openEmbedding(t, m, size, engine.PoolingNone)
	rows := embed(t, each, a, b)
	if len(rows) != 8 || len(rows[0]) != m.Info().EmbeddingSize {
		t.Fatalf("%d vectors of %d", len(rows), len(rows[0]))
	}
	mean := make([]float32, len(rows[0]))
	for _, v := range rows[:5] {
		for i, x := range v {
			mean[i] += x / 5
		}
	}
	for pooling, want := range map[engine.Pooling][]float32{
		engine.PoolingMean: mean, engine.PoolingFirst: rows[0], engine.PoolingLast: rows[4],
	} {
		c := openEmbedding(t, m, size, pooling)
		if c.Pooling() != pooling || c.Limits().SequenceTokens != 64 {
			t.Errorf("pooling %d, %+v", c.Pooling(), c.Limits())
		}
		together := embed(t, c, a, b)
		if !near(together[0], want) {
			t.Errorf("pooling %d: %v, want %v", pooling, together[0][:3], want[:3])
		}
		if alone := embed(t, c, b); !near(alone[0], together[1]) {
			t.Errorf("pooling %d: together %v, alone %v", pooling, together[1][:3], alone[0][:3])
		}
		long := make([]engine.Token, 64)
		if v := embed(t, c, long); len(v) != 1 {
			t.Errorf("%d vectors", len(v))
		}
	}
}

func TestEmbeddingErrors(t *testing.T) {
	m := llamatest.Load(t).(engine.EmbeddingModel)
	for _, pooling := range []engine.Pooling{-1, 9, engine.PoolingRank} {
		if _, err := m.NewEmbeddingContext(engine.ContextConfig{}, pooling); err == nil {
			t.Errorf("pooling %d was taken", pooling)
		}
	}
	c, err := m.NewEmbeddingContext(engine.ContextConfig{}, engine.PoolingModel)
	if err != nil {
		t.Fatal(err)
	}
	if l := c.Limits(); l.BatchTokens != 512 || l.SequenceTokens != 512 {
		t.Errorf("%+v", l)
	}
	if _, err := c.Embedding(0); err == nil {
		t.Error("a vector of nothing")
	}
	if _, err := c.TokenEmbedding(0); err == nil {
		t.Error("a vector of nothing")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Embedding(0); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("%v", err)
	}
}
