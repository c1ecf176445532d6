package enginetest

import (
	"fmt"

	"github.com/weirgo/weir/server/engine"
)

// EmbeddingSize is the length of the fake's vectors.
const EmbeddingSize = 8

// EmbeddingContext is a fake engine.EmbeddingContext.
type EmbeddingContext struct {
	*Context
	pooling engine.Pooling
}

var _ engine.RankingModel = (*Model)(nil)

// NewEmbeddingContext implements engine.EmbeddingModel. The fake model has no
// pooling of its own, unless it is a
// reranker.
func (m *Model) NewEmbeddingContext(cfg engine.ContextConfig, pooling engine.Pooling) (engine.EmbeddingContext, error) {
	if pooling == engine.PoolingModel {
		pooling = engine.PoolingNone
		if m.opts.Ranks != nil {
			pooling = engine.PoolingRank
		}
	}
	if cfg.BatchTokens == 0 {
		cfg.BatchTokens = 512
	}
	size := cfg.BatchTokens
	cfg.ContextTokens = size * max(cfg.MaxSequences, 1)
	c, err := m.NewContext(cfg)
	if err != nil {
		return nil, err
	}
	return &EmbeddingContext{c.(*Context), pooling}, nil
}

// Ranking implements engine.RankingModel.
func (m *Model) Ranking() (engine.Ranking, bool) {
	if m.opts.Ranks == nil {
		return engine.Ranking{}, false
	}
	return *m.opts.Ranks, true
}

// Pooling implements engine.EmbeddingContext.
func (c *EmbeddingContext) Pooling() engine.Pooling { return c.pooling }

// Embedding implements engine.EmbeddingContext.
func (c *EmbeddingContext) Embedding(id engine.SequenceID) ([]float32, error) {
	c.enter()
	defer c.leave()
	tokens := c.sequences[id].tokens
	if c.pooling == engine.PoolingNone || len(tokens) == 0 {
		return nil, fmt.Errorf("enginetest: no embedding of sequence %d", id)
	}
	return Embedding(tokens, c.pooling), nil
}

// TokenEmbedding implements engine.EmbeddingContext.
func (c *EmbeddingContext) TokenEmbedding(r int) ([]float32, error) {
	c.enter()
	defer c.leave()
	if c.pooling != engine.PoolingNone || r < 0 || r >= len(c.rows) {
		return nil, fmt.Errorf("enginetest: no embedding of row %d", r)
	}
	at := c.rows[r]
	return Embedding(c.sequences[at.seq].tokens[:at.tokens], c.pooling), nil
}

// Embedding is the fake's vector of a sequence: noise in [-1, 1) that all of its
// tokens decide.
func Embedding(tokens []engine.Token, pooling engine.Pooling) []float32 {
	hash := uint64(hashStart) + uint64(pooling)
	for _, t := range tokens {
		hash = mix(hash, t)
	}
	v := make([]float32, EmbeddingSize)
	for i := range v {
		v[i] = float32(scramble(hash+uint64(i))>>40)/(1<<23) - 1
	}
	return v
}
