package engine

// Pooling says how the vectors of a sequence's tokens become one.
type Pooling int8

// Values of Pooling.
const (
	PoolingModel Pooling = iota // as the model was trained
	PoolingNone                 // each token keeps its own
	PoolingMean
	PoolingFirst // the first token's ("cls")
	PoolingLast
	PoolingRank // what a reranker answers: a few numbers for the sequence
)

// EmbeddingModel is a Model that turns sequences into vectors.
type EmbeddingModel interface {
	Model
	// NewEmbeddingContext makes a context that computes vectors. A sequence has
	// to fit into one batch, which is computed at once: BatchTokens, by default
	// 512, is the size of all else.
	NewEmbeddingContext(ContextConfig, Pooling) (EmbeddingContext, error)
}

// EmbeddingContext is a Context whose Decode computes vectors. Every row of a
// batch asks for logits, and the caller removes the sequences after each.
type EmbeddingContext interface {
	Context
	// Pooling returns the kind in force, never PoolingModel.
	Pooling() Pooling
	// Embedding returns the vector of a sequence of the last batch, unless
	// PoolingNone, in the engine's memory until the next Decode.
	Embedding(seq SequenceID) ([]float32, error)
	// TokenEmbedding returns the vector of a row, with PoolingNone.
	TokenEmbedding(row int) ([]float32, error)
}
