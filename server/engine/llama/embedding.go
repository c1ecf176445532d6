package llama

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// embeddingContext implements engine.EmbeddingContext. The library computes the
// logits of its rows as well, and keeps them: 4 bytes for each token of a batch
// and of the vocabulary.
type embeddingContext struct {
	*llmContext
	pooling engine.Pooling
	width   int // of a vector
}

var _ engine.EmbeddingModel = (*model)(nil)

// embeddingTokens is the default size of a batch of sequences to embed.
const embeddingTokens = 512

// NewEmbeddingContext makes a context whose sequences share one KV cache, of the
// size of a batch.
func (m *model) NewEmbeddingContext(cfg engine.ContextConfig, pooling engine.Pooling) (engine.EmbeddingContext, error) {
	if pooling < engine.PoolingModel || pooling > engine.PoolingRank {
		return nil, fmt.Errorf("llama: make context: there is no pooling %d", pooling)
	}
	if pooling == engine.PoolingRank && !m.ranks() {
		return nil, errors.New("llama: make context: the model is no reranker; use another pooling")
	}
	setDefault(&cfg.BatchTokens, min(embeddingTokens, m.info.TrainedContext))
	cfg.ContextTokens, cfg.MicroBatchTokens = max(cfg.BatchTokens, cfg.MaxSequences), cfg.BatchTokens
	c, err := m.newContext(cfg, func(p *sys.ContextParams) {
		p.Embeddings, p.KVUnified = true, true
		p.Pooling = int32(pooling) + sys.PoolingUnspecified
	})
	if err != nil {
		return nil, err
	}
	e := &embeddingContext{llmContext: c, pooling: engine.Pooling(c.c.Pooling(c.handle) - sys.PoolingUnspecified), width: c.c.EmbeddingOut(m.handle)}
	switch {
	case e.pooling == engine.PoolingModel:
		// The library's own answer to "unspecified" of models that do not say.
		e.pooling = engine.PoolingNone
	case e.pooling == engine.PoolingRank:
		e.width = c.c.Classes(m.handle)
	}
	// A sequence is computed at once or not at all.
	e.limits.SequenceTokens = min(e.limits.SequenceTokens, e.limits.MicroBatchTokens)
	return e, nil
}

// Pooling returns the kind in force.
func (e *embeddingContext) Pooling() engine.Pooling { return e.pooling }

// Embedding returns the vector of a sequence in the library's memory.
func (e *embeddingContext) Embedding(seq engine.SequenceID) ([]float32, error) {
	switch {
	case e.handle == 0:
		return nil, fmt.Errorf("llama: get embedding: %w", engine.ErrClosed)
	case e.pooling == engine.PoolingNone || e.rows == 0 || uint(seq) >= uint(e.limits.MaxSequences):
		return nil, fmt.Errorf("llama: get embedding: there is none of sequence %d", seq)
	}
	return e.vector(e.c.SequenceEmbedding(e.handle, int32(seq)))
}

// TokenEmbedding returns the vector of a row in the library's memory.
func (e *embeddingContext) TokenEmbedding(row int) ([]float32, error) {
	if err := e.checkRow(row); err != nil {
		return nil, fmt.Errorf("llama: get embedding: %w", err)
	}
	if e.pooling != engine.PoolingNone {
		return nil, fmt.Errorf("llama: get embedding: that of row %d went into its sequence's", row)
	}
	return e.vector(e.c.RowEmbedding(e.handle, e.batch.place[row]))
}

func (e *embeddingContext) vector(p unsafe.Pointer) ([]float32, error) {
	if p == nil {
		return nil, errors.New("llama: get embedding: the library has none")
	}
	return unsafe.Slice((*float32)(p), e.width), nil
}
